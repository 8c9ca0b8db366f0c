import Type from 'typebox'
import { DurationSchema } from '#runtime/duration.ts'
import { BoardSchema } from './board-schema.ts'
import { BYTES_PATTERN } from './bytes.ts'
import { CHECKSUMS } from './checksum.ts'
import { GradeTableSchema } from './grade-table.ts'
import { ExpectsSchema, HealthSchema, LineSchema, PollSchema, PortSchema, StepSchema } from './run-schema.ts'
import { Bytes, closed, EvidenceSchema, NAME_PATTERN, Name, Names, TextPair } from './schema-words.ts'

export const TEMPLATE_PATTERN = '^(([0-9A-Fa-f]{2}|\\{[a-z0-9-]+\\})( ([0-9A-Fa-f]{2}|\\{[a-z0-9-]+\\}))*)?$'

export const SITE_SETTINGS = ['address', 'baud', 'echo', 'grades'] as const
export type SiteSetting = (typeof SITE_SETTINGS)[number]
export const ECHOES = ['removed', 'none'] as const

/** What one installation may set differently from its profile; only what the profile lists under `site`. */
export const SiteOverridesSchema = Type.Object(
  {
    address: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 255, title: '总线地址 Address of this pad on a shared line' }),
    ),
    baud: Type.Optional(
      Type.Integer({ minimum: 300, maximum: 921_600, title: '波特率 Baud, one of the alternatives of the profile' }),
    ),
    echo: Type.Optional(Type.Enum([...ECHOES], { title: '线路回显 Whether bytes we sent may come back' })),
    grades: Type.Optional(GradeTableSchema),
  },
  { ...closed, title: '现场设置 Site settings of a pad' },
)
export type SiteOverrides = Type.Static<typeof SiteOverridesSchema>

const FieldSchema = Type.Object(
  {
    name: Name(),
    is: Type.Enum(['constant', 'length', 'repeat', 'address', 'value', 'rest', 'checksum'], {
      title: '字段种类 What the field is',
      description:
        'constant: always the same bytes; length: counts the bytes of the fields from..to; repeat: equal to the field named by of; ' +
        'address: the pad on a shared line; value: a fixed number of bytes; rest: what the length leaves; checksum: over the fields from..to',
    }),
    bytes: Type.Optional(Bytes('constant: 固定字节 The bytes')),
    size: Type.Optional(Type.Integer({ minimum: 1, maximum: 8, title: 'value: 字节数 Bytes' })),
    from: Type.Optional(Name()),
    to: Type.Optional(Name()),
    of: Type.Optional(Name()),
    algorithm: Type.Optional(Type.Enum([...CHECKSUMS])),
  },
  { ...closed, title: '字段 Field' },
)

const FrameSchema = Type.Object(
  {
    kind: Type.Enum(['fields', 'byte'], {
      title: '成帧方式 Framing',
      description: 'fields: a head and fields in order; byte: one bare byte is a whole frame',
    }),
    direction: Type.Enum(['from-pad', 'to-pad'], { title: '方向 Direction' }),
    believed: Type.Optional(
      Type.Enum(['always', 'while-armed'], {
        default: 'always',
        title: '何时可信 When it is believed',
        description:
          'while-armed: only while a prompt is open, because nothing in the bytes proves that they are a frame',
      }),
    ),
    layout: Type.Optional(Type.Array(FieldSchema, { minItems: 1, maxItems: 20, title: 'fields: 字段顺序 In order' })),
    restBytesMin: Type.Optional(Type.Integer({ minimum: 0, maximum: 250, title: '可变部分最短 Shortest rest' })),
    restBytesMax: Type.Optional(Type.Integer({ minimum: 0, maximum: 250, title: '可变部分最长 Longest rest' })),
    first: Type.Optional(Bytes('byte: 最小值 Lowest byte')),
    last: Type.Optional(Bytes('byte: 最大值 Highest byte')),
  },
  { ...closed, title: '帧 Frame' },
)

export const GIVES = ['key', 'staff-key', 'acknowledgement', 'accepted', 'error', 'ready', 'status', 'ignored'] as const

const EventSchema = Type.Object(
  {
    frame: Name(),
    meaning: TextPair('含义 Meaning'),
    match: Type.Optional(Names(NAME_PATTERN, Bytes('值 Bytes'), '匹配 Fields that must hold these bytes')),
    sizes: Type.Optional(
      Names(NAME_PATTERN, Type.Integer({ minimum: 0, maximum: 250 }), '长度 Fields that must have so many bytes'),
    ),
    gives: Type.Enum([...GIVES], {
      title: '事件 What it becomes',
      description:
        'key: a rating key, by the table grades; staff-key: by the table staffKeys; acknowledgement: means something only ' +
        'while a command expects it; accepted: first stage of a two-stage reply; error: by the table codes; ready: the pad ' +
        'has (re)started and is set up anew; status: by the table codes; ignored: known and without meaning',
    }),
    value: Type.Optional(
      Type.Object(
        {
          field: Name(),
          byte: Type.Optional(Type.Enum(['first', 'last'], { title: '只取一个字节 Take one byte only' })),
        },
        { ...closed, title: '原始值 Where the raw value stands' },
      ),
    ),
    grades: Type.Optional(GradeTableSchema),
    staffKeys: Type.Optional(Names(BYTES_PATTERN, Name(), '工作人员按键 Raw value to the name of a staff key')),
    codes: Type.Optional(Names(BYTES_PATTERN, Name(), '代码 Raw value to the name of an error or a state')),
    answer: Type.Optional(
      Type.Object(
        { replace: Names(NAME_PATTERN, Bytes('值 Bytes'), '替换 Fields to replace; empty is an exact echo') },
        { ...closed, title: '自动应答 The same frame sent back, lengths and checksum computed anew' },
      ),
    ),
  },
  { ...closed, title: '评价器发来的事件 Event' },
)

const ParameterSchema = Type.Object(
  {
    as: Type.Optional(
      Type.Enum(['number', 'digits'], {
        default: 'number',
        description: 'number: one unsigned big-endian number; digits: one decimal digit in each byte',
      }),
    ),
    bytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 4, default: 1 })),
    min: Type.Integer({ minimum: 0, maximum: 4_294_967_295 }),
    max: Type.Integer({ minimum: 0, maximum: 4_294_967_295 }),
    default: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295 })),
    blank: Type.Optional(Bytes('无值时每个字节 What each byte holds when there is no value')),
    meaning: TextPair('含义 Meaning'),
  },
  { ...closed, title: '参数 Parameter' },
)

export const LAMPS = ['off', 'on', 'blinking'] as const
export const SOUNDS = ['silent', 'beep', 'voice'] as const
const ShowsSchema = Type.Object(
  {
    lamp: Type.Optional(Type.Enum([...LAMPS])),
    text: Type.Optional(TextPair('显示或播报的文字 What is shown or spoken; {name} is a parameter')),
    sound: Type.Optional(Type.Enum([...SOUNDS])),
  },
  { ...closed, title: '表现 What a person sees and hears' },
)

const CommandSchema = Type.Object(
  {
    frame: Name(),
    meaning: TextPair('含义 Meaning'),
    fields: Names(
      NAME_PATTERN,
      Type.String({ pattern: TEMPLATE_PATTERN, maxLength: 400 }),
      '字段模板 Bytes and {parameters} of each value field; lengths and checksums are computed',
    ),
    parameters: Type.Optional(Names(NAME_PATTERN, ParameterSchema, '参数 Parameters')),
    expects: Type.Optional(ExpectsSchema),
    shows: Type.Optional(ShowsSchema),
    evidence: Type.Optional(EvidenceSchema),
  },
  { ...closed, title: '发给评价器的命令 Command' },
)

const Steps = (title: string) => Type.Optional(Type.Array(StepSchema, { title, maxItems: 20, default: [] }))

export const INTENTS = ['initialise', 'ask', 'thank', 'idle', 'clerk'] as const
export type PadIntent = (typeof INTENTS)[number]
export const PROFILE_KINDS = ['pad', 'output', 'board'] as const
export type ProfileKind = (typeof PROFILE_KINDS)[number]

/** One pad model as data. No code, no expressions, no paths: a profile can describe bytes and nothing else. */
export const ProfileFileSchema = Type.Object(
  {
    format: Type.Literal(1, { title: '格式版本 Version of this file format' }),
    id: Type.String({ pattern: NAME_PATTERN, maxLength: 40, title: '标识 The same as the folder' }),
    version: Type.Integer({ minimum: 1, title: '版本 Version, raised with every change of meaning' }),
    title: TextPair('名称 Title'),
    kind: Type.Optional(
      Type.Enum([...PROFILE_KINDS], {
        default: 'pad',
        title: '种类 What kind of thing it is',
        description:
          'pad: keys and commands over bytes; output: shows or speaks beside a pad, on a port of its own, and has no keys; ' +
          'board: a microcontroller with a known firmware, described by its pins',
      }),
    ),
    evidence: EvidenceSchema,
    source: Type.String({ maxLength: 300, title: '出处 Where they are known from' }),
    line: LineSchema,
    port: Type.Optional(PortSchema),
    address: Type.Optional(
      Type.Object(
        {
          default: Type.Integer({ minimum: 0, maximum: 255 }),
          min: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, default: 0 })),
          max: Type.Optional(Type.Integer({ minimum: 0, maximum: 255, default: 255 })),
        },
        { ...closed, title: '总线地址 Address on a shared line' },
      ),
    ),
    site: Type.Optional(
      Type.Array(Type.Enum([...SITE_SETTINGS]), { default: [], title: '现场可改 What an installation may set' }),
    ),
    behaviour: Type.Optional(
      Type.Object(
        {
          silence: DurationSchema({ title: '静默 No byte for so long: what is pending is no frame' }),
          gap: Type.Optional(
            DurationSchema({ default: '0ms', title: '间隔 Least time between two writes to the pad' }),
          ),
          echo: Type.Optional(
            Type.Enum([...ECHOES], {
              default: 'removed',
              title: '回显 Bytes we sent that come back before the silence',
            }),
          ),
          holdOff: Type.Optional(
            DurationSchema({ default: '400ms', title: '防抖 Same key again within this is one press' }),
          ),
          stuckAfter: Type.Optional(DurationSchema({ default: '8s', title: '卡键 A key repeating so long is stuck' })),
          unansweredRepeats: Type.Optional(
            Type.Object(
              { every: DurationSchema({ title: '间隔 Interval' }), times: Type.Integer({ minimum: 1, maximum: 100 }) },
              { ...closed, title: '未应答重发 The pad sends a key again until it is answered' },
            ),
          ),
          heldRepeats: Type.Optional(DurationSchema({ title: '长按重发间隔 A key held down is sent again' })),
        },
        { ...closed, title: '行为 Behaviour' },
      ),
    ),
    frames: Type.Optional(Names(NAME_PATTERN, FrameSchema, '帧 Frames')),
    events: Type.Optional(Names(NAME_PATTERN, EventSchema, '事件 What the pad sends')),
    commands: Type.Optional(Names(NAME_PATTERN, CommandSchema, '命令 What the pad understands')),
    poll: Type.Optional(PollSchema),
    health: Type.Optional(HealthSchema),
    board: Type.Optional(BoardSchema),
    intents: Type.Optional(
      Type.Object(
        {
          initialise: Steps('初始化 After opening the line'),
          ask: Steps('邀评 Ask for a rating'),
          thank: Steps('致谢 After the rating is on disk'),
          idle: Steps('空闲 Between prompts'),
          clerk: Steps('工作人员 Show who serves; with the texts name and number'),
        },
        { ...closed, title: '意图 What the box wants, as sequences of commands' },
      ),
    ),
    notes: Type.Optional(Type.Array(Type.String({ maxLength: 400 }), { default: [], title: '备注 One oddity each' })),
  },
  { ...closed, title: '评价器配置 Pad profile' },
)
type Written = Type.Static<typeof ProfileFileSchema>
/** A file with the parts that a board leaves out put in empty. */
export type ProfileFile = Written & Required<Pick<Written, 'behaviour' | 'frames' | 'events' | 'commands' | 'intents'>>

/** A board has pins instead of bytes; the rest of the engine need not ask each time. */
export function completeFile(file: Written): ProfileFile {
  return {
    ...file,
    behaviour: file.behaviour ?? { silence: '50ms' },
    frames: file.frames ?? {},
    events: file.events ?? {},
    commands: file.commands ?? {},
    intents: file.intents ?? {},
  }
}

export type FieldFile = Type.Static<typeof FieldSchema>
export type FrameFile = Type.Static<typeof FrameSchema>
export type EventFile = Type.Static<typeof EventSchema>
export type CommandFile = Type.Static<typeof CommandSchema>
export type ParameterFile = Type.Static<typeof ParameterSchema>
export type { BoardFile, PatternFile } from './board-schema.ts'
export type { KeyMeaning } from './grade-table.ts'
export type { ExpectsFile, HealthFile, LineFile, PollFile, StepFile } from './run-schema.ts'
export type Shows = Type.Static<typeof ShowsSchema>

/** The JSON Schema (2020-12) that editors complete profiles with; checked in as `profile.schema.generated.json`. */
export function profileJsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...(JSON.parse(JSON.stringify(ProfileFileSchema)) as object),
  }
}
