import type { Grade } from '#protocol/grades.ts'
import { buildFrame } from './build-frame.ts'
import type { ByteList } from './bytes.ts'
import type { EventRule, KeyEntry } from './event-rule.ts'
import {
  DATA_FIELD,
  type Field,
  layoutOf,
  START_FIELD,
  type StartBitFrame,
  SUBFRAME_START,
  TYPE_FIELD,
} from './frame.ts'
import type { FieldValues } from './match.ts'
import { type ParameterContext, type TextParameter, textCharacters } from './parameter.ts'
import { type Command, frameOf, type Profile } from './profile.ts'
import { fillTemplate, matchTemplate, type ParameterValues } from './template.ts'

/** The frames of one command, more than one only where a long text is cut. Parameters it does not have are not looked at. */
export function encodeCommand(
  profile: Profile,
  name: string,
  values: ParameterValues,
  address: number | null,
): Uint8Array[] {
  const command = profile.commands[name]
  if (!command) throw new Error(`profile ${profile.id} has no command ${name}`)
  const frame = frameOf(profile, command.frame)
  return contextsOf(profile, command, values).map(context => {
    const fields: Record<string, ByteList> = {}
    for (const [field, template] of Object.entries(command.fields)) {
      fields[field] = fillTemplate(template, command.parameters, values, context)
    }
    return buildFrame(frame, fields, address)
  })
}

/** One context, or one for each piece of the text that is cut. */
function contextsOf(profile: Profile, { segments, parameters }: Command, values: ParameterValues): ParameterContext[] {
  const base: ParameterContext = profile.text
  if (!segments) return [base]
  const pieces: number[][] = [[]]
  for (const character of textCharacters(parameters[segments.of] as TextParameter, values[segments.of], base)) {
    if (pieces.at(-1)!.length + character.length > segments.bytesMax) pieces.push([])
    pieces.at(-1)!.push(...character)
  }
  return pieces.map((bytes, number) => ({
    ...base,
    segment: { number, count: pieces.length, bytes, of: segments.of },
  }))
}

/** Which command a frame to the pad is, and with which parameters: the pad's side of `encodeCommand`. */
export function decodeCommand(
  profile: Profile,
  frame: string,
  fields: FieldValues,
): { command: Command; values: ParameterValues } | null {
  for (const command of Object.values(profile.commands)) {
    if (command.frame !== frame) continue
    const found = Object.entries(command.fields).map(([name, template]) =>
      fields[name] ? matchTemplate(template, command.parameters, fields[name], profile.text) : null,
    )
    if (found.every(values => values !== null))
      return { command, values: Object.assign({}, ...found) as ParameterValues }
  }
  return null
}

/**
 * The bytes a pad sends for one event: the pad's side of decoding. `raw` are the bytes of its raw value as the
 * tables write them; what no rule says is zero.
 */
export function encodeEvent(profile: Profile, event: EventRule, raw: ByteList, address: number | null): Uint8Array {
  const frame = frameOf(profile, event.frame)
  if (frame.kind === 'line') return buildFrame(frame, { line: lineBytes(event, raw) }, address)
  const type = event.match.find(({ field }) => field === TYPE_FIELD)?.bytes[0]
  const layout = layoutOf(frame, type)!
  const values: Record<string, number[]> = {}
  for (const field of layout.fields) values[field.name] = new Array<number>(emptyBytes(event, field, layout)).fill(0)
  if (frame.kind === 'start-bit') values[DATA_FIELD] = startBitData(frame, event)
  for (const field of layout.fields) {
    if (field.is === 'value' && field.allowed) values[field.name] = [field.allowed.indexOf(true)]
  }
  for (const { field, bytes, mask } of event.match) {
    for (let i = 0; i < bytes.length; i++) values[field]![i] = bytes[i]! & mask[i]!
  }
  if (event.value) putRaw(event, raw, values)
  return buildFrame(frame, values, address)
}

/** The key a pad has for a grade; undefined where it has none. */
export function keyOfGrade(profile: Profile, grade: Grade): { event: EventRule; raw: ByteList } | undefined {
  for (const event of profile.events) {
    const key = event.keys.find(({ meaning }) => meaning === grade)
    if (key) return { event, raw: key.bytes }
  }
  return undefined
}

/** The raw value of a bit map in which exactly these keys are down. */
export function bitMapOf(event: EventRule, down: readonly KeyEntry[], size: number): number[] {
  const all = event.keys.reduce((sum, { raw }) => sum + raw, 0)
  const pressed = down.reduce((sum, { raw }) => sum + raw, 0)
  let rest = event.isPressedLow ? all - pressed : pressed
  const bytes = new Array<number>(size).fill(0)
  for (let i = size - 1; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest % 256
  return bytes
}

/** As many data bytes as the start byte asks for; between F0 and F7 as many as the rule speaks of. */
function startBitData(frame: StartBitFrame, event: EventRule): number[] {
  const start = event.match.find(({ field }) => field === START_FIELD)?.bytes[0] ?? SUBFRAME_START
  const spoken = event.match.find(({ field }) => field === DATA_FIELD)?.bytes.length ?? 0
  return new Array<number>(Math.max(frame.lengths[start]!, spoken, 0)).fill(0)
}

function emptyBytes(event: EventRule, field: Field, layout: { restBytesMin: number }): number {
  const prefix = event.match.find(test => test.field === field.name)?.bytes.length ?? 0
  const size = event.sizes[field.name] ?? (field.size < 0 ? layout.restBytesMin : field.size)
  return Math.max(size, prefix)
}

function lineBytes(event: EventRule, raw: ByteList): number[] {
  const { before, hole, after } = event.line!
  const value = Array.from(raw).reduce((sum, byte) => sum * 256 + byte, 0)
  const inside = hole === 'decimal' ? String(value) : hole === 'hex' ? value.toString(16).toUpperCase() : ''
  return Array.from(before + inside + after, character => character.charCodeAt(0))
}

function putRaw(event: EventRule, raw: ByteList, values: Record<string, number[]>) {
  const { field, at, size, as } = event.value!
  const own = values[field]!
  const value = Array.from(raw).reduce((sum, byte) => sum * 256 + byte, 0)
  const count = size === 0 ? Math.max(own.length - Math.max(at, 0), raw.length) : size
  const first = at < 0 ? Math.max(own.length, count) + at : at
  const base = { big: 256, little: 256, digits: 10, bcd: 100, 'seven-bit': 128 }[as]
  let rest = value
  for (let i = 0; i < count; i++, rest = Math.floor(rest / base)) {
    const digit = rest % base
    const byte = as === 'digits' ? 0x30 + digit : as === 'bcd' ? Math.floor(digit / 10) * 16 + (digit % 10) : digit
    own[first + (as === 'little' || as === 'seven-bit' ? i : count - 1 - i)] = byte
  }
}
