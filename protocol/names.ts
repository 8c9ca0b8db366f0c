import Type from 'typebox'
import { COLLECTOR_NAME } from './reserved.ts'
import { rule } from './rules.ts'

export { COLLECTOR_NAME, DEFAULT_HALL } from './reserved.ts'

/** The names that cross the boundary, each with its grammar in one place. */

const BOX_ID = /^[a-z0-9][a-z0-9-]{0,31}$/

/** A box: also its certificate's common name, its MQTT client id and a topic level, hence the narrow alphabet. */
export const BoxIdSchema = Type.String({
  title: '盒子编号 Box id',
  description: 'Lower-case letters, digits and hyphens, at most 32, starting with a letter or digit.',
  pattern: BOX_ID.source,
})

/** Whether a text may stand for a box in a topic or an access rule. */
export const isBoxId = (text: string): boolean => BOX_ID.test(text)

/** A hall (大厅): boxes are enrolled into one, and its day is closed by a digest of its own. */
export const HallIdSchema = Type.String({
  title: '大厅编号 Hall id',
  description: 'Lower-case letters, digits and hyphens, at most 32, starting with a letter or digit.',
  pattern: BOX_ID.source,
})

/** Whether a box may be enrolled into a hall of this name; the collector's own chain is a hall of its own. */
export const isHallId = (text: string): boolean => BOX_ID.test(text) && text !== COLLECTOR_NAME

export const WindowIdSchema = Type.String({
  title: '窗口编号 Window id',
  description: 'Letters, digits, dot, underscore and hyphen, at most 32, starting with a letter or digit.',
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$',
})

/**
 * One line of text: no control, format (zero-width, direction), private-use or lone surrogate characters.
 * Unassigned characters pass: what is assigned depends on the reader's Unicode version, and readers must agree.
 */
export function Printable(maxLength: number, options: Type.TStringOptions = {}) {
  return Type.Refine(
    Type.String({ minLength: 1, maxLength, ...options }),
    rule('printable'),
    () => 'must have no control, invisible or private-use characters',
  )
}

/** An identifier people compare by eye: in addition nothing that is drawn as nothing, and no white space. */
function visible(maxLength: number, options: Type.TStringOptions) {
  return Type.Refine(
    Printable(maxLength, options),
    rule('drawn'),
    () => 'must have no white space and no invisible characters',
  )
}

export const ClerkIdSchema = Printable(32, { title: '工作人员编号 Clerk id' })

/** 办件编号, at most 50 characters (GB/T 39046-2020 table 9: an..50), no white space anywhere. */
export const CaseNumberSchema = visible(50, {
  title: '办件编号 Case number',
  description: '1 to 50 characters, no white space, no control or invisible characters.',
})

/** 服务编号: the nth service of a case (GB/T 39046-2020 table 9: n..2). */
export const ServiceNumberSchema = Type.Integer({ title: '服务编号 Service number', minimum: 1, maximum: 99 })

export const ItemSchema = Printable(200, { title: '事项 Item' })

/** A free remark by a member of staff; never a citizen's words, which are sealed. */
export const NoteSchema = Printable(200, { title: '说明 Note' })

/** Who acted through the collector's API. */
export const HolderSchema = Printable(64, { title: '接口密钥名称 Name of the API key' })

/** A certificate's serial number (RFC 5280 section 4.1.2.2) in hex, as short as it goes. */
export const CertificateSerialSchema = Type.String({
  title: '证书序列号 Certificate serial number',
  pattern: '^(0|[1-9a-f][0-9a-f]{0,39})$',
})

/** A short machine-made word such as a reason or a state. */
export const CodeSchema = Type.String({ title: '代码 Code', pattern: '^[a-z][a-z0-9-]{0,39}$' })

/** Exactly `length` bytes; travels as a CBOR byte string, prints as lower-case hex. */
export function Bytes(length: number, title: string) {
  return BytesBetween(length, length, title)
}

/** Between `min` and `max` bytes. JSON Schema has no byte strings: the `x-` bounds are for generated documents. */
export function BytesBetween(min: number, max: number, title: string) {
  const length = min === max ? `${min} bytes` : `${min} to ${max} bytes`
  return Type.Refine(
    Type.Unsafe<Uint8Array>({
      title,
      description: `A byte string of ${length}.`,
      'x-bytes-min': min,
      'x-bytes-max': max,
    }),
    rule('bytes', min, max),
    () => `must be ${length}`,
  )
}

export const EpochSchema = Bytes(16, '纪元 Epoch')
export const PromptIdSchema = Bytes(16, '邀评编号 Prompt id')
export const TimeQuestionSchema = Bytes(16, '问时随机数 Time question')
export const HashSchema = Bytes(32, 'SHA-256')
export const SignatureSchema = Bytes(64, 'P-256 signature (IEEE P1363)')
export const SeqSchema = Type.Integer({ title: '序号 Sequence number', minimum: 1, maximum: Number.MAX_SAFE_INTEGER })

/** Milliseconds since 1970-01-01T00:00:00Z. */
export const InstantMsSchema = Type.Integer({
  title: 'Unix time, ms',
  minimum: -8_640_000_000_000_000,
  maximum: 8_640_000_000_000_000,
})

/** A day of the calendar of China (UTC+8). */
export const DaySchema = Type.String({
  title: '日期 Day',
  description: 'A day of the calendar of China (UTC+8), as YYYY-MM-DD.',
  pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$',
})

/** How many of something. Bounded so that a number is always an integer on the wire, never a float. */
export function CountSchema(title: string) {
  return Type.Integer({ title, minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
}
