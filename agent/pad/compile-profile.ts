import { durationMs } from '#runtime/duration.ts'
import { compileBoard } from './board.ts'
import { parseBytes } from './bytes.ts'
import type { CommandFile } from './command-schema.ts'
import { compileFrame } from './compile-frame.ts'
import { compileParameters } from './compile-parameter.ts'
import { compileEvent } from './event-rule.ts'
import type { Behaviour, Capabilities, Command, Expectation, IntentStep, Opening, Profile } from './profile.ts'
import type { ProfileFile } from './profile-schema.ts'
import { ratingKeys } from './rating-keys.ts'
import type { ExpectsFile, LineFile, StepFile } from './run-schema.ts'
import type { Evidence } from './schema-words.ts'
import type { SiteOverrides } from './site-schema.ts'
import { parseTemplate } from './template.ts'
import { variantChain } from './variant.ts'

/**
 * Turns a checked file into a profile. The file must have passed `checkRelations`, and holds what the variant and
 * the site change already.
 */
export function compileProfile(file: ProfileFile, hash: string, overrides: SiteOverrides): Profile {
  const { address, line } = file
  const chain = overrides.variant === undefined ? [] : variantChain(file, overrides.variant)
  const textBytes = overrides.textBytes ?? {}
  return deepFreeze({
    id: file.id,
    version: file.version,
    kind: file.kind ?? 'pad',
    hash,
    title: file.title,
    evidence: file.evidence,
    evidences: evidencesOf(file),
    source: file.source,
    notes: file.notes ?? [],
    variant: overrides.variant ?? null,
    variants: Object.entries(file.variants ?? {}).map(([name, { title }]) => ({ name, title })),
    line: {
      baud: line.baud,
      dataBits: line.dataBits ?? 8,
      parity: line.parity ?? 'none',
      stopBits: line.stopBits ?? 1,
    },
    opening: compileOpening(line),
    usb: (file.port?.usb ?? []).map(({ vendor, product, name }) => ({
      vendor: vendor.toLowerCase(),
      product: product.toLowerCase(),
      name,
    })),
    baudsAllowed: [line.baud, ...(line.baudAlternatives ?? [])],
    address: address ? { default: address.default, min: address.min ?? 0, max: address.max ?? 255 } : null,
    site: file.site ?? [],
    overrides: structuredClone(overrides),
    capabilities: compileCapabilities(file),
    behaviour: compileBehaviour(file.behaviour),
    text: {
      encoding: file.text?.encoding ?? 'ascii',
      replacement: file.text?.replacement ?? '?',
      encodings: file.text ? [file.text.encoding, ...(file.text.encodings ?? [])] : [],
    },
    frames: Object.entries(file.frames).map(([name, frame]) => compileFrame(name, frame, chain)),
    events: Object.entries(file.events).map(([name, event]) => compileEvent(name, event, file.frames[event.frame]!)),
    commands: mapValues(file.commands, (name, command) => compileCommand(name, command, textBytes)),
    intents: {
      initialise: compileSteps(file.intents.initialise),
      ask: compileSteps(file.intents.ask),
      thank: compileSteps(file.intents.thank),
      idle: compileSteps(file.intents.idle),
      clerk: compileSteps(file.intents.clerk),
    },
    ...compileRun(file),
    board: file.board ? compileBoard(file.board) : null,
  })
}

function compileOpening(line: LineFile): Opening {
  return {
    flowControl: line.flowControl ?? 'none',
    dtr: line.dtr ?? 'unchanged',
    rts: line.rts ?? 'unchanged',
    isHungUpOnClose: line.hangUp ?? true,
    startUpMs: durationMs(line.startUp ?? '0ms'),
  }
}

function compileBehaviour(file: ProfileFile['behaviour']): Behaviour {
  const repeats = file.unansweredRepeats
  return {
    silenceMs: durationMs(file.silence),
    frameMs: durationMs(file.frame ?? '2s'),
    gapMs: durationMs(file.gap ?? '0ms'),
    echo: file.echo ?? 'removed',
    filler: file.filler ? parseBytes(file.filler) : [],
    holdOffMs: durationMs(file.holdOff ?? '400ms'),
    stuckAfterMs: durationMs(file.stuckAfter ?? '8s'),
    unansweredRepeats: repeats ? { everyMs: durationMs(repeats.every), times: repeats.times } : null,
    heldRepeatsMs: file.heldRepeats ? durationMs(file.heldRepeats) : null,
  }
}

function compileCapabilities(file: ProfileFile): Capabilities {
  const { capabilities } = file
  return {
    levels: capabilities?.levels ?? ratingKeys(file),
    screen: capabilities?.screen ?? 'none',
    voice: capabilities?.voice ?? 'none',
    brightness: capabilities?.brightness ?? false,
    lamps: capabilities?.lamps ?? false,
    arms: capabilities?.arms ?? false,
    cancels: capabilities?.cancels ?? false,
  }
}

function compileRun({ poll, health }: ProfileFile): Pick<Profile, 'poll' | 'health' | 'healthNone'> {
  return {
    poll: poll
      ? {
          command: poll.send,
          idleMs: durationMs(poll.idle),
          armedMs: durationMs(poll.armed),
          failuresMax: poll.failuresMax ?? 3,
        }
      : null,
    health: health?.send
      ? { command: health.send, everyMs: durationMs(health.every ?? '60s'), failuresMax: health.failuresMax ?? 2 }
      : null,
    healthNone: health?.none ?? null,
  }
}

function compileCommand(name: string, file: CommandFile, textBytes: Readonly<Record<string, number>>): Command {
  return {
    name,
    frame: file.frame,
    meaning: file.meaning,
    fields: mapValues(file.fields, (_, text) => parseTemplate(text)),
    parameters: compileParameters(file, textBytes),
    segments: file.segments ?? null,
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

function compileSteps(steps: StepFile[] | undefined): IntentStep[] {
  return (steps ?? []).map(step => ({
    command: step.send,
    with: step.with ?? {},
    waitAfterMs: durationMs(step.wait ?? '0ms'),
  }))
}

/** Where a statement is known otherwise than the profile as a whole. */
function evidencesOf(file: ProfileFile): { path: string; evidence: Evidence }[] {
  const found: { path: string; evidence: Evidence }[] = []
  const look = (path: string, part: { evidence?: Evidence } | undefined) => {
    if (part?.evidence && part.evidence !== file.evidence) found.push({ path, evidence: part.evidence })
  }
  for (const part of ['line', 'behaviour', 'text'] as const) look(part, file[part])
  for (const part of ['frames', 'events', 'commands', 'variants'] as const) {
    for (const [name, entry] of Object.entries(file[part] ?? {})) look(`${part}.${name}`, entry)
  }
  return found
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
