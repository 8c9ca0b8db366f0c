import Type from 'typebox'
import { CHECKSUMS } from './checksum.ts'
import { Bytes, closed, EvidenceSchema, NAME_PATTERN, Name, Names, OneByte } from './schema-words.ts'

/** The most bytes one frame may have: what a pad says is short, and what is pending must be bounded. */
export const FRAME_BYTES_MAX = 1024

const Size = (title: string, maximum = FRAME_BYTES_MAX) => Type.Integer({ minimum: 0, maximum, title })
const Hex = (title: string) => Type.String({ pattern: '^[0-9A-Fa-f]{1,8}$', title })

const CrcSchema = Type.Object(
  {
    width: Type.Enum([8, 16, 24, 32], { title: '位数 Width in bits' }),
    poly: Hex('多项式 Polynomial, hex'),
    init: Type.Optional(Hex('初值 Initial value, hex; 0 if left out')),
    reflectIn: Type.Optional(Type.Boolean({ default: false, title: '输入反转 Reflect each input byte' })),
    reflectOut: Type.Optional(Type.Boolean({ default: false, title: '输出反转 Reflect the result' })),
    xorOut: Type.Optional(Hex('输出异或 XORed onto the result, hex; 0 if left out')),
  },
  {
    ...closed,
    title: 'CRC 参数 Parameters of the CRC',
    description: 'By the names that catalogues of CRC algorithms use.',
  },
)

export const FIELD_KINDS = ['constant', 'length', 'repeat', 'address', 'value', 'rest', 'checksum'] as const

const FieldSchema = Type.Object(
  {
    name: Name('字段名 Name, unique in the frame'),
    is: Type.Enum([...FIELD_KINDS], {
      title: '字段种类 What the field is',
      description:
        'constant: always the same bytes; length: counts the fields from..to; repeat: equal to the field named by of; ' +
        'address: the pad on a shared line; value: a fixed number of bytes; rest: as many bytes as `ends` says; ' +
        'checksum: over the fields from..to',
    }),
    bytes: Type.Optional(Bytes('constant: 固定字节 The bytes')),
    size: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 64,
        title: '字节数 Bytes',
        description:
          'value: bytes of the value; length: 1 or 2 bytes, or digits where coded is decimal; address: 1 or 2',
      }),
    ),
    oneOf: Type.Optional(Bytes('value: 允许的字节 The only bytes a value of one byte may be')),
    from: Type.Optional(Name('起始字段 First field that counts')),
    to: Type.Optional(Name('结束字段 Last field that counts; "end" is the last of the frame')),
    of: Type.Optional(Name('repeat: 重复的字段 The field repeated')),
    endian: Type.Optional(
      Type.Enum(['big', 'little'], {
        default: 'big',
        title: '字节序 Byte order',
        description: 'Of a length or a checksum. CRC-16/MODBUS is sent with the low byte first: little.',
      }),
    ),
    coded: Type.Optional(
      Type.Enum(['binary', 'decimal', 'hex'], {
        default: 'binary',
        title: '写法 How the number is written',
        description: 'decimal: ASCII digits (a length); hex: upper-case ASCII hex digits (a checksum)',
      }),
    ),
    unit: Type.Optional(
      Type.Enum(['bytes', 'words'], { default: 'bytes', title: 'length: 计数单位 What the length counts' }),
    ),
    adjust: Type.Optional(
      Type.Integer({ minimum: -64, maximum: 64, default: 0, title: 'length: 修正 Added to what is counted' }),
    ),
    ends: Type.Optional(
      Type.Enum(['length', 'tail', 'silence', 'request'], {
        default: 'length',
        title: 'rest: 如何结束 What ends it',
        description:
          'length: a length field counts it; tail: the constant behind it; silence: the line falls still; ' +
          'request: the command being answered said how much it asks for',
      }),
    ),
    parameter: Type.Optional(Name('rest: 请求参数 Parameter of the request that says how much is asked for')),
    per: Type.Optional(
      Type.Enum(['bits', 'bytes', 'words'], { default: 'bytes', title: 'rest: 参数单位 What that parameter counts' }),
    ),
    algorithm: Type.Optional(
      Type.Enum([...CHECKSUMS], {
        title: 'checksum: 算法 Algorithm',
        description:
          'sum8: low byte of the sum; xor8; lrc: two’s complement of sum8; crc16-modbus; crc: by the parameters in crc',
      }),
    ),
    crc: Type.Optional(CrcSchema),
    over: Type.Optional(
      Type.Enum(['data', 'wire'], {
        default: 'data',
        title: 'checksum: 转义前后 Before or after byte stuffing',
        description: 'data: over the bytes before stuffing; wire: over the bytes as they are sent',
      }),
    ),
    variants: Type.Optional(
      Type.Array(Name(), { minItems: 1, maxItems: 20, title: '仅在这些变体中 Only in these variants' }),
    ),
  },
  { ...closed, title: '字段 Field' },
)

const StuffingSchema = Type.Object(
  {
    escape: OneByte('转义字节 Escape byte'),
    set: Bytes('被转义的字节 Bytes that are escaped; the escape byte among them'),
    xor: Type.Optional(OneByte('异或 The byte behind the escape is XORed with this; left out: it is itself')),
  },
  { ...closed, title: '转义 Byte stuffing', description: 'Applies to everything between head and tail.' },
)

export const TYPE_FIELDS_PATTERN = '^([a-z0-9-]+(/([1-9][0-9]?|rest))?( [a-z0-9-]+(/([1-9][0-9]?|rest))?)*)?$'

export const FrameSchema = Type.Object(
  {
    kind: Type.Enum(['fields', 'byte', 'table', 'line', 'start-bit'], {
      title: '成帧方式 Framing',
      description:
        'fields: a head and fields in order; byte: one bare byte is a whole frame; table: the first byte says what follows; ' +
        'line: text up to a delimiter; start-bit: a byte from 80 begins a message, data bytes stay below (MIDI, Firmata)',
    }),
    direction: Type.Enum(['from-pad', 'to-pad'], { title: '方向 Direction' }),
    believed: Type.Optional(
      Type.Enum(['always', 'while-armed', 'while-requested'], {
        default: 'always',
        title: '何时可信 When it is believed',
        description:
          'while-armed: only while a prompt is open, because nothing in the bytes proves that they are a frame; ' +
          'while-requested: only as the answer to a command that expects it',
      }),
    ),
    layout: Type.Optional(Type.Array(FieldSchema, { minItems: 1, maxItems: 20, title: 'fields: 字段顺序 In order' })),
    restBytesMin: Type.Optional(Size('可变部分最短 Shortest rest')),
    restBytesMax: Type.Optional(Size('可变部分最长 Longest rest')),
    stuffing: Type.Optional(StuffingSchema),
    first: Type.Optional(OneByte('byte: 最小值 Lowest byte')),
    last: Type.Optional(OneByte('byte: 最大值 Highest byte')),
    tail: Type.Optional(Bytes('table: 结尾 Tail of every message')),
    types: Type.Optional(
      Names(
        '^[0-9A-Fa-f]{2}$',
        Type.String({ pattern: TYPE_FIELDS_PATTERN, maxLength: 200 }),
        'table: 首字节对应的字段 First byte to the fields that follow: "page component", "x/2", "text/rest"',
      ),
    ),
    end: Type.Optional(Bytes('line: 行尾 Delimiter')),
    strip: Type.Optional(Bytes('line: 行尾前可省的字节 Bytes that may stand before the delimiter and mean nothing')),
    lineBytesMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 250, title: 'line: 最长 Longest line' })),
    lengths: Type.Optional(
      Names(
        '^[89A-Fa-f][0-9A-Fa-f]$',
        Type.Integer({ minimum: 0, maximum: 16 }),
        'start-bit: 数据字节数 Data bytes behind a start byte; below F0 its low four bits are a channel',
      ),
    ),
    subframeBytesMax: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 500, title: 'start-bit: F0…F7 最长 Most bytes between F0 and F7' }),
    ),
    evidence: Type.Optional(EvidenceSchema),
  },
  { ...closed, title: '帧 Frame' },
)

export const FramesSchema = Names(NAME_PATTERN, FrameSchema, '帧 Frames')
export type FieldFile = Type.Static<typeof FieldSchema>
export type FrameFile = Type.Static<typeof FrameSchema>
