import Type from 'typebox'
import { createCheck } from '#protocol/check.ts'
import { CANCEL_REASONS, ServiceRefSchema } from '#protocol/entry.ts'
import { OUTCOMES } from '#protocol/grades.ts'
import { ClerkIdSchema, NoteSchema, WindowIdSchema } from '#protocol/names.ts'

const strict = { additionalProperties: false } as const

export const PromptRequestBody = Type.Object(
  {
    window: Type.Optional(WindowIdSchema),
    for: Type.Optional(ServiceRefSchema),
    withoutCase: Type.Optional(
      Type.Literal(true, { description: 'There is no case number; the rating is tied later.' }),
    ),
    clerk: Type.Optional(ClerkIdSchema),
    origin: Type.Optional(Type.Enum(['panel', 'scanner', 'api', 'command'], { default: 'api' })),
  },
  { ...strict, title: '邀评 Prompt order' },
)
export const promptCheck = createCheck(PromptRequestBody)

export const CancelBody = Type.Object(
  {
    reason: Type.Enum(CANCEL_REASONS.filter(reason => reason !== 'replaced' && reason !== 'restarted')),
    note: Type.Optional(NoteSchema),
  },
  { ...strict, title: '取消 Cancel' },
)
export const cancelCheck = createCheck(CancelBody)

export const PairingBody = Type.Object({ code: Type.String({ pattern: '^[0-9]{6}$' }) }, strict)
export const pairingCheck = createCheck(PairingBody)

export const PromptSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    window: WindowIdSchema,
    for: Type.Optional(ServiceRefSchema),
    clerk: Type.Optional(ClerkIdSchema),
    state: Type.Enum(['waiting', 'finished']),
    outcome: Type.Optional(Type.Enum([...OUTCOMES])),
    reason: Type.Optional(Type.String()),
    openedAtMs: Type.Integer({ description: 'Unix ms by the clock of the box' }),
    closedAtMs: Type.Optional(Type.Integer()),
  },
  { ...strict, title: '邀评 Prompt' },
)

const CountsSchema = Type.Object(
  Object.fromEntries(['prompts', ...OUTCOMES].map(name => [name, Type.Integer({ minimum: 0 })])),
  { title: '今日结果 Outcomes of today', description: 'Counts of outcomes; a grade is never part of them.' },
)

export const PanelStateSchema = Type.Object(
  {
    box: Type.String(),
    link: Type.Enum(['online', 'offline']),
    backlog: Type.Integer({ minimum: 0, description: 'Entries without a receipt of the collector' }),
    windows: Type.Array(
      Type.Object({
        window: WindowIdSchema,
        pad: Type.Object({
          state: Type.Enum(['ready', 'lost', 'stuck-key', 'out-of-service']),
          reason: Type.Optional(
            Type.String({ description: 'Why the pad cannot ask, as port-busy, pad-silent or profile-not-valid' }),
          ),
          profile: Type.String(),
        }),
        session: Type.Object({
          state: Type.Enum(['idle', 'waiting', 'thanked']),
          prompt: Type.Optional(Type.String()),
          for: Type.Optional(ServiceRefSchema),
          openedAtMs: Type.Optional(Type.Integer()),
          closesInMs: Type.Optional(Type.Integer()),
        }),
        isListening: Type.Boolean({ description: 'A prompt is open and a press would count now' }),
        last: Type.Optional(PromptSchema),
        today: CountsSchema,
      }),
    ),
  },
  { title: '状态 State' },
)

export const ProblemSchema = Type.Object(
  {
    type: Type.String(),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String(),
    detail: Type.Optional(Type.String()),
    remedy: Type.String(),
  },
  { title: 'RFC 9457 problem' },
)
