import { joined } from './bytes.ts'
import { createDecoder, type PadEvent } from './decode.ts'
import { createEchoFilter, type EchoOutput } from './echo-filter.ts'
import { encodeCommand } from './encode.ts'
import type { Frame } from './frame.ts'
import { createFramer } from './framer.ts'
import { FRAME_FAULTS, type Match } from './match.ts'
import { numbersInForce } from './parameter.ts'
import { addressOf, type Expectation, type Profile } from './profile.ts'
import type { PadIntent } from './profile-schema.ts'
import type { ParameterValues } from './template.ts'

export type { PadEvent, PadIntent }

/** Why bytes became no event: counted under these names. `filler` and `echo` are no faults. */
export const GARBAGE_REASONS = [...FRAME_FAULTS, 'cut-short', 'filler', 'echo', 'broken-echo', 'unsolicited'] as const
export type GarbageReason = (typeof GARBAGE_REASONS)[number]

export type PadOutput =
  | { kind: 'garbage'; bytes: Uint8Array; reason: GarbageReason }
  | {
      kind: 'frame'
      bytes: Uint8Array
      event: PadEvent
      /** The event of the profile that the frame is; left out where it is none. */
      rule?: string
      answer?: Uint8Array
      completes?: Completion
    }

/** The command that a frame answers: it is no longer waited for. */
export interface Completion {
  command: string
  how: 'answered' | 'refused'
}

/** One write and the time that must pass before the next one. */
export interface CommandStep {
  name: string
  bytes: Uint8Array
  waitAfterMs: number
  /** What the pad answers; null where it answers nothing. */
  expects: Expectation | null
  /** What the command was made of: how long an answer will be can follow from it. */
  values: ParameterValues
}

export interface PadCodec {
  /**
   * Takes bytes as the line brings them and says what they are, in order. An `answer` must be written at
   * once, before any business logic and again for each repeat: a pad that waits for it is deaf meanwhile.
   *
   * `isArmed`: a prompt is open and the last wait of `ask` is over. Only then is a bare byte believed.
   * With `atMonoMs` a frame that takes longer than the profile allows is given up.
   */
  receive(bytes: Uint8Array, isArmed: boolean, atMonoMs?: number): PadOutput[]
  /** To be called when the line was still, in both directions, for `silenceMs`. Ends half frames and forgets echoes. */
  silence(): PadOutput[]
  readonly silenceMs: number
  /** Bytes received that are not yet part of an output. */
  pendingBytes(): number
  /** What to write, in order, for one intent; empty where the pad has nothing for it. */
  command(intent: PadIntent, params?: ParameterValues): CommandStep[]
  /** One command of the profile by its name; more than one step only where a long text is cut. */
  all(name: string, params?: ParameterValues): CommandStep[]
  /** The same for a command that is one step: a poll, a health query. */
  single(name: string, params?: ParameterValues): CommandStep
  /**
   * To be called just before bytes are written, so that their echo is known when it comes. With the step they
   * belong to, its answer is waited for until it comes as `completes`, is `missed`, or another step is sent.
   */
  sent(bytes: Uint8Array, step?: CommandStep): void
  /** The answer did not come in time: one that comes later belongs to nobody. */
  missed(): void
  /** The name of the command whose answer is waited for. */
  waitingFor(): string | null
  /** What a key of this raw value means, for pads that tell where their keys stand. */
  keyEvent(raw: number): PadEvent
}

/** An acknowledgement that nobody waits for: late, or of another host. */
const UNASKED: PadEvent = { kind: 'ignored', meaning: 'unasked-answer' }

/** The bytes of one pad, in both directions. Pure: no time, no line; each opening of a line takes a new one. */
export function createPadCodec(profile: Profile, options: { address?: number } = {}): PadCodec {
  const address = addressOf(profile, options.address)
  const incoming = profile.frames.filter(frame => frame.direction === 'from-pad')
  const decoder = createDecoder(profile, address)
  const { frameMs } = profile.behaviour
  /** Null where nothing is to be told: most chunks are one frame, and an array made with it takes less memory. */
  let outputs: PadOutput[] | null = null
  /** Garbage in more than one piece, to be joined when it is told: joining with each piece costs the square of them. */
  let joins: { output: PadOutput; pieces: Uint8Array[] }[] = []
  let isBelieving = false
  let waiting: CommandStep | null = null
  /** When the first byte of what is pending came. */
  let pendingSinceMonoMs = 0
  const framer = createFramer(
    incoming,
    { frame: frameCut, garbage: put },
    profile.behaviour.filler,
    () => waiting?.values ?? null,
  )
  const echo = createEchoFilter({
    isRemoving: profile.behaviour.echo === 'removed',
    canTrustBytes: incoming.every(hasChecksum),
  })

  function tell(output: PadOutput) {
    if (outputs === null) outputs = [output]
    else outputs.push(output)
  }

  function put(bytes: Uint8Array, reason: GarbageReason) {
    const last = outputs?.at(-1)
    if (last?.kind !== 'garbage' || last.reason !== reason) tell({ kind: 'garbage', bytes, reason })
    else if (joins.at(-1)?.output === last) joins.at(-1)!.pieces.push(bytes)
    else joins.push({ output: last, pieces: [last.bytes, bytes] })
  }

  function frameCut(bytes: Uint8Array, frame: Frame, match: Match) {
    if (frame.believed === 'while-armed' && !isBelieving) return put(bytes, 'unsolicited')
    const { rule, event, answer } = decoder.decode(frame, match)
    const completes = rule ? completionBy(rule.name) : undefined
    if (!completes && rule && frame.believed === 'while-requested') return put(bytes, 'unsolicited')
    if (!rule) return tell({ kind: 'frame', bytes, event })
    const told = !completes && rule.isSolicited ? UNASKED : event
    if (completes) {
      const output: PadOutput = { kind: 'frame', bytes, event: told, rule: rule.name, completes }
      if (answer) output.answer = answer
      return tell(output)
    }
    if (answer) return tell({ kind: 'frame', bytes, event: told, rule: rule.name, answer })
    return tell({ kind: 'frame', bytes, event: told, rule: rule.name })
  }

  function completionBy(event: string): Completion | undefined {
    if (waiting === null) return undefined
    const { name, expects } = waiting
    const isAnswer = expects?.events.includes(event)
    if (!isAnswer && !expects?.refusals.includes(event)) return undefined
    waiting = null
    echo.answered()
    return { command: name, how: isAnswer ? 'answered' : 'refused' }
  }

  function returned(bytes: Uint8Array) {
    if (waiting === null) return tell({ kind: 'frame', bytes, event: UNASKED })
    const completes: Completion = { command: waiting.name, how: 'answered' }
    waiting = null
    return tell({ kind: 'frame', bytes, event: { kind: 'acknowledged' }, completes })
  }

  function take(heard: EchoOutput[]) {
    for (const { kind, bytes } of heard) {
      if (kind === 'bytes') framer.push(bytes)
      else if (kind === 'answer') returned(bytes)
      else put(bytes, kind)
    }
  }

  function taken(): PadOutput[] {
    const all = outputs ?? []
    outputs = null
    if (joins.length > 0) {
      for (const { output, pieces } of joins) output.bytes = joined(pieces)
      joins = []
    }
    return all
  }

  function endPending() {
    // Bytes held for an echo that never came were received before the silence, but nobody vouches for when.
    isBelieving = false
    take(echo.silence())
    framer.silence()
  }

  function stepsOf(name: string, values: ParameterValues, waitAfterMs: number): CommandStep[] {
    const { expects, parameters } = profile.commands[name]!
    const inForce = numbersInForce(parameters, values)
    return encodeCommand(profile, name, values, address).map(bytes => ({
      name,
      bytes,
      waitAfterMs: Math.max(waitAfterMs, profile.behaviour.gapMs),
      expects,
      values: inForce,
    }))
  }

  return {
    receive(bytes, isArmed, atMonoMs) {
      if (atMonoMs !== undefined) {
        if (framer.pendingBytes() > 0 && atMonoMs - pendingSinceMonoMs > frameMs) endPending()
        if (framer.pendingBytes() === 0) pendingSinceMonoMs = atMonoMs
      }
      isBelieving = isArmed
      if (echo.isIdle()) framer.push(bytes)
      else take(echo.receive(bytes))
      // What was pending has moved on, so that what is pending now is younger.
      if (atMonoMs !== undefined && outputs !== null) pendingSinceMonoMs = atMonoMs
      return taken()
    },
    silence() {
      endPending()
      return taken()
    },
    silenceMs: profile.behaviour.silenceMs,
    pendingBytes: () => echo.pendingBytes() + framer.pendingBytes(),
    command: (intent, params = {}) =>
      profile.intents[intent].flatMap(step => stepsOf(step.command, { ...step.with, ...params }, step.waitAfterMs)),
    all: (name, params = {}) => stepsOf(name, params, 0),
    single: (name, params = {}) => stepsOf(name, params, 0)[0]!,
    sent(bytes, step) {
      if (step) waiting = step.expects ? step : null
      echo.sent(bytes, step?.expects?.isEcho ?? false)
    },
    missed() {
      waiting = null
      echo.missed()
    },
    waitingFor: () => waiting?.name ?? null,
    keyEvent: decoder.keyEvent,
  }
}

/** Whether bytes that become this frame prove themselves. */
function hasChecksum(frame: Frame): boolean {
  return frame.kind === 'fields' && frame.layout.fields.some(({ is }) => is === 'checksum')
}
