import { formatBytes } from './bytes.ts'
import type { PadCodec } from './codec.ts'
import { bitMapOf, encodeEvent } from './encode.ts'
import type { EventRule } from './event-rule.ts'
import { type Command, frameOf, type Profile } from './profile.ts'
import type { ParameterValues } from './template.ts'

/** One good frame of a pad, made from the profile alone. */
export interface Example {
  rule: EventRule
  /** Where in the profile it stands. */
  path: string[]
  bytes: Uint8Array
  /** What the codec must say of it. */
  expected: string
  /** Whether it comes by itself, without a command before it. */
  isUnasked: boolean
  /** Brings a fresh codec to where the frame can come. */
  prepare(codec: PadCodec): void
}

/** A frame for every event, and for every entry of its tables. */
export function exampleFrames(profile: Profile, address: number | null): Example[] {
  return profile.events.flatMap(rule =>
    rawsOf(rule).map(({ raw, expected, entry = [] }) => {
      const asking = askingFor(profile, rule)
      const isUnasked = !rule.isSolicited && frameOf(profile, rule.frame).believed !== 'while-requested'
      return {
        rule,
        path: ['events', rule.name, ...entry],
        bytes: encodeEvent(profile, rule, raw, address),
        expected,
        isUnasked,
        prepare(codec) {
          if (!asking) return
          const step = codec.single(asking.name, exampleValues(asking))
          // What is on the line already is no echo any more; the answer is still waited for.
          codec.sent(step.bytes, step)
          codec.silence()
        },
      }
    }),
  )
}

function askingFor(profile: Profile, { name }: EventRule): Command | undefined {
  return Object.values(profile.commands).find(
    ({ expects }) => expects?.events.includes(name) || expects?.refusals.includes(name),
  )
}

/** A value for every parameter: its default, else the least. */
export function exampleValues({ parameters }: Command): ParameterValues {
  return Object.fromEntries(
    Object.values(parameters).flatMap((parameter): [string, number | string][] => {
      if (parameter.default !== null) return [[parameter.name, parameter.default]]
      if (parameter.as === 'text') return [[parameter.name, '']]
      return 'min' in parameter ? [[parameter.name, parameter.min]] : []
    }),
  )
}

interface ExampleRaw {
  raw: ArrayLike<number> & Iterable<number>
  expected: string
  /** The table that the raw value stands in, and how it is written there. */
  entry?: string[]
}

function rawsOf(rule: EventRule): ExampleRaw[] {
  const nothing = [0]
  switch (rule.gives) {
    case 'key':
      return rule.keys.map(({ bytes, raw, meaning }) => ({
        raw: bytes,
        expected: meaning === 'unmapped' ? `key-unmapped ${raw}` : isNoGrade(meaning) ? meaning : `key ${meaning}`,
        entry: ['grades', formatBytes(bytes)],
      }))
    case 'keys': {
      const size = Math.max(...rule.keys.map(({ bytes }) => bytes.length))
      return rule.keys.map(key => ({
        raw: bitMapOf(rule, [key], size),
        expected: `keys ${key.meaning}`,
        entry: ['grades', formatBytes(key.bytes)],
      }))
    }
    case 'staff-key':
      return rule.staffKeys.map(({ bytes, name }) => ({
        raw: bytes,
        expected: `staff-key ${name}`,
        entry: ['staffKeys', formatBytes(bytes)],
      }))
    case 'error':
      return named(rule, 'error')
    case 'status':
      return named(rule, 'status')
    case 'acknowledgement':
      return [{ raw: nothing, expected: 'acknowledged' }]
    case 'released':
      return [{ raw: nothing, expected: rule.value === null ? 'released' : 'released 0' }]
    case 'ignored':
      return [{ raw: nothing, expected: `ignored ${rule.name}` }]
    case 'text':
      return [{ raw: nothing, expected: 'text' }]
    default:
      return [{ raw: nothing, expected: rule.gives }]
  }
}

const isNoGrade = (meaning: string) => meaning === 'declined' || meaning === 'no-rating'

function named(rule: EventRule, kind: 'error' | 'status'): ExampleRaw[] {
  const suffix = (raw: number) => (kind === 'status' && rule.value !== null ? ` ${raw}` : '')
  if (rule.codes.length === 0) return [{ raw: [0], expected: `${kind} ${rule.name}${suffix(0)}` }]
  return rule.codes.map(({ bytes, raw, name }) => ({
    raw: bytes,
    expected: `${kind} ${name}${suffix(raw)}`,
    entry: ['codes', formatBytes(bytes)],
  }))
}
