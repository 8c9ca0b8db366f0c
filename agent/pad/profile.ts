import { durationMs } from '#runtime/duration.ts'
import type { Text } from '#runtime/language.ts'
import { type Board, compileBoard } from './board.ts'
import { type ByteList, formatBytes, numberOf, parseBytes } from './bytes.ts'
import type { Checksum } from './checksum.ts'
import type {
  CommandFile,
  EventFile,
  ExpectsFile,
  FieldFile,
  FrameFile,
  KeyMeaning,
  PadIntent,
  ParameterFile,
  ProfileFile,
  ProfileKind,
  Shows,
  SiteOverrides,
  SiteSetting,
} from './profile-schema.ts'
import { type Parameter, parseTemplate, type Template } from './template.ts'

/** One pad model as the engine uses it: bytes and milliseconds instead of text, checked and frozen. */
export interface Profile {
  readonly id: string
  readonly version: number
  readonly kind: ProfileKind
  /** SHA-256 of the file's text in UTF-8, hex (of its bytes, but for a byte order mark): what a journal names when a rating's meaning is disputed. */
  readonly hash: string
  readonly title: Text
  readonly evidence: ProfileFile['evidence']
  readonly source: string
  readonly notes: readonly string[]
  readonly line: {
    readonly baud: number
    readonly dataBits: 7 | 8
    readonly parity: 'none' | 'even' | 'odd'
    readonly stopBits: 1 | 2
  }
  /** How the line is opened and closed, beside its settings. */
  readonly opening: Opening
  /** Adapters that this pad is sold with, ids in lower case: a hint for a person, never a reason to open a port. */
  readonly usb: readonly { readonly vendor: string; readonly product: string; readonly name: string }[]
  readonly baudsAllowed: readonly number[]
  /** Null where the line belongs to one pad. */
  readonly address: { readonly default: number; readonly min: number; readonly max: number } | null
  readonly site: readonly SiteSetting[]
  /** What this installation sets differently. */
  readonly overrides: SiteOverrides
  readonly behaviour: Behaviour
  readonly frames: readonly Frame[]
  readonly events: readonly EventRule[]
  readonly commands: Readonly<Record<string, Command>>
  readonly intents: Readonly<Record<PadIntent, readonly IntentStep[]>>
  /** Null where the pad speaks by itself. */
  readonly poll: Poll | null
  /** Null where the pad cannot be asked; the file says why. */
  readonly health: Health | null
  /** Null for everything that speaks in bytes. */
  readonly board: Board | null
}

export interface Opening {
  readonly flowControl: 'none' | 'hardware' | 'software'
  readonly dtr: 'on' | 'off' | 'unchanged'
  readonly rts: 'on' | 'off' | 'unchanged'
  readonly isHungUpOnClose: boolean
  /** From the opening until the pad listens. */
  readonly startUpMs: number
}

export interface Poll {
  readonly command: string
  readonly idleMs: number
  readonly armedMs: number
  /** Unanswered in a row: the pad is lost. */
  readonly failuresMax: number
}

export interface Health {
  readonly command: string
  /** While nothing else was heard from the pad. */
  readonly everyMs: number
  readonly failuresMax: number
}

/** What a command is answered with. */
export interface Expectation {
  /** Names of event rules; empty where only an echo or silence is expected. */
  readonly events: readonly string[]
  readonly refusals: readonly string[]
  readonly isEcho: boolean
  readonly withinMs: number
  readonly retries: number
  readonly onMissing: 'go-on' | 'succeed' | 'fault'
  /** Time from being accepted to the rating, where the pad answers in two stages. */
  readonly resultWithinMs: number | null
}

export interface Behaviour {
  readonly silenceMs: number
  /** Least time between two writes to the pad. */
  readonly gapMs: number
  readonly echo: 'removed' | 'none'
  readonly holdOffMs: number
  readonly stuckAfterMs: number
  /** Null where the pad sends a key once and expects nothing. */
  readonly unansweredRepeats: { readonly everyMs: number; readonly times: number } | null
  readonly heldRepeatsMs: number | null
}

export type Frame = FieldsFrame | ByteFrame

export interface FieldsFrame {
  readonly kind: 'fields'
  readonly name: string
  readonly direction: FrameFile['direction']
  readonly believed: 'always' | 'while-armed'
  readonly layout: readonly Field[]
  readonly restBytesMin: number
  readonly restBytesMax: number
}

export interface ByteFrame {
  readonly kind: 'byte'
  readonly name: string
  readonly direction: FrameFile['direction']
  readonly believed: 'always' | 'while-armed'
  readonly first: number
  readonly last: number
}

/** The one field of a bare byte. */
export const BYTE_FIELD = 'byte'

export type Field =
  | { readonly is: 'constant'; readonly name: string; readonly bytes: ByteList }
  | { readonly is: 'length'; readonly name: string; readonly from: number; readonly to: number }
  | { readonly is: 'repeat'; readonly name: string; readonly of: string }
  | { readonly is: 'address'; readonly name: string }
  | { readonly is: 'value'; readonly name: string; readonly size: number }
  | { readonly is: 'rest'; readonly name: string }
  | {
      readonly is: 'checksum'
      readonly name: string
      readonly algorithm: Checksum
      readonly from: number
      readonly to: number
    }

export interface EventRule {
  readonly name: string
  readonly frame: string
  readonly meaning: Text
  readonly match: Readonly<Record<string, ByteList>>
  readonly sizes: Readonly<Record<string, number>>
  readonly gives: EventFile['gives']
  readonly value: { readonly field: string; readonly byte: 'all' | 'first' | 'last' }
  readonly keys: readonly { readonly raw: number; readonly bytes: ByteList; readonly meaning: KeyMeaning }[]
  readonly staffKeys: readonly { readonly raw: number; readonly bytes: ByteList; readonly key: string }[]
  readonly codes: readonly { readonly raw: number; readonly bytes: ByteList; readonly name: string }[]
  /** Null where the pad expects no answer; an empty replacement is an exact echo. */
  readonly answer: Readonly<Record<string, ByteList>> | null
}

export interface Command {
  readonly name: string
  readonly frame: string
  readonly meaning: Text
  readonly fields: Readonly<Record<string, Template>>
  readonly parameters: Readonly<Record<string, Parameter>>
  readonly shows: Shows
  /** Null where the pad answers nothing. */
  readonly expects: Expectation | null
}

export interface IntentStep {
  readonly command: string
  readonly with: Readonly<Record<string, number | string>>
  readonly waitAfterMs: number
}

/** Turns a checked file into a profile. The file must have passed `checkRelations`. */
export function compileProfile(file: ProfileFile, hash: string, overrides: SiteOverrides): Profile {
  const { address, behaviour, line } = file
  const repeats = behaviour.unansweredRepeats
  return deepFreeze({
    id: file.id,
    version: file.version,
    kind: file.kind ?? 'pad',
    hash,
    title: file.title,
    evidence: file.evidence,
    source: file.source,
    notes: file.notes ?? [],
    line: {
      baud: line.baud,
      dataBits: line.dataBits ?? 8,
      parity: line.parity ?? 'none',
      stopBits: line.stopBits ?? 1,
    },
    opening: {
      flowControl: line.flowControl ?? 'none',
      dtr: line.dtr ?? 'unchanged',
      rts: line.rts ?? 'unchanged',
      isHungUpOnClose: line.hangUp ?? true,
      startUpMs: durationMs(line.startUp ?? '0ms'),
    },
    usb: (file.port?.usb ?? []).map(({ vendor, product, name }) => ({
      vendor: vendor.toLowerCase(),
      product: product.toLowerCase(),
      name,
    })),
    baudsAllowed: [line.baud, ...(line.baudAlternatives ?? [])],
    address: address ? { default: address.default, min: address.min ?? 0, max: address.max ?? 255 } : null,
    site: file.site ?? [],
    overrides: structuredClone(overrides),
    behaviour: {
      silenceMs: durationMs(behaviour.silence),
      gapMs: durationMs(behaviour.gap ?? '0ms'),
      echo: behaviour.echo ?? 'removed',
      holdOffMs: durationMs(behaviour.holdOff ?? '400ms'),
      stuckAfterMs: durationMs(behaviour.stuckAfter ?? '8s'),
      unansweredRepeats: repeats ? { everyMs: durationMs(repeats.every), times: repeats.times } : null,
      heldRepeatsMs: behaviour.heldRepeats ? durationMs(behaviour.heldRepeats) : null,
    },
    frames: Object.entries(file.frames).map(([name, frame]) => compileFrame(name, frame)),
    events: Object.entries(file.events).map(([name, event]) => compileEvent(name, event)),
    commands: mapValues(file.commands, compileCommand),
    intents: {
      initialise: compileSteps(file.intents.initialise),
      ask: compileSteps(file.intents.ask),
      thank: compileSteps(file.intents.thank),
      idle: compileSteps(file.intents.idle),
      clerk: compileSteps(file.intents.clerk),
    },
    poll: file.poll
      ? {
          command: file.poll.send,
          idleMs: durationMs(file.poll.idle),
          armedMs: durationMs(file.poll.armed),
          failuresMax: file.poll.failuresMax ?? 3,
        }
      : null,
    health: file.health?.send
      ? {
          command: file.health.send,
          everyMs: durationMs(file.health.every ?? '60s'),
          failuresMax: file.health.failuresMax ?? 2,
        }
      : null,
    board: file.board ? compileBoard(file.board) : null,
  })
}

function compileFrame(name: string, file: FrameFile): Frame {
  const common = { name, direction: file.direction, believed: file.believed ?? 'always' }
  if (file.kind === 'byte') {
    return { ...common, kind: 'byte', first: numberOf(parseBytes(file.first!)), last: numberOf(parseBytes(file.last!)) }
  }
  const layout = file.layout!
  return {
    ...common,
    kind: 'fields',
    layout: layout.map(field => compileField(field, layout)),
    restBytesMin: file.restBytesMin ?? 0,
    restBytesMax: file.restBytesMax ?? 0,
  }
}

function compileField(file: FieldFile, layout: FieldFile[]): Field {
  const { name } = file
  const indexOf = (wanted: string | undefined) => layout.findIndex(field => field.name === wanted)
  switch (file.is) {
    case 'constant':
      return { is: 'constant', name, bytes: parseBytes(file.bytes!) }
    case 'length':
      return { is: 'length', name, from: indexOf(file.from), to: indexOf(file.to) }
    case 'repeat':
      return { is: 'repeat', name, of: file.of! }
    case 'value':
      return { is: 'value', name, size: file.size! }
    case 'checksum':
      return { is: 'checksum', name, algorithm: file.algorithm!, from: indexOf(file.from), to: indexOf(file.to) }
    default:
      return { is: file.is, name }
  }
}

function compileEvent(name: string, file: EventFile): EventRule {
  const table = <V>(entries: Record<string, V> = {}) =>
    Object.entries(entries).map(([text, value]) => ({
      bytes: parseBytes(text),
      raw: numberOf(parseBytes(text)),
      value,
    }))
  return {
    name,
    frame: file.frame,
    meaning: file.meaning,
    match: mapValues(file.match ?? {}, (_, text) => parseBytes(text)),
    sizes: file.sizes ?? {},
    gives: file.gives,
    value: { field: file.value?.field ?? BYTE_FIELD, byte: file.value?.byte ?? 'all' },
    keys: table(file.grades).map(({ value, ...entry }) => ({ ...entry, meaning: value })),
    staffKeys: table(file.staffKeys).map(({ value, ...entry }) => ({ ...entry, key: value })),
    codes: table(file.codes).map(({ value, ...entry }) => ({ ...entry, name: value })),
    answer: file.answer ? mapValues(file.answer.replace, (_, text) => parseBytes(text)) : null,
  }
}

function compileCommand(name: string, file: CommandFile): Command {
  return {
    name,
    frame: file.frame,
    meaning: file.meaning,
    fields: mapValues(file.fields, (_, text) => parseTemplate(text)),
    parameters: mapValues(file.parameters ?? {}, compileParameter),
    shows: file.shows ?? {},
    expects: file.expects ? compileExpects(file.expects) : null,
  }
}

function compileExpects(file: ExpectsFile): Expectation {
  return {
    events: file.events ?? [],
    refusals: file.refusals ?? [],
    isEcho: file.echo ?? false,
    withinMs: durationMs(file.within),
    retries: file.retries ?? 0,
    onMissing: file.onMissing ?? 'go-on',
    resultWithinMs: file.result ? durationMs(file.result) : null,
  }
}

function compileParameter(name: string, file: ParameterFile): Parameter {
  return {
    name,
    as: file.as ?? 'number',
    size: file.bytes ?? 1,
    min: file.min,
    max: file.max,
    default: file.default ?? null,
    blank: file.blank ? numberOf(parseBytes(file.blank)) : null,
    meaning: file.meaning,
  }
}

function compileSteps(steps: ProfileFile['intents']['ask']): IntentStep[] {
  return (steps ?? []).map(step => ({
    command: step.send,
    with: step.with ?? {},
    waitAfterMs: durationMs(step.wait ?? '0ms'),
  }))
}

/** The address a profile's pad answers to: the given one, else the site's, else the profile's. */
export function addressOf(profile: Profile, address?: number): number | null {
  return profile.address ? (address ?? profile.overrides.address ?? profile.address.default) : null
}

/** Every raw key value with the name people use for it. */
export function describeKeys(profile: Profile): string[] {
  return profile.events.flatMap(event => event.keys.map(key => `${formatBytes(key.bytes)} ${key.meaning}`))
}

function mapValues<V, R>(
  record: Readonly<Record<string, V>>,
  change: (name: string, value: V) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, change(name, value)]))
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const child of Object.values(value)) deepFreeze(child)
  }
  return value
}
