import { decodeFrame, type PadEvent } from './decode.ts'
import { createEchoFilter, type EchoOutput } from './echo-filter.ts'
import { encodeCommand } from './encode.ts'
import { createFramer, type FramerOutput } from './framer.ts'
import { LAYOUT_FAULTS } from './layout.ts'
import { addressOf, type Expectation, type Profile } from './profile.ts'
import type { PadIntent } from './profile-schema.ts'
import type { ParameterValues } from './template.ts'

export type { PadEvent, PadIntent }

/** Why bytes became no event: counted under these names. */
export const GARBAGE_REASONS = [...LAYOUT_FAULTS, 'cut-short', 'echo', 'broken-echo', 'unsolicited'] as const
export type GarbageReason = (typeof GARBAGE_REASONS)[number]

export type PadOutput =
  | { kind: 'garbage'; bytes: Uint8Array; reason: GarbageReason }
  | { kind: 'frame'; bytes: Uint8Array; event: PadEvent; answer?: Uint8Array; completes?: Completion }

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
}

export interface PadCodec {
  /**
   * Takes bytes as the line brings them and says what they are, in order. An `answer` must be written at
   * once, before any business logic and again for each repeat: a pad that waits for it is deaf meanwhile.
   *
   * `isArmed`: a prompt is open and the last wait of `ask` is over. Only then is a bare byte believed.
   */
  receive(bytes: Uint8Array, isArmed: boolean): PadOutput[]
  /** To be called when the line was still, in both directions, for `silenceMs`. Ends half frames and forgets echoes. */
  silence(): PadOutput[]
  readonly silenceMs: number
  /** Bytes received that are not yet part of an output. */
  pendingBytes(): number
  /** What to write, in order, for one intent; empty where the pad has nothing for it. */
  command(intent: PadIntent, params?: ParameterValues): CommandStep[]
  /** One command of the profile by its name: a poll, a health query. */
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
}

/** The bytes of one pad, in both directions. Pure: no time, no line; each opening of a line takes a new one. */
export function createPadCodec(profile: Profile, options: { address?: number } = {}): PadCodec {
  const address = addressOf(profile, options.address)
  const incoming = profile.frames.filter(frame => frame.direction === 'from-pad')
  const framer = createFramer(incoming)
  const echo = createEchoFilter({
    isRemoving: profile.behaviour.echo === 'removed',
    canTrustBytes: incoming.every(frame => frame.kind === 'fields' && frame.layout.some(({ is }) => is === 'checksum')),
  })

  let waiting: CommandStep | null = null

  function outputOf(output: FramerOutput, isArmed: boolean): PadOutput {
    if (output.kind === 'garbage') return garbage(output.bytes, output.reason)
    if (output.frame.believed === 'while-armed' && !isArmed) return garbage(output.bytes, 'unsolicited')
    const { rule, event, answer } = decodeFrame(profile, output.frame, output.fields, address)
    const completes = completionBy(rule?.name)
    return {
      kind: 'frame',
      bytes: Uint8Array.from(output.bytes),
      event: event.kind === 'acknowledged' && !completes ? UNASKED : event,
      ...(answer && { answer: Uint8Array.from(answer) }),
      ...(completes && { completes }),
    }
  }

  function completionBy(event: string | undefined): Completion | undefined {
    if (waiting === null || event === undefined) return undefined
    const { name, expects } = waiting
    const isAnswer = expects?.events.includes(event)
    if (!isAnswer && !expects?.refusals.includes(event)) return undefined
    waiting = null
    return { command: name, how: isAnswer ? 'answered' : 'refused' }
  }

  function returned(bytes: Uint8Array): PadOutput {
    const event: PadEvent = { kind: 'acknowledged' }
    if (waiting === null) return { kind: 'frame', bytes, event: UNASKED }
    const completes: Completion = { command: waiting.name, how: 'answered' }
    waiting = null
    return { kind: 'frame', bytes, event, completes }
  }

  function stepOf(name: string, params: ParameterValues, waitAfterMs: number): CommandStep {
    return {
      name,
      bytes: Uint8Array.from(encodeCommand(profile, name, params, address)),
      waitAfterMs: Math.max(waitAfterMs, profile.behaviour.gapMs),
      expects: profile.commands[name]!.expects,
    }
  }

  function take(outputs: EchoOutput[], isArmed: boolean): PadOutput[] {
    return outputs.flatMap(output => {
      if (output.kind === 'answer') return [returned(output.bytes)]
      if (output.kind !== 'bytes') return [garbage(output.bytes, output.kind)]
      return framer.push([...output.bytes]).map(framed => outputOf(framed, isArmed))
    })
  }

  return {
    receive: (bytes, isArmed) => merge(take(echo.receive(bytes), isArmed)),
    silence() {
      // Bytes held for an echo that never came were received before the silence, but nobody vouches for when.
      const held = take(echo.silence(), false)
      return merge([...held, ...framer.silence().map(output => outputOf(output, false))])
    },
    silenceMs: profile.behaviour.silenceMs,
    pendingBytes: () => echo.pendingBytes() + framer.pendingBytes(),
    command: (intent, params = {}) =>
      profile.intents[intent].map(step => stepOf(step.command, { ...step.with, ...params }, step.waitAfterMs)),
    single: (name, params = {}) => stepOf(name, params, 0),
    sent(bytes, step) {
      if (step) waiting = step.expects ? step : null
      echo.sent(bytes, step?.expects?.isEcho ?? false)
    },
    missed() {
      waiting = null
      echo.missed()
    },
    waitingFor: () => waiting?.name ?? null,
  }
}

/** An acknowledgement that nobody waits for: late, or of another host. */
const UNASKED: PadEvent = { kind: 'ignored', meaning: 'unasked-answer' }

function garbage(bytes: Iterable<number>, reason: GarbageReason): PadOutput {
  return { kind: 'garbage', bytes: Uint8Array.from(bytes), reason }
}

function merge(outputs: PadOutput[]): PadOutput[] {
  const merged: PadOutput[] = []
  for (const output of outputs) {
    const last = merged.at(-1)
    if (output.kind === 'garbage' && last?.kind === 'garbage' && last.reason === output.reason) {
      last.bytes = Uint8Array.of(...last.bytes, ...output.bytes)
    } else merged.push(output)
  }
  return merged
}
