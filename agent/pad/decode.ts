import type { Grade } from '#protocol/grades.ts'
import { unreachable } from '#protocol/result.ts'
import { createAnswer } from './answer.ts'
import { decodeText } from './encoding.ts'
import type { EventRule, KeyEntry, LinePattern, RawValue } from './event-rule.ts'
import type { Frame, Layout } from './frame.ts'
import { fieldBytes, fieldStart, type Match } from './match.ts'
import type { Profile } from './profile.ts'

/** What a frame from the pad means. A raw value is for the journal of faults and the installer, never for a log beside a grade. */
export type PadEvent =
  | { kind: 'key'; grade: Grade; raw: number }
  | { kind: 'key-unmapped'; raw: number }
  /** Where the keys of a pad stand that tells their state: the raw values of those that are down, now. */
  | { kind: 'keys'; down: readonly number[] }
  /** A key was let go; null where the pad does not say which. */
  | { kind: 'released'; raw: number | null }
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
  | { kind: 'text'; text: string }
  | { kind: 'ignored'; meaning: string }

export interface Decoded {
  event: PadEvent
  /** The event rule that the frame is; null where none fits, or the frame is for another pad. */
  rule: EventRule | null
  answer?: Uint8Array
}

export interface Decoder {
  /** Gives one whole frame its meaning, and the answer the pad expects before anything else happens. */
  decode(frame: Frame, match: Match): Decoded
  /** What a key of this raw value means, for pads that tell where their keys stand. */
  keyEvent(raw: number): PadEvent
}

const OTHER_ADDRESS: Decoded = { event: { kind: 'ignored', meaning: 'other-address' }, rule: null }
const UNKNOWN_FRAME: Decoded = { event: { kind: 'ignored', meaning: 'unknown-frame' }, rule: null }
const UNKNOWN_LINE: Decoded = { event: { kind: 'ignored', meaning: 'unknown-line' }, rule: null }

export function createDecoder(profile: Profile, address: number | null): Decoder {
  const plans = new Map<Layout, Plan>()
  /** Most frames of a pad have the layout of the one before. */
  let last: { layout: Layout; plan: Plan } | null = null
  for (const frame of profile.frames) {
    const layouts = frame.kind === 'table' ? frame.types : [frame.layout]
    for (const layout of layouts) if (layout) plans.set(layout, planFor(profile, frame, layout, address))
  }
  const standing = keyEvents(profile.events.filter(({ gives }) => gives === 'keys').flatMap(({ keys }) => keys))

  return {
    decode(frame, match) {
      if (last?.layout !== match.layout) last = { layout: match.layout, plan: plans.get(match.layout)! }
      const { addressOf, rules } = last.plan
      if (addressOf !== null && addressOf(match) !== address) return OTHER_ADDRESS
      for (let i = 0; i < rules.length; i++) {
        const { rule, tests, sizes, meaningOf, answerOf } = rules[i]!
        if (!isMatching(match, tests, sizes)) continue
        const event = meaningOf(match)
        if (event === null) continue
        return answerOf === null ? { event, rule } : { event, rule, answer: answerOf(match) }
      }
      return frame.kind === 'line' ? UNKNOWN_LINE : UNKNOWN_FRAME
    },
    keyEvent: raw => standing.get(raw) ?? { kind: 'key-unmapped', raw },
  }
}

interface Plan {
  /** Null where the frame has no address. */
  addressOf: ((match: Match) => number) | null
  rules: {
    rule: EventRule
    tests: Test[]
    sizes: (Place & { wanted: number })[]
    meaningOf(match: Match): PadEvent | null
    answerOf: ((match: Match) => Uint8Array) | null
  }[]
}

/** Where a field stands. Copied from the layout, whose fields have many shapes: reading those costs several times more. */
interface Place {
  offset: number
  isAfterRest: boolean
  /** Bytes; -1 for the rest. */
  size: number
}

/** `bytes` are what is left of them under the mask. */
interface Test extends Place {
  bytes: Uint8Array
  mask: Uint8Array
  isPrefix: boolean
}

function placeIn(layout: Layout, name: string): Place {
  const { offset, isAfterRest, size } = layout.fields.find(field => field.name === name)!
  return { offset, isAfterRest, size }
}

function planFor(profile: Profile, frame: Frame, layout: Layout, address: number | null): Plan {
  const addressField = layout.fields.find(({ is }) => is === 'address')
  const possible = profile.events.filter(rule => rule.frame === frame.name && isPossible(rule, layout))
  return {
    addressOf: addressField ? createNumberOf(placeIn(layout, addressField.name), WHOLE) : null,
    rules: possible.map(rule => ({
      rule,
      tests: rule.match.map(({ field, bytes, mask, isPrefix }) => ({
        ...placeIn(layout, field),
        bytes: Uint8Array.from(bytes, (byte, i) => byte & mask[i]!),
        mask: Uint8Array.from(mask),
        isPrefix,
      })),
      sizes: Object.entries(rule.sizes).map(([name, wanted]) => ({ ...placeIn(layout, name), wanted })),
      meaningOf: createMeaning(rule, layout),
      answerOf: rule.answer === null ? null : createAnswer(frame, layout, rule.answer, address),
    })),
  }
}

function isMatching(match: Match, tests: readonly Test[], sizes: Plan['rules'][number]['sizes']): boolean {
  const { restSize } = match
  for (let i = 0; i < sizes.length; i++) {
    const { size, wanted } = sizes[i]!
    if ((size < 0 ? restSize : size) !== wanted) return false
  }
  for (let i = 0; i < tests.length; i++) {
    const { offset, isAfterRest, size, bytes, mask, isPrefix } = tests[i]!
    const there = size < 0 ? restSize : size
    if (isPrefix ? there < bytes.length : there !== bytes.length) return false
    const start = match.base + offset + (isAfterRest ? restSize : 0)
    for (let j = 0; j < bytes.length; j++) if ((match.bytes[start + j]! & mask[j]!) !== bytes[j]) return false
  }
  return true
}

/** A rule of a table names fields that only some of its types have. */
function isPossible(rule: EventRule, layout: Layout): boolean {
  const names = new Set(layout.fields.map(({ name }) => name))
  const [type] = layout.fields
  return (
    rule.match.every(({ field }) => names.has(field)) &&
    Object.keys(rule.sizes).every(field => names.has(field)) &&
    (rule.value === null || names.has(rule.value.field)) &&
    rule.match.every(({ field, bytes }) => field !== type?.name || type.is !== 'constant' || type.bytes[0] === bytes[0])
  )
}

const WHOLE: Pick<RawValue, 'at' | 'size' | 'as'> = { at: 0, size: 0, as: 'big' }

/** What a frame that fits the rule means; null where the text of a line does not fit after all. */
function createMeaning(rule: EventRule, layout: Layout): (match: Match) => PadEvent | null {
  const { line, value } = rule
  const meaningOf = createEventOf(rule)
  if (line) {
    return match => {
      const found = matchLine(line, match.bytes.subarray(match.base, match.base + match.restSize))
      return found === undefined ? null : meaningOf(found, match)
    }
  }
  if (value === null) return match => meaningOf(null, match)
  const numberOf = createNumberOf(placeIn(layout, value.field), value)
  return match => meaningOf(numberOf(match), match)
}

/** The number in the hole; null without one; undefined where the line is another. */
export function matchLine({ before, hole, after }: LinePattern, bytes: Uint8Array): number | null | undefined {
  if (bytes.length < before.length + after.length) return undefined
  const text = String.fromCharCode(...bytes)
  if (!text.startsWith(before) || !text.endsWith(after)) return undefined
  const inside = text.slice(before.length, text.length - after.length)
  if (hole === null) return inside === '' ? null : undefined
  if (hole === 'any') return null
  // Nine decimal or eight hex digits are exact numbers; no pad counts further.
  const isNumber = hole === 'hex' ? /^[0-9A-Fa-f]{1,8}$/.test(inside) : /^[0-9]{1,9}$/.test(inside)
  return isNumber ? Number.parseInt(inside, hole === 'hex' ? 16 : 10) : undefined
}

type MeaningOf = (raw: number | null, match: Match) => PadEvent

function createEventOf(rule: EventRule): MeaningOf {
  switch (rule.gives) {
    case 'key': {
      const events = keyEvents(rule.keys)
      return raw => events.get(raw!) ?? { kind: 'key-unmapped', raw: raw! }
    }
    case 'staff-key': {
      const names = new Map(rule.staffKeys.map(({ raw, name }) => [raw, name]))
      return raw => {
        const key = names.get(raw!)
        return key === undefined ? { kind: 'ignored', meaning: 'unknown-staff-key' } : { kind: 'staff-key', key }
      }
    }
    case 'keys': {
      const bits = rule.keys.map(key => key.raw)
      return raw => ({ kind: 'keys', down: bits.filter(bit => isBitSet(raw!, bit) !== rule.isPressedLow) })
    }
    case 'released':
      return raw => ({ kind: 'released', raw })
    case 'error':
      return raw => ({ kind: 'error', error: nameOf(rule, raw) })
    case 'status':
      return raw => ({ kind: 'status', status: nameOf(rule, raw), value: raw })
    case 'text':
      return (_, match) => ({ kind: 'text', text: textIn(match, rule) })
    case 'ignored':
      return always({ kind: 'ignored', meaning: rule.name })
    case 'acknowledgement':
      return always({ kind: 'acknowledged' })
    case 'declined':
    case 'no-rating':
    case 'accepted':
    case 'ready':
      return always({ kind: rule.gives })
    default:
      return unreachable(rule.gives)
  }
}

function always(event: PadEvent): MeaningOf {
  Object.freeze(event)
  return () => event
}

/** Zero is a rating on some pads, so that a key is looked up, never tested for truth. */
function keyEvents(keys: readonly KeyEntry[]): Map<number, PadEvent> {
  return new Map(keys.map(({ raw, meaning }) => [raw, Object.freeze(keyEvent(raw, meaning))]))
}

function keyEvent(raw: number, meaning: KeyEntry['meaning']): PadEvent {
  if (meaning === 'declined' || meaning === 'no-rating') return { kind: meaning }
  return meaning === 'unmapped' ? { kind: 'key-unmapped', raw } : { kind: 'key', grade: meaning, raw }
}

/** Two pairs of seven bits fit a number, but not a bit operation; where that can be, it is several times faster. */
function isBitSet(raw: number, bit: number): boolean {
  const isShort = raw >= 0 && raw <= 0x7fff_ffff && bit <= 0x4000_0000
  return isShort ? (raw & bit) !== 0 : Math.floor(raw / bit) % 2 === 1
}

/** The name that the table gives the raw value, else that of the rule itself. */
function nameOf(rule: EventRule, raw: number | null): string {
  return rule.codes.find(entry => entry.raw === raw)?.name ?? rule.name
}

function textIn(match: Match, { value, encoding }: EventRule): string {
  const index = match.layout.fields.findIndex(({ name }) => name === value?.field)
  if (index < 0) return ''
  const start = fieldStart(match, index)
  const from = start + Math.max(0, value?.at ?? 0)
  const bytes = match.bytes.slice(from, start + fieldBytes(match, index))
  if (encoding !== 'seven-bit') return decodeText(bytes, encoding)
  return decodeText(
    Uint8Array.from({ length: bytes.length >> 1 }, (_, i) => bytes[2 * i]! | (bytes[2 * i + 1]! << 7)),
    'iso-8859-1',
  )
}

/** Reads the number in a field; -1, which no table holds, where the field is too short for it or its digits are none. */
function createNumberOf(place: Place, { at, size, as }: Pick<RawValue, 'at' | 'size' | 'as'>) {
  const { offset, isAfterRest } = place
  const base = BASES[as]
  const isReversed = as === 'little' || as === 'seven-bit'
  const isPlain = as === 'big' || as === 'little'
  return ({ bytes, base: frameStart, restSize }: Match): number => {
    const there = place.size < 0 ? restSize : place.size
    const first = at < 0 ? there + at : at
    const count = size === 0 ? there - first : size
    if (first < 0 || count < 1 || first + count > there) return -1
    const start = frameStart + offset + (isAfterRest ? restSize : 0) + first
    let value = 0
    for (let i = 0; i < count; i++) {
      const byte = bytes[start + (isReversed ? count - 1 - i : i)]!
      const digit = isPlain ? byte : digitOf(byte, as)
      if (digit < 0) return -1
      value = value * base + digit
    }
    return value
  }
}

const BASES = { big: 256, little: 256, digits: 10, bcd: 100, 'seven-bit': 128 } as const

function digitOf(byte: number, as: RawValue['as']): number {
  if (as === 'digits') return byte >= 0x30 && byte <= 0x39 ? byte - 0x30 : -1
  if (as !== 'bcd') return byte
  return byte >> 4 < 10 && (byte & 15) < 10 ? (byte >> 4) * 10 + (byte & 15) : -1
}
