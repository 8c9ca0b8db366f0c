import Type from 'typebox'
import { GRADES, OUTCOMES } from '#protocol/grades.ts'
import {
  BoxIdSchema,
  CaseNumberSchema,
  ClerkIdSchema,
  CodeSchema,
  CountSchema,
  InstantMsSchema,
  ItemSchema,
  ServiceNumberSchema,
  WindowIdSchema,
} from '#protocol/names.ts'
import { POOL_STANDINGS } from './store/tables.ts'

/** What the collector's HTTP API takes and gives: one schema each for types, checks and the OpenAPI document. */

const strict = { additionalProperties: false } as const
const orNull = <S extends Type.TSchema>(schema: S) => Type.Union([schema, Type.Null()])
const hex = (bytes: number, title: string) => Type.String({ title, pattern: `^[0-9a-f]{${bytes * 2}}$` })

/** RFC 3339, so with an offset: a time without one means something else in every office. */
const Rfc3339Schema = Type.Refine(
  Type.String({
    title: '办结时间 Served at',
    format: 'date-time',
    maxLength: 40,
  }),
  value => !Number.isNaN(Date.parse(value)),
  // A leap second is one by the format, and none to JavaScript.
  () => 'must be a date and time that exist',
)

export const ServiceBody = Type.Object(
  {
    case: CaseNumberSchema,
    service: ServiceNumberSchema,
    item: Type.Optional(ItemSchema),
    window: Type.Optional(WindowIdSchema),
    clerk: Type.Optional(ClerkIdSchema),
    servedAt: Type.Optional(Rfc3339Schema),
  },
  { ...strict, title: '办件服务 A service to register' },
)
export type ServiceBody = Type.Static<typeof ServiceBody>

export const PromptBody = Type.Object(
  { case: CaseNumberSchema, service: ServiceNumberSchema, clerk: Type.Optional(ClerkIdSchema) },
  { ...strict, title: '邀评请求 A prompt to ask for' },
)
export type PromptBody = Type.Static<typeof PromptBody>

const press = {
  /** Null when it does not open: then `unopened` says why. */
  grade: orNull(Type.Enum([...GRADES], { title: '评价等级 Grade' })),
  unopened: Type.Optional(CodeSchema),
  /** With `unopened: unknown-opening-key`: the key it waits for. */
  openingKey: Type.Optional(hex(8, '封存公钥编号 Id of the opening key that is missing')),
  provenance: Type.Enum(['pad', 'screen'], { title: '来源 Provenance' }),
  atMs: InstantMsSchema,
  receivedAtMs: InstantMsSchema,
  box: BoxIdSchema,
  epoch: hex(16, '纪元 Epoch'),
  seq: CountSchema('序号 Sequence number'),
  hash: hex(32, 'SHA-256'),
  corrected: Type.Boolean({ title: '是否经群众更正 Whether the citizen corrected it' }),
}

export const RatingView = Type.Object(press, { ...strict, title: '评价 Rating' })
export type RatingView = Type.Static<typeof RatingView>

export const WHY = [
  'rated',
  'waiting',
  'not-prompted',
  'declined',
  'timed-out',
  'cancelled',
  'pad-unavailable',
] as const

export const ServiceView = Type.Object(
  {
    case: CaseNumberSchema,
    service: ServiceNumberSchema,
    item: orNull(ItemSchema),
    window: orNull(WindowIdSchema),
    clerk: orNull(ClerkIdSchema),
    servedAtMs: orNull(InstantMsSchema),
    registeredAtMs: InstantMsSchema,
    rating: orNull(RatingView),
    duplicates: CountSchema('重复评价数 Ratings that do not count'),
    why: Type.Enum([...WHY], { title: '评价情况 Rated, or why not' }),
    reason: Type.Optional(CodeSchema),
  },
  { ...strict, title: '办件服务 Service' },
)
export type ServiceView = Type.Static<typeof ServiceView>

export const ServicePage = Type.Object(
  {
    services: Type.Array(ServiceView),
    before: orNull(Type.Integer({ title: '下一页的 before 参数 The parameter for the next page' })),
  },
  strict,
)
export type ServicePage = Type.Static<typeof ServicePage>

export const PromptView = Type.Object(
  {
    prompt: hex(16, '邀评编号 Prompt id'),
    window: orNull(WindowIdSchema),
    box: BoxIdSchema,
    /** Null until the box has said that it opened it. */
    openedAtMs: orNull(InstantMsSchema),
    outcome: orNull(Type.Enum([...OUTCOMES], { title: '结果 Outcome' })),
    reason: Type.Optional(CodeSchema),
    case: Type.Optional(CaseNumberSchema),
    service: Type.Optional(ServiceNumberSchema),
  },
  { ...strict, title: '邀评 Prompt' },
)
export type PromptView = Type.Static<typeof PromptView>

export const BoxView = Type.Object(
  {
    box: BoxIdSchema,
    enrolled: Type.Boolean(),
    online: Type.Boolean(),
    agent: orNull(Type.String({ title: 'Agent version' })),
    backlog: orNull(CountSchema('未获回执的条目 Entries without a receipt')),
    windows: Type.Array(Type.Object({ window: WindowIdSchema, pad: CodeSchema }, strict)),
    lastSeenMs: orNull(InstantMsSchema),
    committed: orNull(Type.Object({ epoch: hex(16, '纪元 Epoch'), seq: CountSchema('序号 Sequence number') }, strict)),
  },
  { ...strict, title: '盒子 Box' },
)
export type BoxView = Type.Static<typeof BoxView>

export const PoolView = Type.Object(
  {
    ...press,
    prompt: hex(16, '邀评编号 Prompt id'),
    window: orNull(WindowIdSchema),
    clerk: orNull(ClerkIdSchema),
    case: Type.Optional(CaseNumberSchema),
    service: Type.Optional(ServiceNumberSchema),
    why: Type.Enum([...POOL_STANDINGS], { title: '未关联原因 Why it is not tied' }),
  },
  { ...strict, title: '待关联评价 A rating not tied to a registered service' },
)
export type PoolView = Type.Static<typeof PoolView>

export const QuarantineView = Type.Object(
  {
    id: CountSchema('Number'),
    box: BoxIdSchema,
    code: CodeSchema,
    detail: Type.String(),
    bytes: CountSchema('Size in bytes'),
    firstAtMs: InstantMsSchema,
    lastAtMs: InstantMsSchema,
    times: CountSchema('How often it was sent'),
  },
  { ...strict, title: '隔离的批 A refused batch' },
)
export type QuarantineView = Type.Static<typeof QuarantineView>

export const HealthView = Type.Object(
  {
    ok: Type.Boolean(),
    broker: Type.Enum(['up', 'down']),
    store: Type.Enum(['writing', 'refusing']),
    /** Entries committed but not yet projected. */
    behind: CountSchema('待处理条目 Entries not yet projected'),
    boxes: Type.Object({ enrolled: CountSchema('Enrolled'), online: CountSchema('Online') }, strict),
    quarantined: CountSchema('Batches in quarantine'),
    oddities: CountSchema('Entries that contradict others'),
    counters: Type.Record(Type.String(), Type.Integer()),
  },
  { ...strict, title: '运行状态 Health' },
)
export type HealthView = Type.Static<typeof HealthView>
