import type { Checksum } from './checksum.ts'
import { type Field, type Layout, lengthOf, restBytesOf } from './frame.ts'
import { type Match, type MatchContext, setMore, setNo, setWhole } from './match.ts'

const UNKNOWN = -1
/** As `tailFrom`: no byte so far is the tail. */
export const NOT_YET = -2

/**
 * Decides whether the bytes from `start` to before `end` begin with a whole frame of this layout, may still
 * become one, or cannot.
 *
 * Fields are judged in order, each as soon as it is there, so that the answer about the beginning never changes
 * with what follows: how the bytes were split cannot matter. `tailFrom` is where the tail begins if the caller
 * knows it (byte stuffing), `NOT_YET` if it knows that there is none so far; else it is looked for.
 */
export function matchFields(
  layout: Layout,
  bytes: Uint8Array,
  start: number,
  end: number,
  context: MatchContext,
  match: Match,
  tailFrom = UNKNOWN,
): Match {
  match.bytes = bytes
  match.base = start
  match.layout = layout
  match.restSize = -1
  const rest = layout.restAt
  const before = rest < 0 ? layout.fields.length : rest
  if (!judge(layout, 0, before, bytes, start, end, match)) return match
  if (rest < 0) return setWhole(match, layout.fixedBytes)
  const field = layout.fields[rest] as Extract<Field, { is: 'rest' }>
  if (match.restSize < 0) {
    if (field.ends === 'tail') return endByTail(layout, bytes, start, end, match, tailFrom)
    if (field.ends === 'request') match.restSize = requestedBytes(field, context)
    else if (context.isSilent) match.restSize = end - start - layout.fixedBytes
    else return end - start > layout.fixedBytes + layout.restBytesMax ? setNo(match, 'too-long', rest) : setMore(match)
  } else if (field.ends === 'request' && isOtherThanRequested(field, context, match)) {
    return setNo(match, 'bad-length', rest)
  }
  return closing(layout, bytes, start, end, match)
}

/** Whether a counted rest is not as long as the command being answered has asked for. */
function isOtherThanRequested(field: Extract<Field, { is: 'rest' }>, context: MatchContext, match: Match): boolean {
  const wanted = requestedBytes(field, context)
  return wanted >= 0 && wanted !== match.restSize
}

/** Everything from the rest on, once its size is known. */
function closing(layout: Layout, bytes: Uint8Array, start: number, end: number, match: Match): Match {
  if (match.restSize < layout.restBytesMin) return setNo(match, 'bad-length', layout.restAt)
  if (match.restSize > layout.restBytesMax) return setNo(match, 'too-long', layout.restAt)
  if (!judge(layout, layout.restAt, layout.fields.length, bytes, start, end, match)) return match
  return setWhole(match, layout.fixedBytes + match.restSize)
}

/**
 * The rest ends where the tail is found first. What stands between rest and tail, a checksum perhaps, may by
 * chance hold the tail's byte; then the true tail comes at most as many bytes later.
 */
function endByTail(layout: Layout, bytes: Uint8Array, start: number, end: number, match: Match, known: number): Match {
  const tail = layout.fields[layout.tailAt] as Extract<Field, { is: 'constant' }>
  const restFrom = start + layout.fields[layout.restAt]!.offset
  const between = tail.offset - layout.fields[layout.restAt]!.offset
  const isKnown = known >= 0
  const first = isKnown || known === NOT_YET ? known : findTail(tail.bytes, bytes, restFrom, end)
  if (first < 0) {
    const isTooLong = end - restFrom > layout.restBytesMax + between + tail.bytes.length - 1
    return isTooLong ? setNo(match, 'too-long', layout.restAt) : setMore(match)
  }
  const last = isKnown ? known : first + between
  for (let at = first; at <= last; at++) {
    if (!isKnown && at + tail.bytes.length > end) return setMore(match)
    if (at > first && findTail(tail.bytes, bytes, at, at + tail.bytes.length) < 0) continue
    match.restSize = at - between - restFrom
    if (match.restSize < 0) {
      setNo(match, 'bad-length', layout.restAt)
      continue
    }
    closing(layout, bytes, start, end, match)
    if (match.verdict !== 'no') return match
  }
  return match
}

function findTail(tail: ArrayLike<number>, bytes: Uint8Array, from: number, end: number): number {
  for (let at = from; at + tail.length <= end; at++) {
    let i = 0
    while (i < tail.length && bytes[at + i] === tail[i]) i++
    if (i === tail.length) return at
  }
  return -1
}

/** Bytes that the command being answered has asked for; -1 where none was sent. */
function requestedBytes(field: Extract<Field, { is: 'rest' }>, { request }: MatchContext): number {
  const count = request?.[field.parameter]
  if (typeof count !== 'number') return -1
  return field.per === 'bits' ? Math.ceil(count / 8) : field.per === 'words' ? count * 2 : count
}

/** Judges some fields in order; false when the match now says why it goes no further. */
function judge(
  layout: Layout,
  from: number,
  to: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  match: Match,
): boolean {
  for (let i = from; i < to; i++) {
    const field = layout.fields[i]!
    const at = start + field.offset + (field.isAfterRest ? match.restSize : 0)
    const size = field.size < 0 ? match.restSize : field.size
    const there = Math.min(end - at, size)
    if (field.is === 'constant') {
      for (let j = 0; j < there; j++) {
        if (bytes[at + j] !== field.bytes[j]) return refuse(match, layout, i)
      }
    } else if (there === size && !isSound(layout, i, bytes, at, start, match)) return refuse(match, layout, i)
    if (there < size) {
      setMore(match)
      return false
    }
  }
  return true
}

/** Whether a field that is all there may hold what it holds. A length says how long the rest is. */
function isSound(layout: Layout, index: number, bytes: Uint8Array, at: number, start: number, match: Match): boolean {
  const field = layout.fields[index]!
  switch (field.is) {
    case 'length': {
      const value = numberAt(bytes, at, field)
      if (!field.isRestCounted || match.restSize >= 0) return value === lengthOf(field, match.restSize)
      match.restSize = restBytesOf(field, value)
      return isWithin(layout, match)
    }
    case 'repeat': {
      const of = layout.fields[field.of]!
      const other = start + of.offset + (of.isAfterRest ? match.restSize : 0)
      for (let j = 0; j < field.size; j++) if (bytes[at + j] !== bytes[other + j]) return false
      return true
    }
    case 'value':
      return field.allowed === null || field.allowed[bytes[at]!]!
    case 'checksum':
      return isChecksumAt(layout, field, match.checksums[index]!, bytes, at, start, match)
    default:
      return true
  }
}

function isWithin(layout: Layout, match: Match): boolean {
  return match.restSize >= layout.restBytesMin && match.restSize <= layout.restBytesMax
}

function isChecksumAt(
  layout: Layout,
  field: Extract<Field, { is: 'checksum' }>,
  checksum: Checksum,
  bytes: Uint8Array,
  at: number,
  start: number,
  match: Match,
): boolean {
  const first = layout.fields[field.from]!
  const last = layout.fields[field.to]!
  const from = start + first.offset + (first.isAfterRest ? match.restSize : 0)
  const lastAt = start + last.offset + (last.isAfterRest ? match.restSize : 0)
  const to = lastAt + (last.size < 0 ? match.restSize : last.size)
  const value =
    field.isOverWire && match.wireValue
      ? match.wireValue(checksum, from - start, to - start)
      : checksum.valueOf(bytes, from, to)
  return checksumAt(bytes, at, field, checksum) === value
}

function checksumAt(
  bytes: Uint8Array,
  at: number,
  field: { isLittle: boolean; isHex: boolean },
  { size }: Checksum,
): number {
  let value = 0
  for (let i = 0; i < size; i++) {
    const j = field.isLittle ? size - 1 - i : i
    const byte = field.isHex ? hexDigit(bytes[at + 2 * j]!) * 16 + hexDigit(bytes[at + 2 * j + 1]!) : bytes[at + j]!
    value = value * 256 + byte
  }
  return value
}

/** The value of an upper-case hex digit in ASCII; a number that fits no checksum for anything else. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x41 && code <= 0x46 ? code - 0x37 : Number.NaN
}

/** A length; -1 where its digits are none. */
function numberAt(bytes: Uint8Array, at: number, field: Extract<Field, { is: 'length' }>): number {
  let value = 0
  for (let i = 0; i < field.size; i++) {
    const byte = bytes[at + (field.isLittle ? field.size - 1 - i : i)]!
    if (!field.isDecimal) value = value * 256 + byte
    else if (byte >= 0x30 && byte <= 0x39) value = value * 10 + byte - 0x30
    else return -1
  }
  return value
}

function refuse(match: Match, layout: Layout, index: number): false {
  const field = layout.fields[index]!
  if (field.is === 'checksum') setNo(match, 'bad-checksum', index)
  else if (field.is === 'length' && match.restSize > layout.restBytesMax) setNo(match, 'too-long', index)
  else if (field.is === 'length' || field.is === 'repeat') setNo(match, 'bad-length', index)
  else if (index === 0) setNo(match, 'no-start', index)
  else if (field.is === 'value') setNo(match, 'bad-value', index)
  else setNo(match, index === layout.fields.length - 1 ? 'bad-tail' : 'bad-constant', index)
  return false
}
