import Type from 'typebox'
import { BYTES_PATTERN } from './bytes.ts'
import { ENCODINGS } from './encoding-names.ts'
import { GradeTableSchema } from './grade-table.ts'
import { Bytes, closed, EvidenceSchema, NAME_PATTERN, Name, Names, TextPair } from './schema-words.ts'

/** Literal text with at most one hole; no regular expression, so that no line can make it slow. */
export const LINE_PATTERN = '^[ -z|~]*(\\{(decimal|hex|any)\\}[ -z|~]*)?$'

export const GIVES = [
  'key',
  'keys',
  'released',
  'staff-key',
  'declined',
  'no-rating',
  'acknowledgement',
  'accepted',
  'error',
  'ready',
  'status',
  'text',
  'ignored',
] as const

const ValueSchema = Type.Object(
  {
    field: Name('字段 Field'),
    byte: Type.Optional(Type.Enum(['first', 'last'], { title: '只取一个字节 Take one byte only' })),
    at: Type.Optional(Type.Integer({ minimum: 0, maximum: 63, title: '偏移 First byte taken, counted from 0' })),
    size: Type.Optional(Type.Integer({ minimum: 1, maximum: 4, title: '字节数 Bytes taken from there' })),
    as: Type.Optional(
      Type.Enum(['big', 'little', 'digits', 'bcd', 'seven-bit'], {
        default: 'big',
        title: '写法 How the number is written',
        description:
          'big, little: byte order; digits: one ASCII digit in each byte; bcd: two in each; ' +
          'seven-bit: low seven bits first, the rest in the next byte',
      }),
    ),
  },
  { ...closed, title: '原始值 Where the raw value stands' },
)

const EventSchema = Type.Object(
  {
    frame: Name('帧 Frame'),
    meaning: TextPair('含义 Meaning'),
    match: Type.Optional(Names(NAME_PATTERN, Bytes('值 Bytes'), '匹配 Fields that must hold these bytes')),
    masks: Type.Optional(
      Names(NAME_PATTERN, Bytes('掩码 Mask'), '掩码 Only these bits of a matched field count; 00 is any byte'),
    ),
    starts: Type.Optional(Names(NAME_PATTERN, Bytes('值 Bytes'), '开头 Fields that must begin with these bytes')),
    sizes: Type.Optional(
      Names(NAME_PATTERN, Type.Integer({ minimum: 0, maximum: 1024 }), '长度 Fields that must have so many bytes'),
    ),
    line: Type.Optional(
      Type.String({
        pattern: LINE_PATTERN,
        maxLength: 200,
        title: '文本行 The text of a line frame',
        description:
          'Literal text with at most one hole: {decimal} or {hex} is the raw value, {any} is anything. "BTN{decimal}"',
      }),
    ),
    gives: Type.Enum([...GIVES], {
      title: '事件 What it becomes',
      description:
        'key: a rating key, by the table grades; keys: a bit map of keys, where a change from up to down is a press; ' +
        'released: a key was let go; staff-key: by the table staffKeys; declined: the citizen does not want to rate; ' +
        'no-rating: the pad gave up waiting; acknowledgement: means something only while a command expects it; ' +
        'accepted: first stage of a two-stage reply; error, status: by the table codes; ' +
        'ready: the pad has (re)started and is set up anew; text: words of the pad; ignored: known and without meaning',
    }),
    value: Type.Optional(ValueSchema),
    grades: Type.Optional(GradeTableSchema),
    pressed: Type.Optional(
      Type.Enum(['high', 'low'], { default: 'high', title: 'keys: 按下时的位 Bit of a key that is down: 1 or 0' }),
    ),
    staffKeys: Type.Optional(Names(BYTES_PATTERN, Name(), '工作人员按键 Raw value to the name of a staff key')),
    codes: Type.Optional(Names(BYTES_PATTERN, Name(), '代码 Raw value to the name of an error or a state')),
    encoding: Type.Optional(
      Type.Enum([...ENCODINGS, 'seven-bit'], { default: 'ascii', title: 'text: 编码 Encoding of the words' }),
    ),
    solicited: Type.Optional(
      Type.Boolean({
        default: false,
        title: '仅作为应答 Only as the answer to a command that expects it',
        description: 'A read reply that looks like a key press must never become one.',
      }),
    ),
    answer: Type.Optional(
      Type.Object(
        { replace: Names(NAME_PATTERN, Bytes('值 Bytes'), '替换 Fields to replace; empty is an exact echo') },
        { ...closed, title: '自动应答 The same frame sent back, lengths and checksum computed anew' },
      ),
    ),
    evidence: Type.Optional(EvidenceSchema),
  },
  { ...closed, title: '评价器发来的事件 Event' },
)

export const EventsSchema = Names(NAME_PATTERN, EventSchema, '事件 What the pad sends')
export type EventFile = Type.Static<typeof EventSchema>
