import type { ByteList } from './bytes.ts'
import { bytesOf } from './bytes.ts'
import { lengthOf, stepsOf } from './field-step.ts'
import {
  BYTE_FIELD,
  DATA_FIELD,
  type Field,
  type Frame,
  type Layout,
  LINE_FIELD,
  layoutOf,
  START_FIELD,
  type Stuffing,
  SUBFRAME_END,
  SUBFRAME_START,
  TYPE_FIELD,
} from './frame.ts'

/** Puts a frame together: values and rest are given, everything else follows from the layout. */
export function buildFrame(
  frame: Frame,
  values: Readonly<Record<string, ByteList>>,
  address: number | null,
): Uint8Array {
  switch (frame.kind) {
    case 'byte':
      return Uint8Array.from(values[BYTE_FIELD]!)
    case 'line':
      return Uint8Array.of(...values[LINE_FIELD]!, ...frame.end)
    case 'start-bit': {
      const [start = SUBFRAME_START] = values[START_FIELD]!
      return Uint8Array.of(start, ...values[DATA_FIELD]!, ...(start === SUBFRAME_START ? [SUBFRAME_END] : []))
    }
    default: {
      const layout = layoutOf(frame, values[TYPE_FIELD]?.[0])!
      return buildLayout(layout, frame.kind === 'fields' ? frame.stuffing : null, values, address)
    }
  }
}

function buildLayout(
  layout: Layout,
  stuffing: Stuffing | null,
  values: Readonly<Record<string, ByteList>>,
  address: number | null,
): Uint8Array {
  const rest = layout.fields[layout.restAt]
  const restBytes = rest ? values[rest.name]!.length : 0
  const plain = new Uint8Array(layout.fixedBytes + restBytes)
  const startOf = (field: Field) => field.offset + (field.isAfterRest ? restBytes : 0)
  const put = (field: Field, bytes: ByteList) => plain.set(Array.from(bytes), startOf(field))
  for (const field of layout.fields) {
    if (field.is === 'constant') put(field, field.bytes)
    else if (field.is === 'length') put(field, lengthBytes(field, restBytes))
    else if (field.is === 'address') put(field, bytesOf(address!, field.size))
    else if (field.is === 'value' || field.is === 'rest') put(field, values[field.name]!)
  }
  const copy = (from: Field, to: Field) =>
    plain.copyWithin(startOf(to), startOf(from), startOf(from) + (from.size < 0 ? restBytes : from.size))
  for (const field of layout.fields) if (field.is === 'repeat') copy(layout.fields[field.of]!, field)
  const steps = stepsOf(layout)
  // Checksums come last, in the order in which one may cover another.
  for (const [i, field] of layout.fields.entries()) {
    if (field.is !== 'checksum') continue
    const { checksum } = steps[i]!
    const last = layout.fields[field.to]!
    const from = startOf(layout.fields[field.from]!)
    const to = startOf(last) + (last.size < 0 ? restBytes : last.size)
    const covered = field.isOverWire && stuffing ? stuff(layout, stuffing, plain, from, to) : plain.subarray(from, to)
    putChecksum(plain, startOf(field), field, checksum.size, checksum.valueOf(covered, 0, covered.length))
  }
  return stuffing ? stuff(layout, stuffing, plain, 0, plain.length) : plain
}

/** Some plain bytes of a frame as they are sent: head and tail as they are, everything between them escaped. */
function stuff(layout: Layout, stuffing: Stuffing, plain: Uint8Array, from: number, to: number) {
  const { xor, isEscaped } = stuffing
  const head = layout.fields[0]!
  const tail = layout.fields.at(-1)!
  const tailFrom = layout.fields.length > 1 && tail.is === 'constant' ? plain.length - tail.size : plain.length
  const sent: number[] = []
  for (let at = from; at < to; at++) {
    const byte = plain[at]!
    if (at < head.size || at >= tailFrom || !isEscaped[byte]) sent.push(byte)
    else sent.push(stuffing.escape, xor === null ? byte : byte ^ xor)
  }
  return Uint8Array.from(sent)
}

function lengthBytes(field: Extract<Field, { is: 'length' }>, restBytes: number): number[] {
  const value = lengthOf(field, restBytes)
  if (!field.isDecimal) return turned(bytesOf(value, field.size), field.isLittle)
  return [...String(value).padStart(field.size, '0')].map(digit => digit.charCodeAt(0))
}

/** Writes a checksum as its field says. Allocates nothing. */
export function putChecksum(
  bytes: Uint8Array,
  at: number,
  { isLittle, isHex }: { isLittle: boolean; isHex: boolean },
  size: number,
  value: number,
) {
  for (let i = 0, rest = value; i < size; i++, rest = Math.floor(rest / 256)) {
    const j = isLittle ? i : size - 1 - i
    if (isHex) {
      bytes[at + 2 * j] = hexDigit((rest >> 4) & 15)
      bytes[at + 2 * j + 1] = hexDigit(rest & 15)
    } else bytes[at + j] = rest & 0xff
  }
}

const hexDigit = (value: number) => value + (value < 10 ? 0x30 : 0x37)

const turned = (bytes: number[], isLittle: boolean) => (isLittle ? bytes.reverse() : bytes)
