import type { TSchema } from 'typebox'
import { PANEL_PROBLEMS, type PanelProblemCode } from './problems.ts'
import { CancelBody, PairingBody, PanelStateSchema, ProblemSchema, PromptRequestBody, PromptSchema } from './schemas.ts'

interface Operation {
  method: 'get' | 'post' | 'delete'
  path: string
  summary: string
  body?: TSchema
  answers: Record<number, { description: string; schema?: TSchema; type?: string }>
  problems: PanelProblemCode[]
}

const OPERATIONS: Operation[] = [
  {
    method: 'post',
    path: '/v1/prompts',
    summary: '发起邀评 Ask the citizen for a rating',
    body: PromptRequestBody,
    answers: {
      201: {
        description: 'The prompt was opened; if the pad cannot ask it has already ended as pad-unavailable',
        schema: PromptSchema,
      },
      200: { description: 'The same service is being asked for already; this is its prompt', schema: PromptSchema },
    },
    problems: [
      'bad-request',
      'case-number-missing',
      'window-missing',
      'window-unknown',
      'service-already-rated',
      'no-room',
      'out-of-service',
    ],
  },
  {
    method: 'get',
    path: '/v1/prompts/{id}',
    summary: '查询邀评 How a prompt stands; never the grade',
    answers: { 200: { description: 'The prompt', schema: PromptSchema } },
    problems: ['prompt-unknown'],
  },
  {
    method: 'delete',
    path: '/v1/prompts/{id}',
    summary: '取消邀评 Cancel a waiting prompt, with the reason',
    body: CancelBody,
    answers: { 200: { description: 'The prompt, cancelled', schema: PromptSchema } },
    problems: ['bad-request', 'prompt-unknown', 'prompt-finished'],
  },
  {
    method: 'get',
    path: '/v1/state',
    summary: '窗口状态 Windows, pads, sessions and the counts of today',
    answers: { 200: { description: 'The state', schema: PanelStateSchema } },
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/health',
    summary: '运行计数 Counters since the start: garbage on the line, ignored presses, batches sent again',
    answers: { 200: { description: '{ ok, counters }' } },
    problems: [],
  },
  {
    method: 'get',
    path: '/v1/events',
    summary: '状态推送 Server-sent events: `state` with the whole state after each change',
    answers: { 200: { description: 'An event stream', type: 'text/event-stream' } },
    problems: [],
  },
  {
    method: 'post',
    path: '/v1/pairing',
    summary: '配对 Pair this computer with the code shown on the box',
    body: PairingBody,
    answers: { 204: { description: 'Paired; the cookie is set' } },
    problems: ['bad-request', 'pairing-refused'],
  },
  {
    method: 'post',
    path: '/v1/pairing-codes',
    summary: '生成配对码 Make a pairing code; only from the box itself',
    answers: { 201: { description: '{ code, validMs }' } },
    problems: ['pairing-required'],
  },
]

/** The OpenAPI 3.1 description of the box's local API, made from the schemas the routes check with. */
export function panelOpenapi(): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const operation of OPERATIONS) {
    paths[operation.path] ??= {}
    paths[operation.path]![operation.method] = describe(operation)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: '窗评 盒子本地接口 Chuangping box API',
      version: '1',
      description: 'Asks for ratings at a window. It never shows or accepts a grade.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: 'http://127.0.0.1:8610' }],
    paths,
  }
}

function describe({ path, summary, body, answers, problems }: Operation): object {
  const common: PanelProblemCode[] = [
    'pairing-required',
    'origin-refused',
    'too-many-requests',
    ...(body ? (['body-too-big'] as const) : []),
  ]
  return {
    summary,
    ...(path.includes('{id}') && {
      parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', pattern: '^[0-9a-f]{32}$' } }],
    }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, { description, schema, type }]) => [
          status,
          {
            description,
            ...((schema || type) && { content: { [type ?? 'application/json']: { schema: schema ?? {} } } }),
          },
        ]),
      ),
      ...problemResponses([...new Set([...common, ...problems])]),
    },
  }
}

function problemResponses(codes: PanelProblemCode[]): Record<string, object> {
  const byStatus = Map.groupBy(codes, code => PANEL_PROBLEMS[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [
      status,
      {
        description: group.map(code => `${code}: ${PANEL_PROBLEMS[code].title.en}`).join('; '),
        content: { 'application/problem+json': { schema: ProblemSchema } },
      },
    ]),
  )
}
