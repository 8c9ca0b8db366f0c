import Type from 'typebox'
import { FINDING_CODES } from '#protocol/entry.ts'
import { GRADES, OUTCOMES } from '#protocol/grades.ts'
import {
  BoxIdSchema,
  CaseNumberSchema,
  CertificateSerialSchema,
  ClerkIdSchema,
  CodeSchema,
  CountSchema,
  DaySchema,
  HallIdSchema,
  HolderSchema,
  InstantMsSchema,
  ItemSchema,
  NoteSchema,
  SeqSchema,
  ServiceNumberSchema,
  WindowIdSchema,
} from '#protocol/names.ts'
import { ORIGIN_VERDICTS, POOL_STANDINGS } from './store/tables.ts'

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

export const ExplanationBody = Type.Object(
  {
    box: BoxIdSchema,
    epoch: hex(16, '纪元 Epoch'),
    from: SeqSchema,
    note: NoteSchema,
  },
  { ...strict, title: '缺口说明 Why entries never came' },
)

export const AcceptanceBody = Type.Object(
  { box: BoxIdSchema, sha256: hex(32, 'SHA-256 of the batch'), reason: NoteSchema },
  { ...strict, title: '接收一批 A batch to take' },
)

/** Between these it was; null where nothing says that it was not earlier. */
const bounds = {
  earliestMs: orNull(InstantMsSchema),
  latestMs: InstantMsSchema,
}

const press = {
  /** Null when it does not open: then `unopened` says why. */
  grade: orNull(Type.Enum([...GRADES], { title: '评价等级 Grade' })),
  unopened: Type.Optional(CodeSchema),
  /** With `unopened: unknown-opening-key`: the key it waits for. */
  openingKey: Type.Optional(hex(8, '封存公钥编号 Id of the opening key that is missing')),
  provenance: Type.Enum(['pad', 'screen'], { title: '来源 Provenance' }),
  /** The best guess; the truth lies between the two bounds. */
  atMs: InstantMsSchema,
  ...bounds,
  /** What the clock of the box said, which may be years wrong. */
  wallMs: InstantMsSchema,
  receivedAtMs: InstantMsSchema,
  box: BoxIdSchema,
  epoch: hex(16, '纪元 Epoch'),
  seq: CountSchema('序号 Sequence number'),
  hash: hex(32, 'SHA-256'),
  corrected: Type.Boolean({ title: '是否经群众更正 Whether the citizen corrected it' }),
  /** The rating stays valid: it was committed before, or a person took it after. */
  boxRevokedAtMs: Type.Optional(InstantMsSchema),
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

/** What a business system is told of what it registered: that it was rated, never how. That takes another scope. */
export const RegisteredView = Type.Omit(ServiceView, ['rating'], {
  ...strict,
  title: '已登记的服务 Registered service',
})
export type RegisteredView = Type.Static<typeof RegisteredView>

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
    /** When it was opened is known to have been between these. */
    opened: Type.Optional(Type.Object(bounds, strict)),
    outcome: orNull(Type.Enum([...OUTCOMES], { title: '结果 Outcome' })),
    reason: Type.Optional(CodeSchema),
    case: Type.Optional(CaseNumberSchema),
    service: Type.Optional(ServiceNumberSchema),
  },
  { ...strict, title: '邀评 Prompt' },
)
export type PromptView = Type.Static<typeof PromptView>

export const PromptCountsView = Type.Object(
  {
    timeZone: Type.Literal('Asia/Shanghai'),
    from: DaySchema,
    to: DaySchema,
    counts: Type.Array(
      Type.Object(
        {
          day: DaySchema,
          window: WindowIdSchema,
          prompts: CountSchema('邀评数 = 以下各项之和 Prompts, the sum of what follows'),
          rated: CountSchema('已评价 Rated'),
          declined: CountSchema('放弃 Declined'),
          'timed-out': CountSchema('超时 Timed out'),
          cancelled: CountSchema('取消 Cancelled'),
          'pad-unavailable': CountSchema('评价器不可用 Pad unavailable'),
          open: CountSchema('未结束 Not ended'),
          dayUncertain: CountSchema('其中日期不能确定的 Of all, those that may have been on another day'),
          cancels: Type.Array(
            Type.Object(
              { clerk: orNull(ClerkIdSchema), reason: CodeSchema, prompts: CountSchema('取消数 Cancelled') },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
  },
  {
    ...strict,
    title: '邀评计数 Prompt counts',
    description:
      '按窗口和日期统计。日期按邀评打开时间的最佳估计；可能属于另一天的计入 dayUncertain，盒子的授时到达后自动更正。' +
      ' By window and day, by the best that is known of when the prompt was opened. What may have been on another ' +
      'day is counted in dayUncertain as well, and corrects itself once the box has learnt the time.',
  },
)
export type PromptCountsView = Type.Static<typeof PromptCountsView>

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
    /** It holds entries that do not arrive, since then; null while all is well. */
    stalledSinceMs: orNull(InstantMsSchema),
    /** Its certificate and key are good for nothing any more. */
    revoked: orNull(
      Type.Object(
        { atMs: InstantMsSchema, serial: CertificateSerialSchema, reason: NoteSchema },
        { ...strict, title: '吊销 Revocation' },
      ),
    ),
    findings: Type.Array(
      Type.Object(
        {
          code: Type.Enum([...FINDING_CODES], { title: '异常 What an honest, whole box never does' }),
          epoch: hex(16, '纪元 Epoch'),
          seq: CountSchema('序号 Sequence number'),
          atMs: InstantMsSchema,
        },
        strict,
      ),
    ),
    /** Its journals, the newest first, at most 20. */
    epochs: Type.Array(
      Type.Object(
        {
          epoch: hex(16, '纪元 Epoch'),
          first: CountSchema('First committed number'),
          last: CountSchema('Last committed number'),
          beganAtMs: InstantMsSchema,
          reason: orNull(
            Type.Enum(['first', 'quarantined', 'replaced', 're-enrolled'], { title: '起因 Why it began' }),
          ),
          origin: Type.Enum([...ORIGIN_VERDICTS], {
            title: '是否说明上一纪元的结束 Whether it explains the end before',
          }),
          missing: CountSchema('Entries of the one before that never came'),
        },
        strict,
      ),
    ),
  },
  { ...strict, title: '盒子 Box' },
)
export type BoxView = Type.Static<typeof BoxView>

export const GapView = Type.Object(
  {
    box: BoxIdSchema,
    epoch: hex(16, '纪元 Epoch'),
    from: CountSchema('缺失的首条 First missing number'),
    to: CountSchema('缺失的末条 Last missing number'),
    state: Type.Enum(['open', 'filled', 'given-up', 'tail-lost'], {
      title: '状态 Still expected, come after all, given up, or lost with the end of a journal',
    }),
    sinceMs: InstantMsSchema,
    attempts: Type.Optional(CountSchema('How often in a row the box sent only what comes after')),
    explained: Type.Boolean({ title: '是否有说明 Whether anybody has said why' }),
    by: Type.Optional(HolderSchema),
    note: Type.Optional(NoteSchema),
  },
  { ...strict, title: '缺口 Gap' },
)
export type GapView = Type.Static<typeof GapView>

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
    sha256: hex(32, 'SHA-256 of its bytes'),
    bytes: CountSchema('Size in bytes'),
    firstAtMs: InstantMsSchema,
    lastAtMs: InstantMsSchema,
    times: CountSchema('How often it was sent'),
  },
  { ...strict, title: '隔离的批 A refused batch' },
)
export type QuarantineView = Type.Static<typeof QuarantineView>

export const DigestView = Type.Object(
  {
    day: DaySchema,
    hall: HallIdSchema,
    entries: CountSchema('条目数 Entries of that hall and day'),
    root: hex(32, 'Merkle 根 Merkle tree hash of RFC 6962 over the entries'),
    batches: hex(32, 'SHA-256 over the batches as they are kept'),
    /** Where its own entry stands in the collector's chain. */
    epoch: hex(16, '纪元 Epoch'),
    seq: CountSchema('序号 Sequence number'),
    hash: hex(32, 'SHA-256'),
  },
  { ...strict, title: '每日摘要 Daily digest' },
)
export type DigestView = Type.Static<typeof DigestView>

export const HealthView = Type.Object(
  {
    ok: Type.Boolean(),
    broker: Type.Enum(['up', 'down']),
    store: Type.Enum(['writing', 'refusing']),
    /** Entries committed but not yet projected. */
    behind: CountSchema('待处理条目 Entries not yet projected'),
    boxes: Type.Object({ enrolled: CountSchema('Enrolled'), online: CountSchema('Online') }, strict),
    quarantined: CountSchema('Batches in quarantine'),
    gaps: Type.Object(
      {
        open: CountSchema('Still expected'),
        lost: CountSchema('Never to come'),
        unexplained: CountSchema('Of the lost, nobody has said why'),
        stalled: CountSchema('Boxes whose entries do not arrive'),
      },
      strict,
    ),
    findings: CountSchema('What no honest, whole box does'),
    revoked: CountSchema('Boxes revoked'),
    oddities: CountSchema('Entries that contradict others'),
    counters: Type.Record(Type.String(), Type.Integer()),
  },
  { ...strict, title: '运行状态 Health' },
)
export type HealthView = Type.Static<typeof HealthView>
