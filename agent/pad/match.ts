import type { Checksum } from './checksum.ts'
import type { Layout } from './frame.ts'
import type { ParameterValues } from './template.ts'

export const FRAME_FAULTS = [
  'no-start',
  'bad-constant',
  'bad-value',
  'bad-length',
  'too-long',
  'bad-checksum',
  'bad-tail',
  'bad-escape',
] as const
export type FrameFault = (typeof FRAME_FAULTS)[number]

/** What is known beside the bytes. */
export interface MatchContext {
  /** The line has fallen still: nothing more comes to what is pending. */
  readonly isSilent: boolean
  /** Parameters of the command whose answer is waited for; null where none is. */
  readonly request: ParameterValues | null
}

/**
 * The answer of a matcher. Each matcher has one and fills it anew, so that looking at a byte costs no memory;
 * whoever needs it longer than until the next look takes what it needs.
 */
export interface Match {
  verdict: 'whole' | 'more' | 'no'
  /** Bytes on the line; of a whole frame. */
  size: number
  fault: FrameFault
  /** How far it got: the field that could not be; of no frame. */
  at: number
  layout: Layout
  /** Where the fields stand: `bytes` from `base` on, escapes already taken out. */
  bytes: Uint8Array
  base: number
  /** Bytes of the rest; -1 while it is not known. */
  restSize: number
  /** A checksum over the bytes as they were sent, between offsets of the unescaped frame; null without stuffing. */
  wireValue: ((checksum: Checksum, from: number, to: number) => number) | null
}

export function createMatch(layout: Layout): Match {
  return {
    verdict: 'more',
    size: 0,
    fault: 'no-start',
    at: 0,
    layout,
    bytes: new Uint8Array(),
    base: 0,
    restSize: -1,
    wireValue: null,
  }
}

export function setMore(match: Match): Match {
  match.verdict = 'more'
  return match
}

export function setNo(match: Match, fault: FrameFault, at: number): Match {
  match.verdict = 'no'
  match.fault = fault
  match.at = at
  return match
}

export function setWhole(match: Match, size: number): Match {
  match.verdict = 'whole'
  match.size = size
  return match
}

/** Where the field of this index begins in `match.bytes`. */
export function fieldStart(match: Match, index: number): number {
  const field = match.layout.fields[index]!
  return match.base + field.offset + (field.isAfterRest ? match.restSize : 0)
}

export function fieldBytes(match: Match, index: number): number {
  const { size } = match.layout.fields[index]!
  return size < 0 ? match.restSize : size
}

export type FieldValues = Readonly<Record<string, Uint8Array>>

/** A copy of every field, by its name. */
export function fieldsOf(match: Match): FieldValues {
  const fields: Record<string, Uint8Array> = {}
  for (const [index, { name }] of match.layout.fields.entries()) {
    const start = fieldStart(match, index)
    fields[name] = match.bytes.slice(start, start + fieldBytes(match, index))
  }
  return fields
}
