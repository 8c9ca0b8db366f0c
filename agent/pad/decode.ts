import type { Grade } from '#protocol/grades.ts'
import { unreachable } from '#protocol/result.ts'
import { type ByteList, numberOf } from './bytes.ts'
import { buildFrame, type FieldValues, holds } from './layout.ts'
import type { EventRule, FieldsFrame, Frame, Profile } from './profile.ts'

/** What a frame from the pad means. A raw value is for the journal of faults and the installer, never for a log beside a grade. */
export type PadEvent =
  | { kind: 'key'; grade: Grade; raw: number }
  | { kind: 'key-unmapped'; raw: number }
  | { kind: 'staff-key'; key: string }
  | { kind: 'declined' }
  /** The pad gave up waiting by itself: nobody chose anything. */
  | { kind: 'no-rating' }
  | { kind: 'acknowledged' }
  /** First stage of a reply: the pad has begun, the rating comes later by itself. */
  | { kind: 'accepted' }
  | { kind: 'error'; error: string }
  /** The pad has started, or started again: set it up anew, and believe no key from before. */
  | { kind: 'ready' }
  | { kind: 'status'; status: string; value: number | null }
  | { kind: 'ignored'; meaning: string }

export interface Decoded {
  event: PadEvent
  /** The event rule that the frame is; null where none fits. */
  rule: EventRule | null
  answer?: ByteList
}

/** Gives one whole frame its meaning, and the answer the pad expects before anything else happens. */
export function decodeFrame(profile: Profile, frame: Frame, fields: FieldValues, address: number | null): Decoded {
  if (frame.kind === 'fields' && isForAnother(frame, fields, address)) {
    return { event: { kind: 'ignored', meaning: 'other-address' }, rule: null }
  }
  const rule = profile.events.find(event => event.frame === frame.name && isMatching(event, fields))
  if (!rule) return { event: { kind: 'ignored', meaning: 'unknown-frame' }, rule: null }
  const event = eventOf(rule, fields)
  if (rule.answer === null || frame.kind === 'byte') return { event, rule }
  return { event, rule, answer: buildFrame(frame, { ...fields, ...rule.answer }, address) }
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
  switch (rule.gives) {
    case 'key':
      return keyEvent(rule, rawOf(rule, fields))
    case 'staff-key': {
      const key = rule.staffKeys.find(entry => entry.raw === rawOf(rule, fields))?.key
      return key === undefined ? { kind: 'ignored', meaning: 'unknown-staff-key' } : { kind: 'staff-key', key }
    }
    case 'error':
      return { kind: 'error', error: nameOf(rule, fields) }
    case 'status':
      return {
        kind: 'status',
        status: nameOf(rule, fields),
        value: hasValue(rule, fields) ? rawOf(rule, fields) : null,
      }
    case 'acknowledgement':
      return { kind: 'acknowledged' }
    case 'accepted':
    case 'ready':
      return { kind: rule.gives }
    case 'ignored':
      return { kind: 'ignored', meaning: rule.name }
    default:
      return unreachable(rule.gives)
  }
}

function keyEvent(rule: EventRule, raw: number): PadEvent {
  // Zero is a rating on some pads: compare with undefined, never for truth.
  const meaning = rule.keys.find(entry => entry.raw === raw)?.meaning
  if (meaning === 'declined' || meaning === 'no-rating') return { kind: meaning }
  if (meaning === undefined || meaning === 'unmapped') return { kind: 'key-unmapped', raw }
  return { kind: 'key', grade: meaning, raw }
}

/** The name that the table gives the raw value, else that of the rule itself. */
function nameOf(rule: EventRule, fields: FieldValues): string {
  if (!hasValue(rule, fields)) return rule.name
  return rule.codes.find(entry => entry.raw === rawOf(rule, fields))?.name ?? rule.name
}

const hasValue = (rule: EventRule, fields: FieldValues) => fields[rule.value.field] !== undefined

function rawOf(rule: EventRule, fields: FieldValues): number {
  const bytes = fields[rule.value.field]!
  if (rule.value.byte === 'all') return numberOf(bytes)
  return rule.value.byte === 'first' ? bytes[0]! : bytes.at(-1)!
}
