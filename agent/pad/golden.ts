import { BYTES_PATTERN, formatBytes, parseBytes } from './bytes.ts'
import { createPadCodec, type PadCodec, type PadEvent, type PadOutput } from './codec.ts'
import { encodeCommand } from './encode.ts'
import { addressOf, type Profile } from './profile.ts'
import { INTENTS, type PadIntent } from './profile-schema.ts'

/** What a golden file did not keep, with its line; line 0 is about the file as a whole. */
export interface GoldenProblem {
  line: number
  message: string
}

/** One line of the file: columns are parted by two or more spaces, the last one is the source. */
interface GoldenLine {
  line: number
  sign: '<' | '>' | '='
  columns: string[]
}

/**
 * Plays a golden file against a profile. Lines, in order, are one conversation:
 *
 * `< bytes   outputs   source`: the pad sends; `(silence)` after the bytes ends what is pending.
 * `> intent or command name=value   bytes   source`: what the box writes; `|` parts writes, `(500ms)` is a wait.
 * `= address 5`, `= armed`, `= unarmed`: what holds from here on.
 *
 * Every key of the tables and every command has to appear, or it is a problem too.
 */
export function playGolden(profile: Profile, text: string): GoldenProblem[] {
  const problems: GoldenProblem[] = []
  const seen = new Set<string>()
  let codec = createPadCodec(profile)
  let address = addressOf(profile)
  let isArmed = true
  for (const { line, sign, columns } of goldenLines(text)) {
    const [what = '', expected = ''] = columns
    const compare = (found: string, wanted: string) => {
      if (found !== wanted) problems.push({ line, message: `expected "${wanted}", found "${found}"` })
    }
    try {
      if (sign === '<') {
        compare(playReceived(codec, what, isArmed, seen), expected)
        continue
      }
      compare(describeOutputs(codec.silence()), 'nothing')
      if (sign === '>') {
        compare(playSent(profile, codec, what, address, seen), expected)
      } else if (what.startsWith('address ')) {
        address = Number(what.slice('address '.length))
        codec = createPadCodec(profile, { address })
      } else if (what === 'armed' || what === 'unarmed') isArmed = what === 'armed'
      else problems.push({ line, message: `is not understood: ${what}` })
    } catch (error) {
      if (!(error instanceof GoldenError)) throw error
      problems.push({ line, message: error.message })
    }
  }
  return [...problems, ...notCovered(profile, seen)]
}

class GoldenError extends Error {}

function goldenLines(text: string): GoldenLine[] {
  return text.split('\n').flatMap((raw, index) => {
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    const columns = trimmed.slice(1).trim().split(/ {2,}/)
    return [{ line: index + 1, sign: trimmed[0] as GoldenLine['sign'], columns }]
  })
}

function playReceived(codec: PadCodec, what: string, isArmed: boolean, seen: Set<string>): string {
  const isSilent = what.endsWith('(silence)')
  const outputs = codec.receive(bytesOf(what.replace('(silence)', '').trim()), isArmed)
  if (isSilent) outputs.push(...codec.silence())
  for (const output of outputs) if (output.kind === 'frame') seen.add(coverageOf(output.event))
  if (codec.pendingBytes() > 0) throw new GoldenError(`${codec.pendingBytes()} bytes are still pending: add (silence)`)
  return describeOutputs(outputs)
}

function playSent(profile: Profile, codec: PadCodec, what: string, address: number | null, seen: Set<string>): string {
  const [name = '', ...pairs] = what.split(' ')
  const values = Object.fromEntries(pairs.map(pair => [pair.split('=')[0]!, Number(pair.split('=')[1])]))
  const isIntent = (INTENTS as readonly string[]).includes(name)
  if (!isIntent && !profile.commands[name]) throw new GoldenError(`is no intent and no command: ${name}`)
  const steps = isIntent
    ? codec.command(name as PadIntent, values)
    : [{ name, bytes: Uint8Array.from(encodeCommand(profile, name, values, address)), waitAfterMs: 0 }]
  for (const step of steps) {
    codec.sent(step.bytes)
    seen.add(`command ${step.name}`)
  }
  const writes = steps.map(({ bytes, waitAfterMs }) => formatBytes(bytes) + (waitAfterMs ? ` (${waitAfterMs}ms)` : ''))
  return writes.join(' | ') || 'nothing'
}

function bytesOf(text: string): Uint8Array {
  if (!new RegExp(BYTES_PATTERN).test(text)) throw new GoldenError(`is not bytes in hex: ${text}`)
  return Uint8Array.from(parseBytes(text))
}

/** The outputs as a golden file writes them. */
export function describeOutputs(outputs: PadOutput[]): string {
  return outputs.map(describeOutput).join(' | ') || 'nothing'
}

function describeOutput(output: PadOutput): string {
  if (output.kind === 'garbage') return `garbage ${output.bytes.length} ${output.reason}`
  return describeEvent(output.event) + (output.answer ? `, answer ${formatBytes(output.answer)}` : '')
}

function describeEvent(event: PadEvent): string {
  switch (event.kind) {
    case 'key':
      return `key ${event.grade}`
    case 'key-unmapped':
      return `key-unmapped ${event.raw}`
    case 'staff-key':
      return `staff-key ${event.key}`
    case 'ignored':
      return `ignored ${event.meaning}`
    default:
      return event.kind
  }
}

function coverageOf(event: PadEvent): string {
  return event.kind === 'key' ? `key ${event.raw}` : describeEvent(event).replace('key-unmapped', 'key')
}

function notCovered(profile: Profile, seen: Set<string>): GoldenProblem[] {
  const wanted = [
    ...profile.events.flatMap(event => [
      ...event.keys.map(({ raw, meaning }) => (meaning === 'declined' ? 'declined' : `key ${raw}`)),
      ...event.staffKeys.map(({ key }) => `staff-key ${key}`),
    ]),
    ...Object.keys(profile.commands).map(name => `command ${name}`),
  ]
  return wanted.filter(item => !seen.has(item)).map(item => ({ line: 0, message: `no line shows ${item}` }))
}
