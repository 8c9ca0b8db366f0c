import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { PromptCountsQuery } from '#collector/cases/prompt-counts.ts'
import { parseDay } from '#collector/projection/day.ts'
import {
  BoxView,
  DigestView,
  GapView,
  HealthView,
  PoolView,
  PromptCountsView,
  PromptView,
  QuarantineView,
  ServicePage,
  ServiceView,
} from '#collector/schemas.ts'
import { CaseNumberSchema, DaySchema, ServiceNumberSchema, WindowIdSchema } from '#protocol/names.ts'
import { checkScope, isDirectLoopback } from './access.ts'
import type { ApiDeps } from './api-deps.ts'
import { problemResponses } from './problem-responses.ts'
import { Refusal } from './refusal.ts'

const limit = (most: number, usual: number) =>
  Type.Integer({ title: '条数 How many', minimum: 1, maximum: most, default: usual })

const LIST_MAX = 500
const LIST_USUAL = 100
const listQuery = Type.Object({ limit: Type.Optional(limit(LIST_MAX, LIST_USUAL)) }, { additionalProperties: false })
const promptParams = Type.Object({
  prompt: Type.String({ title: '邀评编号 Prompt id', pattern: '^[0-9a-f]{32}$' }),
})
const pageQuery = Type.Object(
  {
    limit: Type.Optional(limit(LIST_MAX, 50)),
    before: Type.Optional(Type.Integer({ title: '上一页返回的 before The before of the page before', minimum: 1 })),
  },
  { additionalProperties: false },
)

const COUNTED_DAYS_MAX = 400
const countsQuery = Type.Object(
  { from: DaySchema, to: DaySchema, window: Type.Optional(WindowIdSchema) },
  { additionalProperties: false },
)

function parseCountsQuery({ from, to, window }: Type.Static<typeof countsQuery>): PromptCountsQuery {
  const days = [parseDay(from), parseDay(to)] as const
  if (days[0] === undefined || days[1] === undefined)
    throw new Refusal('bad-request', 'from and to must be days that exist')
  const length = days[1] - days[0] + 1
  if (length < 1 || length > COUNTED_DAYS_MAX) {
    throw new Refusal('bad-request', `from and to must span 1 to ${COUNTED_DAYS_MAX} days, both counted`)
  }
  return { from: days[0], to: days[1], ...(window === undefined ? {} : { window }) }
}

/** Everything that only reads. From this machine without a key if so configured, otherwise with scope `read`. */
export function addReadRoutes(scope: FastifyInstance, { verbs, keyring, events, options }: ApiDeps): void {
  const app = scope.withTypeProvider<TypeBoxTypeProvider>()
  const onRequest = (request: FastifyRequest, _reply: unknown, done: () => void) => {
    if (!(options.openToLoopback && isDirectLoopback(request))) checkScope(request, keyring, 'read')
    done()
  }
  const about = (tag: string, summary: string) => ({ tags: [tag], summary, security: [{ key: ['read'] }] })

  app.get(
    '/v1/services',
    {
      onRequest,
      schema: {
        ...about('services', '已登记的服务，最新在前 Registered services, newest first'),
        querystring: pageQuery,
        response: { 200: ServicePage, ...problemResponses('bad-request', 'key-missing') },
      },
    },
    ({ query }) => verbs.listServices(query.limit ?? 50, query.before),
  )
  app.get(
    '/v1/services/:case/:service',
    {
      onRequest,
      schema: {
        ...about('services', '一次服务及其评价 One service and its rating'),
        params: Type.Object({ case: CaseNumberSchema, service: ServiceNumberSchema }),
        response: { 200: ServiceView, ...problemResponses('bad-request', 'key-missing', 'unknown-service') },
      },
    },
    async ({ params }) => {
      const found = await verbs.findService(params.case, params.service)
      if (!found) throw new Refusal('unknown-service')
      return found
    },
  )
  app.get(
    '/v1/pool',
    {
      onRequest,
      schema: {
        ...about('services', '未关联到已登记服务的评价 Ratings not tied to a registered service'),
        querystring: listQuery,
        response: { 200: Type.Array(PoolView), ...problemResponses('key-missing') },
      },
    },
    ({ query }) => verbs.listPool(query.limit ?? LIST_USUAL),
  )
  app.get(
    '/v1/prompts/:prompt',
    {
      onRequest: (request, _reply, done) => {
        // Whoever may ask for a prompt may ask what became of it; the answer holds no grade.
        if (options.openToLoopback && isDirectLoopback(request)) return done()
        try {
          checkScope(request, keyring, 'prompts:write')
        } catch (error) {
          if (!(error instanceof Refusal && error.code === 'scope-missing')) throw error
          checkScope(request, keyring, 'read')
        }
        done()
      },
      schema: {
        ...about('prompts', '一次邀评的进展，不含评价等级 How a prompt stands; never a grade'),
        params: promptParams,
        response: { 200: PromptView, ...problemResponses('bad-request', 'key-missing', 'unknown-prompt') },
      },
    },
    async ({ params }) => {
      const found = await verbs.prompts.find(params.prompt)
      if (!found) throw new Refusal('unknown-prompt')
      return found
    },
  )
  app.get(
    '/v1/boxes',
    {
      onRequest,
      schema: {
        ...about('fleet', '所有盒子 Every box'),
        response: { 200: Type.Array(BoxView), ...problemResponses('key-missing') },
      },
    },
    () => verbs.listBoxes(),
  )
  app.get(
    '/v1/gaps',
    {
      onRequest,
      schema: {
        ...about('fleet', '缺失的条目：仍在等待的、已放弃的、随日志链结束而丢失的 Entries that are missing'),
        response: { 200: Type.Array(GapView), ...problemResponses('key-missing') },
      },
    },
    () => verbs.listGaps(),
  )
  app.get(
    '/v1/prompt-counts',
    {
      onRequest,
      schema: {
        ...about('prompts', '按窗口和日期的邀评计数 Prompts and how they ended, by window and day'),
        querystring: countsQuery,
        response: { 200: PromptCountsView, ...problemResponses('bad-request', 'key-missing') },
      },
    },
    ({ query }) => verbs.countPrompts(parseCountsQuery(query)),
  )
  app.get(
    '/v1/quarantine',
    {
      onRequest,
      schema: {
        ...about('fleet', '被隔离的批 Refused batches'),
        querystring: listQuery,
        response: { 200: Type.Array(QuarantineView), ...problemResponses('key-missing') },
      },
    },
    ({ query }) => verbs.listQuarantine(query.limit ?? LIST_USUAL),
  )
  app.get(
    '/v1/digests',
    {
      onRequest,
      schema: {
        ...about('evidence', '一天的摘要，每个大厅一条 The digests of a day, one for each hall'),
        querystring: Type.Object({ day: DaySchema }, { additionalProperties: false }),
        response: { 200: Type.Array(DigestView), ...problemResponses('bad-request', 'key-missing') },
      },
    },
    ({ query }) => verbs.listDigests(query.day),
  )
  app.get(
    '/v1/health',
    {
      onRequest,
      schema: {
        ...about('fleet', '运行状态 Health'),
        response: { 200: HealthView, ...problemResponses('key-missing') },
      },
    },
    () => verbs.health(),
  )
  app.get(
    '/v1/events',
    {
      onRequest,
      schema: {
        ...about('fleet', '实时事件 Server-sent events'),
        description:
          'text/event-stream: `service`, `box`, `pool`, `quarantine`, `gap`; data 为变化后的对象 the item as it is now.',
        response: problemResponses('key-missing', 'too-many-watchers'),
      },
    },
    (_request, reply) => {
      if (!events.hasRoom()) throw new Refusal('too-many-watchers')
      const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream', 'cache-control': 'no-store' }
      reply.hijack()
      reply.raw.writeHead(200, headers as Record<string, string>)
      events.add(reply.raw)
    },
  )
}
