import Type from 'typebox'
import { DurationSchema } from '#runtime/duration.ts'
import { closed, EvidenceSchema, Name, Names } from './schema-words.ts'

const Baud = (title: string) => Type.Integer({ minimum: 300, maximum: 921_600, title })
const Level = (title: string) => Type.Optional(Type.Enum(['on', 'off', 'unchanged'], { default: 'unchanged', title }))

/** The line as it has to be set and opened. */
export const LineSchema = Type.Object(
  {
    baud: Baud('波特率 Baud'),
    baudAlternatives: Type.Optional(
      Type.Array(Baud('波特率 Baud'), { default: [], title: '可选波特率 Other speeds this model can be set to' }),
    ),
    dataBits: Type.Optional(Type.Enum([7, 8], { default: 8, title: '数据位 Data bits' })),
    parity: Type.Optional(Type.Enum(['none', 'even', 'odd'], { default: 'none', title: '校验位 Parity' })),
    stopBits: Type.Optional(Type.Enum([1, 2], { default: 1, title: '停止位 Stop bits' })),
    flowControl: Type.Optional(
      Type.Enum(['none', 'hardware', 'software'], { default: 'none', title: '流控 Flow control' }),
    ),
    dtr: Level('打开时的 DTR DTR once the line is open; on resets some boards'),
    rts: Level('打开时的 RTS RTS once the line is open'),
    hangUp: Type.Optional(
      Type.Boolean({ default: true, title: '关闭时挂断 Lower DTR when the line is closed; resets some boards' }),
    ),
    startUp: Type.Optional(
      DurationSchema({ default: '0ms', title: '启动时间 From opening the line until the pad listens' }),
    ),
    evidence: Type.Optional(EvidenceSchema),
  },
  { ...closed, title: '串口 Serial line' },
)

const UsbId = (title: string) => Type.String({ pattern: '^[0-9A-Fa-f]{4}$', title })

/** Which adapters such a pad is sold with. A window without a port of its own takes the one adapter that fits; of several, none. */
export const PortSchema = Type.Object(
  {
    usb: Type.Array(
      Type.Object(
        {
          vendor: UsbId('厂商 USB vendor id'),
          product: UsbId('产品 USB product id'),
          name: Type.String({ maxLength: 60, title: '名称 Name of the chip' }),
        },
        closed,
      ),
      { title: 'USB 转接芯片 USB adapters it is sold with', maxItems: 20 },
    ),
  },
  { ...closed, title: '端口提示 Port hint' },
)

/** Asking again and again, for a pad that never speaks unasked. */
export const PollSchema = Type.Object(
  {
    send: Name('查询命令 The command that asks; it must say what it expects'),
    idle: DurationSchema({ title: '空闲间隔 Interval while no prompt is open' }),
    armed: DurationSchema({ title: '邀评间隔 Interval while a prompt is open; a tap lasts 50 to 150 ms' }),
    failuresMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 3, title: '失败上限 Unanswered in a row: the pad is lost' }),
    ),
  },
  { ...closed, title: '轮询 Polling' },
)

/** How a silent pad is told from a dead one. */
export const HealthSchema = Type.Object(
  {
    send: Type.Optional(Name('查询命令 A harmless command that says what it expects')),
    none: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, title: '无法查询的原因 Why this pad cannot be asked' }),
    ),
    every: Type.Optional(DurationSchema({ default: '60s', title: '间隔 Interval while nothing else was heard' })),
    failuresMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 100, default: 2, title: '失败上限 Unanswered in a row: the pad is lost' }),
    ),
  },
  { ...closed, title: '健康查询 Health query: send, or none with its reason' },
)

/** What a command is answered with, and what happens when it is not. */
export const ExpectsSchema = Type.Object(
  {
    events: Type.Optional(Type.Array(Name(), { minItems: 1, maxItems: 10, title: '应答事件 Events that answer it' })),
    refusals: Type.Optional(Type.Array(Name(), { maxItems: 10, title: '拒绝事件 Events that refuse it' })),
    echo: Type.Optional(Type.Literal(true, { title: '原样返回 The pad sends the same bytes back' })),
    within: DurationSchema({ title: '期限 Time for the answer' }),
    retries: Type.Optional(Type.Integer({ minimum: 0, maximum: 20, default: 0, title: '重发次数 Times sent again' })),
    onMissing: Type.Optional(
      Type.Enum(['go-on', 'succeed', 'fault'], {
        default: 'go-on',
        title: '始终没有应答时 When no answer comes at all',
        description:
          'go-on: count it and send the next; succeed: silence is the answer (a pad that only reports errors); fault: the pad is lost',
      }),
    ),
    result: Type.Optional(
      DurationSchema({
        title: '结果期限 Two-stage replies: time from being accepted to the rating',
        description: 'The answer only says that the pad has begun; the rating comes by itself within this time.',
      }),
    ),
  },
  { ...closed, title: '应答 What the command is answered with' },
)

const StepValue = Type.Unsafe<number | string>({ type: ['integer', 'string'], maxLength: 400 })
export const StepSchema = Type.Object(
  {
    send: Name('命令 Command'),
    with: Type.Optional(Names('^[a-z0-9]+(-[a-z0-9]+)*$', StepValue, '参数值 Values of parameters')),
    wait: Type.Optional(DurationSchema({ default: '0ms', title: '发送后等待 Wait after it' })),
  },
  { ...closed, title: '步骤 Step' },
)

export type PollFile = Type.Static<typeof PollSchema>
export type HealthFile = Type.Static<typeof HealthSchema>
export type ExpectsFile = Type.Static<typeof ExpectsSchema>
export type StepFile = Type.Static<typeof StepSchema>
export type LineFile = Type.Static<typeof LineSchema>
