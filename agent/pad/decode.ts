import type { Grade } from '#protocol/grades.ts'
import { type ByteList, numberOf } from './bytes.ts'
import { buildFrame, type FieldValues, holds } from './layout.ts'
import type { EventRule, FieldsFrame, Frame, Profile } from './profile.ts'

/** What a frame from the pad means. A raw value is for the journal of faults and the installer, never for a log beside a grade. */
export type PadEvent =
  | { kind: 'key'; grade: Grade; raw: number }
  | { kind: 'key-unmapped'; raw: number }
  | { kind: 'staff-key'; key: string }
  | { kind: 'declined' }
  | { kind: 'ignored'; meaning: string }

export interface Decoded {
  event: PadEvent
  answer?: ByteList
}

/** Gives one whole frame its meaning, and the answer the pad expects before anything else happens. */
export function decodeFrame(profile: Profile, frame: Frame, fields: FieldValues, address: number | null): Decoded {
  if (frame.kind === 'fields' && isForAnother(frame, fields, address)) {
    return { event: { kind: 'ignored', meaning: 'other-address' } }
  }
  const rule = profile.events.find(event => event.frame === frame.name && isMatching(event, fields))
  if (!rule) return { event: { kind: 'ignored', meaning: 'unknown-frame' } }
  const event = eventOf(rule, fields)
  if (rule.answer === null || frame.kind === 'byte') return { event }
  return { event, answer: buildFrame(frame, { ...fields, ...rule.answer }, address) }
}

function isForAnother(frame: FieldsFrame, fields: FieldValues, address: number | null): boolean {
  const field = frame.layout.find(({ is }) => is === 'address')
  return field !== undefined && fields[field.name]![0] !== address
}

function isMatching(event: EventRule, fields: FieldValues): boolean {
  return (
    Object.entries(event.match).every(([name, bytes]) => holds(fields, name, bytes)) &&
    Object.entries(event.sizes).every(([name, size]) => fields[name]?.length === size)
  )
}

function eventOf(rule: EventRule, fields: FieldValues): PadEvent {
  if (rule.gives === 'ignored') return { kind: 'ignored', meaning: rule.name }
  const raw = rawOf(rule, fields)
  if (rule.gives === 'staff-key') {
    const key = rule.staffKeys.find(entry => entry.raw === raw)?.key
    return key === undefined ? { kind: 'ignored', meaning: 'unknown-staff-key' } : { kind: 'staff-key', key }
  }
  // Zero is a rating on some pads: compare with undefined, never for truth.
  const meaning = rule.keys.find(entry => entry.raw === raw)?.meaning
  if (meaning === 'declined') return { kind: 'declined' }
  if (meaning === undefined || meaning === 'unmapped') return { kind: 'key-unmapped', raw }
  return { kind: 'key', grade: meaning, raw }
}

function rawOf(rule: EventRule, fields: FieldValues): number {
  const bytes = fields[rule.value.field]!
  if (rule.value.byte === 'all') return numberOf(bytes)
  return rule.value.byte === 'first' ? bytes[0]! : bytes.at(-1)!
}
