import { unreachable } from '#protocol/result.ts'
import { type ByteList, isSame } from './bytes.ts'
import { checksumOf } from './checksum.ts'
import { BYTE_FIELD, type Field, type FieldsFrame, type Frame } from './profile.ts'

export type FieldValues = Readonly<Record<string, ByteList>>

export const LAYOUT_FAULTS = ['no-start', 'bad-constant', 'bad-length', 'too-long', 'bad-checksum', 'bad-tail'] as const
export type LayoutFault = (typeof LAYOUT_FAULTS)[number]

export type LayoutMatch =
  | { kind: 'frame'; size: number; fields: FieldValues }
  | { kind: 'more' }
  | { kind: 'no'; reason: LayoutFault; at: number }

/**
 * Decides whether the bytes begin with a whole frame, may still become one, or cannot.
 *
 * Each byte is judged as soon as it is there, in order, so that the answer about a prefix never changes with
 * what follows: how the bytes were split cannot matter.
 */
export function matchFrame(frame: Frame, bytes: ByteList): LayoutMatch {
  if (frame.kind === 'fields') return matchFields(frame, bytes)
  const byte = bytes[0]
  if (byte === undefined) return { kind: 'more' }
  if (byte < frame.first || byte > frame.last) return { kind: 'no', reason: 'no-start', at: 0 }
  return { kind: 'frame', size: 1, fields: { [BYTE_FIELD]: [byte] } }
}

function matchFields(frame: FieldsFrame, bytes: ByteList): LayoutMatch {
  const fields: Record<string, ByteList> = {}
  let restSize = 0
  let at = 0
  for (const [index, field] of frame.layout.entries()) {
    const size = fieldSize(field, restSize)
    const found = bytes.slice(at, at + size)
    const expected = expectedBytes(frame, field, fields)
    if (expected && found.some((byte, i) => byte !== expected[i])) {
      return { kind: 'no', reason: faultOf(frame, index), at }
    }
    if (found.length < size) return { kind: 'more' }
    if (field.is === 'length') {
      restSize = found[0]! - fixedBytes(frame, field.from, field.to)
      if (restSize < frame.restBytesMin) return { kind: 'no', reason: 'bad-length', at }
      if (restSize > frame.restBytesMax) return { kind: 'no', reason: 'too-long', at }
    }
    fields[field.name] = found
    at += size
  }
  return { kind: 'frame', size: at, fields }
}

/** Puts a frame together: values and rest are given, everything else follows from the layout. */
export function buildFrame(frame: FieldsFrame, values: FieldValues, address: number | null): ByteList {
  const fields: Record<string, ByteList> = {}
  const rest = frame.layout.find(field => field.is === 'rest')
  const restSize = rest ? values[rest.name]!.length : 0
  for (const field of frame.layout) {
    if (field.is === 'length') fields[field.name] = [restSize + fixedBytes(frame, field.from, field.to)]
    else if (field.is === 'address') fields[field.name] = [address!]
    else if (field.is === 'value' || field.is === 'rest') fields[field.name] = values[field.name]!
    else fields[field.name] = expectedBytes(frame, field, fields)!
  }
  return frame.layout.flatMap(field => fields[field.name]!)
}

/** The longest frame this layout can give. */
export function frameBytesMax(frame: Frame): number {
  if (frame.kind === 'byte') return 1
  return frame.layout.reduce((sum, field) => sum + fieldSize(field, frame.restBytesMax), 0)
}

function fieldSize(field: Field, restSize: number): number {
  switch (field.is) {
    case 'constant':
      return field.bytes.length
    case 'value':
      return field.size
    case 'rest':
      return restSize
    case 'length':
    case 'repeat':
    case 'address':
    case 'checksum':
      return 1
    default:
      return unreachable(field)
  }
}

function fixedBytes(frame: FieldsFrame, from: number, to: number): number {
  return frame.layout.slice(from, to + 1).reduce((sum, field) => sum + fieldSize(field, 0), 0)
}

/** The only bytes a field may hold, given those before it; null where any will do. */
function expectedBytes(frame: FieldsFrame, field: Field, before: FieldValues): ByteList | null {
  if (field.is === 'constant') return field.bytes
  if (field.is === 'repeat') return before[field.of]!
  if (field.is !== 'checksum') return null
  const covered = frame.layout.slice(field.from, field.to + 1).flatMap(({ name }) => before[name]!)
  return checksumOf(field.algorithm, covered)
}

function faultOf(frame: FieldsFrame, index: number): LayoutFault {
  const field = frame.layout[index]!
  if (field.is === 'checksum') return 'bad-checksum'
  if (field.is === 'repeat') return 'bad-length'
  if (index === 0) return 'no-start'
  return index === frame.layout.length - 1 ? 'bad-tail' : 'bad-constant'
}

/** Whether a field's bytes are the wanted ones. */
export function holds(fields: FieldValues, name: string, wanted: ByteList): boolean {
  const found = fields[name]
  return found !== undefined && isSame(found, wanted)
}
