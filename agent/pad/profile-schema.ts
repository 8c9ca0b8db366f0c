import Type from 'typebox'
import { DurationSchema } from '#runtime/duration.ts'
import { BoardSchema } from './board-schema.ts'
import { CommandsSchema } from './command-schema.ts'
import { ENCODINGS } from './encoding-names.ts'
import { EventsSchema } from './event-schema.ts'
import { FramesSchema } from './frame-schema.ts'
import { HealthSchema, LineSchema, PollSchema, PortSchema, StepSchema } from './run-schema.ts'
import { Bytes, closed, EvidenceSchema, NAME_PATTERN, Name, Names, TextPair } from './schema-words.ts'
import { ECHOES, SITE_SETTINGS } from './site-schema.ts'

const Steps = (title: string) => Type.Optional(Type.Array(StepSchema, { title, maxItems: 20, default: [] }))

export const INTENTS = ['initialise', 'ask', 'thank', 'idle', 'clerk'] as const
export type PadIntent = (typeof INTENTS)[number]
const PROFILE_KINDS = ['pad', 'output', 'board'] as const
export type ProfileKind = (typeof PROFILE_KINDS)[number]

const AddressSchema = Type.Object(
  {
    default: Type.Integer({ minimum: 0, maximum: 65_535, title: '缺省地址 Address it comes with' }),
    min: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, default: 0, title: '最小 Least' })),
    max: Type.Optional(Type.Integer({ minimum: 0, maximum: 65_535, default: 255, title: '最大 Greatest' })),
  },
  { ...closed, title: '总线地址 Address on a shared line' },
)

const BehaviourSchema = Type.Object(
  {
    silence: DurationSchema({ title: '静默 No byte for so long: what is pending is no frame' }),
    frame: Type.Optional(
      DurationSchema({ default: '2s', title: '整帧 Longest time from the first byte of a frame to its last' }),
    ),
    gap: Type.Optional(DurationSchema({ default: '0ms', title: '间隔 Least time between two writes to the pad' })),
    echo: Type.Optional(
      Type.Enum([...ECHOES], { default: 'removed', title: '回显 Bytes we sent that come back before the silence' }),
    ),
    filler: Type.Optional(
      Bytes('填充字节 Bytes that may stand between frames and mean nothing, each by itself; counted apart from noise'),
    ),
    holdOff: Type.Optional(DurationSchema({ default: '400ms', title: '防抖 Same key again within this is one press' })),
    stuckAfter: Type.Optional(DurationSchema({ default: '8s', title: '卡键 A key repeating so long is stuck' })),
    unansweredRepeats: Type.Optional(
      Type.Object(
        {
          every: DurationSchema({ title: '间隔 Interval' }),
          times: Type.Integer({ minimum: 1, maximum: 100, title: '次数 Times' }),
        },
        { ...closed, title: '未应答重发 The pad sends a key again until it is answered' },
      ),
    ),
    heldRepeats: Type.Optional(DurationSchema({ title: '长按重发间隔 A key held down is sent again' })),
    evidence: Type.Optional(EvidenceSchema),
  },
  { ...closed, title: '行为 Behaviour' },
)

const TextSchema = Type.Object(
  {
    encoding: Type.Enum([...ENCODINGS], { title: '编码 Encoding of every text that names none of its own' }),
    encodings: Type.Optional(
      Type.Array(Type.Enum([...ENCODINGS]), { default: [], title: '可选编码 Others that this model can be set to' }),
    ),
    replacement: Type.Optional(
      Type.String({
        default: '?',
        minLength: 1,
        maxLength: 1,
        title: '替换 For a character the encoding does not have',
      }),
    ),
    evidence: Type.Optional(EvidenceSchema),
  },
  { ...closed, title: '文字 Texts' },
)

const CapabilitiesSchema = Type.Object(
  {
    levels: Type.Integer({
      minimum: 0,
      maximum: 10,
      title: '评价键数 Rating keys',
      description: 'The tables of keys must have exactly so many, those that the site has to decide included.',
    }),
    screen: Type.Optional(Type.Enum(['none', 'digits', 'text'], { default: 'none', title: '屏幕 Screen' })),
    voice: Type.Optional(
      Type.Enum(['none', 'tone', 'fixed', 'tracks', 'text'], {
        default: 'none',
        title: '声音 Sound',
        description: 'tone: a buzzer; fixed: spoken prompts of its own; tracks: recordings by number; text: any words',
      }),
    ),
    brightness: Type.Optional(Type.Boolean({ default: false, title: '可调亮度 Brightness can be set' })),
    lamps: Type.Optional(Type.Boolean({ default: false, title: '指示灯 Lamps' })),
    arms: Type.Optional(Type.Boolean({ default: false, title: '可启动评价 The box can make it ask' })),
    cancels: Type.Optional(Type.Boolean({ default: false, title: '可取消评价 The box can end the asking' })),
  },
  { ...closed, title: '能力 What this model can do; per model and firmware, not per family' },
)

const IntentsSchema = Type.Object(
  {
    initialise: Steps('初始化 After opening the line, and when the pad says it has restarted'),
    ask: Steps('邀评 Ask for a rating'),
    thank: Steps('致谢 After the rating is on disk'),
    idle: Steps('空闲 Between prompts'),
    clerk: Steps('工作人员 Show who serves, before each ask; the box gives the number, and knows no name'),
  },
  { ...closed, title: '意图 What the box wants, as sequences of commands' },
)

/** Parts of a profile that a variant may say differently. */
const PARTS = {
  line: LineSchema,
  port: Type.Optional(PortSchema),
  address: Type.Optional(AddressSchema),
  behaviour: Type.Optional(BehaviourSchema),
  text: Type.Optional(TextSchema),
  capabilities: Type.Optional(CapabilitiesSchema),
  frames: Type.Optional(FramesSchema),
  events: Type.Optional(EventsSchema),
  commands: Type.Optional(CommandsSchema),
  poll: Type.Optional(PollSchema),
  health: Type.Optional(HealthSchema),
  board: Type.Optional(BoardSchema),
  intents: Type.Optional(IntentsSchema),
}

const VariantSchema = Type.Object(
  {
    title: TextPair('名称 Title'),
    extends: Type.Optional(Name('基于的变体 Variant it builds on; left out: the profile itself')),
    evidence: Type.Optional(EvidenceSchema),
    changes: Type.Optional(
      Type.Record(Type.String({ pattern: `^(${Object.keys(PARTS).join('|')})$` }), Type.Unknown(), {
        propertyNames: { enum: Object.keys(PARTS) },
        title: '改动 What it says differently',
        description:
          'The same shape as the profile. Maps are merged name by name, everything else replaces; null takes a name away.',
      }),
    ),
  },
  { ...closed, title: '变体 Variant: a firmware, an option or a screen project' },
)

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
    source: Type.String({ maxLength: 300, title: '出处 Where the bytes are known from' }),
    site: Type.Optional(
      Type.Array(Type.Enum([...SITE_SETTINGS]), { default: [], title: '现场可改 What an installation may set' }),
    ),
    ...PARTS,
    variants: Type.Optional(Names(NAME_PATTERN, VariantSchema, '变体 Variants')),
    notes: Type.Optional(Type.Array(Type.String({ maxLength: 400 }), { default: [], title: '备注 One oddity each' })),
  },
  { ...closed, title: '评价器配置 Pad profile' },
)
export type WrittenFile = Type.Static<typeof ProfileFileSchema>
/** A file with the parts that a board leaves out put in empty. */
export type ProfileFile = WrittenFile &
  Required<Pick<WrittenFile, 'behaviour' | 'frames' | 'events' | 'commands' | 'intents'>>

/** A board has pins instead of bytes; the rest of the engine need not ask each time. */
export function completeFile(file: WrittenFile): ProfileFile {
  return {
    ...file,
    behaviour: file.behaviour ?? { silence: '50ms' },
    frames: file.frames ?? {},
    events: file.events ?? {},
    commands: file.commands ?? {},
    intents: file.intents ?? {},
  }
}

/** The JSON Schema (2020-12) that editors complete profiles with; checked in as `profile.schema.generated.json`. */
export function profileJsonSchema(): object {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    ...(JSON.parse(JSON.stringify(ProfileFileSchema)) as object),
  }
}
