import type { Result } from '#protocol/result.ts'
import { BYTES_PATTERN, formatBytes, parseBytes } from './bytes.ts'
import { type CommandStep, createPadCodec, type PadEvent, type PadOutput } from './codec.ts'
import { describeOutputs } from './describe-output.ts'
import { playBoard } from './golden-board.ts'
import { createDraft } from './golden-draft.ts'
import { type GoldenProblem, goldenLines, notKept } from './golden-line.ts'
import type { Profile } from './profile.ts'
import { INTENTS, type PadIntent } from './profile-schema.ts'
import { notAmong } from './report.ts'
import { SITE_SETTINGS, type SiteOverrides } from './site-schema.ts'

/** The same profile with other site settings, among them its variant. */
export type LoadWith = (overrides: SiteOverrides) => Result<Profile, { code: string; detail: string }>

/**
 * Plays a golden file against a profile. Lines, in order, are one conversation:
 *
 * `< bytes   outputs   source`: the pad sends; `(5ms)` is a gap, `(silence)` after the bytes ends what is pending.
 * `> intent or command name=value   bytes   source`: what the box writes; `|` parts writes, `(500ms)` is a wait.
 * `= armed`, `= unarmed`, `= missed` (no answer came), `= address 5`, `= variant crc`, `= encoding gbk`: what holds
 * from here on; `= variant none` ends a setting.
 *
 * Every key of the tables, every event and every command has to appear, in the profile without a variant; each
 * variant has to appear with a line in both directions.
 */
export function playGolden(profile: Profile, text: string, loadWith?: LoadWith): GoldenProblem[] {
  const lines = goldenLines(text)
  if (profile.board) return playBoard(profile.board, lines)
  const player = createPlayer(profile, loadWith)
  const problems: GoldenProblem[] = []
  for (const line of lines) {
    const { sign, columns } = line
    const [what = '', expected = ''] = columns
    try {
      const found = player.play(sign, what)
      const wanted = sign === '=' ? 'nothing' : expected
      if (found !== wanted) problems.push(notKept(line, wanted, found))
    } catch (error) {
      if (!(error instanceof GoldenError)) throw error
      problems.push({ line: line.line, column: line.at[0] ?? 1, message: error.message })
    }
  }
  const draftOf = createDraft(profile, output => coverageOf(output))
  const missing = player.notCovered().map(({ item, path }): GoldenProblem => {
    const draft = draftOf(item)
    return { line: 0, column: 0, message: `no line shows ${item}${draft ? `; such a line is: ${draft}` : ''}`, path }
  })
  return [...problems, ...missing]
}

class GoldenError extends Error {}

function createPlayer(base: Profile, loadWith: LoadWith | undefined) {
  const seen = new Set<string>()
  let overrides: SiteOverrides = {}
  let profile = base
  let codec = createPadCodec(profile)
  let isArmed = true

  /** What is seen of a variant says nothing about the profile without it. */
  function see(item: string) {
    const { variant } = overrides
    if (variant === undefined) seen.add(item)
    else seen.add(`variant ${variant} in a line that ${item.startsWith('command') ? 'begins with >' : 'begins with <'}`)
  }

  function received(what: string): string {
    const outputs: PadOutput[] = []
    for (const part of what.split(/(\([^)]*\))/)) {
      if (part.trim() === '') continue
      const gap = /^\((?:(silence)|(\d+)ms)\)$/.exec(part.trim())
      if (gap) {
        if (gap[1] || Number(gap[2]) >= codec.silenceMs) outputs.push(...codec.silence())
      } else outputs.push(...codec.receive(bytesIn(part.trim()), isArmed))
    }
    for (const output of outputs) if (output.kind === 'frame') for (const item of coverageOf(output)) see(item)
    if (codec.pendingBytes() > 0) {
      throw new GoldenError(`${codec.pendingBytes()} bytes are still pending: add (silence)`)
    }
    return describeOutputs(profile, outputs)
  }

  function written(what: string): string {
    const [name = '', ...pairs] = splitWords(what)
    const values = Object.fromEntries(pairs.map(pair => valueIn(pair)))
    const isIntent = (INTENTS as readonly string[]).includes(name)
    if (!isIntent && !profile.commands[name]) {
      throw new GoldenError(notAmong('intent and no command', name, [...INTENTS, ...Object.keys(profile.commands)]))
    }
    const steps: CommandStep[] = isIntent ? codec.command(name as PadIntent, values) : codec.all(name, values)
    for (const step of steps) {
      codec.sent(step.bytes, step)
      see(`command ${step.name}`)
    }
    const writes = steps.map(({ bytes, waitAfterMs }) => {
      const wait = isIntent && waitAfterMs > 0 ? ` (${waitAfterMs}ms)` : ''
      return formatBytes(bytes) + wait
    })
    return writes.join(' | ') || 'nothing'
  }

  function set(what: string) {
    const [name = '', value = ''] = what.split(' ')
    if (what === 'armed' || what === 'unarmed') isArmed = what === 'armed'
    else if (what === 'missed') codec.missed()
    else if ((SITE_SETTINGS as readonly string[]).includes(name)) override(name, value)
    else throw new GoldenError(`is not understood: ${what}`)
  }

  function override(name: string, text: string) {
    const { [name as 'variant']: _, ...others } = overrides
    const value = /^\d+$/.test(text) ? Number(text) : text
    overrides = value === 'none' && name !== 'echo' ? others : { ...others, [name]: value }
    if (!loadWith) throw new GoldenError(`cannot be set here: ${name}`)
    const loaded = loadWith(overrides)
    if (!loaded.ok) throw new GoldenError(loaded.error.detail)
    profile = loaded.value
    codec = createPadCodec(profile)
  }

  return {
    play(sign: string, what: string): string {
      if (sign === '<') return received(what)
      const left = describeOutputs(profile, codec.silence())
      if (left !== 'nothing') return left
      if (sign === '>') return written(what)
      if (sign !== '=') throw new GoldenError(`a line begins with <, > or =, found ${sign}`)
      set(what)
      return 'nothing'
    },
    notCovered: () => wantedOf(base).filter(({ item }) => !seen.has(item)),
  }
}

/** Words parted by single spaces; a value in quotes may hold some. */
function splitWords(text: string): string[] {
  return Array.from(text.matchAll(/[^ "]*"[^"]*"|[^ ]+/g), ([word]) => word)
}

function valueIn(pair: string): [string, number | string] {
  const at = pair.indexOf('=')
  if (at < 0) throw new GoldenError(`is no parameter and its value: ${pair}`)
  const text = pair.slice(at + 1)
  const value = text.startsWith('"') ? text.slice(1, -1) : text
  // 007 is the number of a clerk, not seven.
  return [pair.slice(0, at), String(Number(text)) === text ? Number(text) : value]
}

function bytesIn(text: string): Uint8Array {
  if (!new RegExp(BYTES_PATTERN).test(text)) throw new GoldenError(`is not bytes in hex: ${text}`)
  return Uint8Array.from(parseBytes(text))
}

function coverageOf({ event, rule }: Extract<PadOutput, { kind: 'frame' }>): string[] {
  return [...(rule === undefined ? [] : [`event ${rule}`]), ...keysOf(event)]
}

function keysOf(event: PadEvent): string[] {
  switch (event.kind) {
    case 'key':
    case 'key-unmapped':
      return [`key ${event.raw}`]
    case 'keys':
      return event.down.length === 1 ? [`key ${event.down[0]}`] : []
    case 'staff-key':
      return [`staff-key ${event.key}`]
    case 'declined':
    case 'no-rating':
      return [event.kind]
    default:
      return []
  }
}

interface Wanted {
  item: string
  /** Where in the profile it stands. */
  path: string[]
}

function wantedOf(profile: Profile): Wanted[] {
  return [
    ...profile.events.flatMap(({ name, keys, staffKeys }) => [
      ...keys.map(({ raw, bytes, meaning }) => ({
        item: meaning === 'declined' || meaning === 'no-rating' ? meaning : `key ${raw}`,
        path: ['events', name, 'grades', formatBytes(bytes)],
      })),
      ...staffKeys.map(key => ({
        item: `staff-key ${key.name}`,
        path: ['events', name, 'staffKeys', formatBytes(key.bytes)],
      })),
      { item: `event ${name}`, path: ['events', name] },
    ]),
    ...Object.keys(profile.commands).map(name => ({ item: `command ${name}`, path: ['commands', name] })),
    ...profile.variants.flatMap(({ name }) =>
      ['>', '<'].map(sign => ({
        item: `variant ${name} in a line that begins with ${sign}`,
        path: ['variants', name],
      })),
    ),
  ]
}
