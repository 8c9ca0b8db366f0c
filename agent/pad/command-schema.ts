import Type from 'typebox'
import { ENCODINGS } from './encoding-names.ts'
import { ExpectsSchema } from './run-schema.ts'
import { Bytes, closed, EvidenceSchema, NAME_PATTERN, Name, Names, OneByte, TextPair } from './schema-words.ts'
import { TEMPLATE_PATTERN } from './template.ts'

export const PARAMETER_KINDS = [
  'number',
  'digits',
  'bcd',
  'decimal',
  'seven-bit',
  'text',
  'encoding',
  'size-of',
  'segment-number',
  'segment-count',
] as const

const Whole = (title: string) => Type.Integer({ minimum: 0, maximum: 4_294_967_295, title })

const ParameterSchema = Type.Object(
  {
    as: Type.Optional(
      Type.Enum([...PARAMETER_KINDS], {
        default: 'number',
        title: '写法 How it is written',
        description:
          'number: unsigned binary; digits: one decimal digit (0–9) in each byte; bcd: two in each; decimal: ASCII digits, ' +
          'padded with 0 to `bytes` or as many as needed; seven-bit: low seven bits first; text: words; encoding: the code of the ' +
          'encoding in force; size-of: how many bytes the text named by `of` has; segment-number, segment-count: of a long text',
      }),
    ),
    bytes: Type.Optional(Type.Integer({ minimum: 1, maximum: 8, title: '字节数 Bytes' })),
    endian: Type.Optional(Type.Enum(['big', 'little'], { default: 'big', title: '字节序 Byte order' })),
    scale: Type.Optional(
      Type.Object(
        {
          value: Type.Integer({ minimum: 1, maximum: 1_000_000, title: '参数值 This much of the parameter' }),
          wire: Type.Integer({ minimum: 1, maximum: 1_000_000, title: '线上值 is this much on the line' }),
        },
        { ...closed, title: '比例 Scale' },
      ),
    ),
    min: Type.Optional(Whole('最小值 Least value; of segment-number: the first')),
    max: Type.Optional(Whole('最大值 Greatest value')),
    default: Type.Optional(
      Type.Unsafe<number | string>({
        type: ['integer', 'string'],
        minimum: 0,
        maxLength: 400,
        title: '缺省值 Value when none is given',
      }),
    ),
    blank: Type.Optional(OneByte('无值时每个字节 What each byte holds when there is no value')),
    of: Type.Optional(Name('size-of: 文字参数 The text that is counted')),
    coded: Type.Optional(
      Type.Enum(['binary', 'decimal'], { default: 'binary', title: '写法 binary, or ASCII decimal digits' }),
    ),
    encoding: Type.Optional(
      Type.Enum([...ENCODINGS], { title: 'text: 编码 Encoding, where it is not that of the profile' }),
    ),
    bytesMax: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1000,
        title: 'text: 最多字节 Most bytes',
        description: 'Counted after encoding and escapes; a longer text is cut at the border of a character.',
      }),
    ),
    padWith: Type.Optional(Bytes('text: 填充 Fills up to bytesMax; a multiple of its size')),
    terminator: Type.Optional(Bytes('text: 结束符 Behind the text, beside bytesMax')),
    escapes: Type.Optional(
      Names('^[0-9A-Fa-f]{2}$', Bytes('替换 Bytes'), 'text: 转义 Byte to the bytes that stand for it'),
    ),
    escapesIn: Type.Optional(
      Type.Enum(['characters', 'bytes'], {
        default: 'characters',
        title: 'text: 转义范围 Where escapes apply',
        description:
          'characters: only to characters of one byte, never to the second byte of a double-byte character; ' +
          'bytes: to every such byte, for a screen that does not know double bytes',
      }),
    ),
    sevenBit: Type.Optional(Type.Boolean({ default: false, title: 'text: 每字节拆为两个七位 Each byte as two' })),
    codes: Type.Optional(
      Type.Object(Object.fromEntries(ENCODINGS.map(name => [name, Type.Optional(Bytes('代码 Code'))])), {
        ...closed,
        title: 'encoding: 各编码的代码 Code of each encoding',
      }),
    ),
    meaning: TextPair('含义 Meaning'),
  },
  { ...closed, title: '参数 Parameter' },
)

export const LAMPS = ['off', 'on', 'blinking'] as const
export const SOUNDS = ['silent', 'beep', 'voice'] as const
const ShowsSchema = Type.Object(
  {
    lamp: Type.Optional(Type.Enum([...LAMPS], { title: '灯 Lamp' })),
    text: Type.Optional(TextPair('显示或播报的文字 What is shown or spoken; {name} is a parameter')),
    sound: Type.Optional(Type.Enum([...SOUNDS], { title: '声音 Sound' })),
  },
  { ...closed, title: '表现 What a person sees and hears; the virtual pad shows it' },
)

const CommandSchema = Type.Object(
  {
    frame: Name('帧 Frame'),
    meaning: TextPair('含义 Meaning'),
    fields: Names(
      NAME_PATTERN,
      Type.String({ pattern: TEMPLATE_PATTERN, maxLength: 400 }),
      "字段模板 Bytes, {parameters} and 'text' of each value field; lengths and checksums are computed",
    ),
    parameters: Type.Optional(Names(NAME_PATTERN, ParameterSchema, '参数 Parameters')),
    segments: Type.Optional(
      Type.Object(
        {
          of: Name('文字参数 The text that is cut'),
          bytesMax: Type.Integer({ minimum: 2, maximum: 500, title: '每段最多字节 Most bytes of one segment' }),
        },
        { ...closed, title: '分段 A long text goes out in several frames' },
      ),
    ),
    expects: Type.Optional(ExpectsSchema),
    shows: Type.Optional(ShowsSchema),
    evidence: Type.Optional(EvidenceSchema),
  },
  { ...closed, title: '发给评价器的命令 Command' },
)

export const CommandsSchema = Names(NAME_PATTERN, CommandSchema, '命令 What the pad understands')
export type CommandFile = Type.Static<typeof CommandSchema>
export type ParameterFile = Type.Static<typeof ParameterSchema>
export type Shows = Type.Static<typeof ShowsSchema>
