import { clerkSteps } from '#agent/pad/clerk-steps.ts'
import type { CommandStep, PadCodec, PadEvent, PadOutput } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { Clock } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'
import { type CommandEnd, type LineCommand, RANKS, type Ticket } from './line-queue.ts'
import { createPadKeys } from './pad-keys.ts'
import { createPadQuery } from './pad-query.ts'

/** What the driver needs from a pad's codec: bytes in, frames and garbage out; an intent in, bytes out. */
export type DriverCodec = Pick<
  PadCodec,
  'receive' | 'silence' | 'silenceMs' | 'command' | 'all' | 'single' | 'sent' | 'missed' | 'keyEvent'
>

/** What the driver needs to know of a profile besides its codec. */
export type DriverProfile = Pick<
  Profile,
  'poll' | 'health' | 'opening' | 'behaviour' | 'events' | 'intents' | 'commands' | 'text'
>

export type ShownIntent = 'ask' | 'thank' | 'idle'

/** Why a pad cannot be used although its line is open. */
export const PAD_FAULTS = ['pad-silent', 'pad-rebooted', 'pad-unsteady', 'pad-not-fitting'] as const
export type PadFault = (typeof PAD_FAULTS)[number]

export interface PadDriver {
  /** The line was opened: initialise the pad, then say it is ready. */
  lineOpened(): void
  lineLost(): void
  bytesArrived(bytes: Uint8Array): void
  /** Bytes that another pad of the line was sent: some lines bring them back. */
  othersSent(bytes: Uint8Array): void
  /**
   * Shows one thing; a newer one replaces what is still waiting to be written. With an ask, `clerk` is who serves:
   * it is shown first, and one shown before is taken away where nobody knows who serves now.
   */
  show(intent: ShownIntent, clerk?: string): void
  /** Whether a press would be believed now, if a prompt is open: the pad has been asked and its waits are over. */
  isListening(): boolean
  stop(): void
}

/** The pad's place on a line that it may share with others. */
export interface PadPort {
  /** Writes when the line is free, and waits for the answer. */
  submit(command: LineCommand): Ticket
  /** Writes now, before anything that waits: a pad that wants an answer is deaf meanwhile. */
  write(bytes: Uint8Array): void
}

/** What comes of driving a pad, of whatever kind. */
export interface PadDriverEvents {
  /** `isProven`: it has answered; else it only is thought to be there, because this model cannot be asked. */
  onReady(isProven: boolean): void
  /** It cannot be used any more, though its line is open; `onReady` comes when it can. */
  onFault(fault: PadFault): void
  /** Once an hour, for a pad that can be asked: it has answered lately, so silence means that nobody came. */
  onAlive(): void
  /** The last wait after an ask is over. */
  onListening(): void
  onEvent(event: PadEvent): void
  /** A key was down at the start or stays down (true), and all are up again (false). */
  onHeld(isHeld: boolean): void
  /** Two keys or more together, or one while another was down. */
  onSeveral(): void
  /** Bytes that became no frame, by reason. */
  onGarbage(reason: string, bytes: Uint8Array): void
  /** Something that is counted, not told. */
  onCounted(name: 'pad-answers-missing' | 'pad-commands-refused' | 'pad-results-missing' | 'pad-reboots'): void
}

const RETRY_MS_MIN = 2_000
/** Somebody switches the pad on and stands before it. */
const RETRY_MS_MAX = 10_000
/** A pad that starts again each time it is set up is set up again at once so often, then with growing waits. */
const RESTARTS_MAX = 3
/** After this time without a fault the next one is a new story. */
const STEADY_MS = 60_000

/**
 * Drives one pad over an open line: answers what must be answered before anything else, sets the pad up, shows
 * what is to be shown, asks polled pads, asks silent pads whether they live, and ends half a frame by silence.
 */
export function createPadDriver(
  deps: PadDriverEvents & {
    clock: Clock
    profile: DriverProfile
    /** Each opening of the line takes a new one: half a frame and an awaited echo do not outlive the line. */
    createCodec(): DriverCodec
    port: PadPort
    /** Whether a prompt is open: pads without framing are believed only then. */
    isArmed(): boolean
  },
): PadDriver {
  const { clock, port, profile } = deps
  let codec = deps.createCodec()
  let state: 'closed' | 'starting' | 'ready' | 'at-fault' = 'closed'
  /** From the ask until its last wait is over: what comes in that time was not an answer to it. */
  let isAsking = false
  /** What was shown last, and its bytes: a pad that already shows it is left in peace, and its voice silent. */
  let shown: { intent: ShownIntent; bytes: string; clerk: string | undefined } | undefined
  /** Whether the pad may show a clerk; a screen keeps its texts when the line is lost. */
  let isClerkShown = false
  /** The command that the pad was sent last and has to answer. */
  let pending: { ticket?: Ticket } = {}
  /** Until when the pad needs its rest after the last command. */
  let restUntilMonoMs = Number.NEGATIVE_INFINITY
  let retryMs = RETRY_MS_MIN
  let restarts = 0
  let readyMonoMs = 0
  let cancelRun = () => {}
  let cancelStart = () => {}
  let cancelSilence = () => {}
  let cancelResult = () => {}

  const query = createPadQuery({
    ...deps,
    send: (command, onEnd) => submit(codec.single(command), RANKS.query, onEnd),
    onSilent: () => fault('pad-silent'),
  })

  const keys = createPadKeys({ ...deps, keyEvent: raw => codec.keyEvent(raw) })

  function submit(step: CommandStep, rank: LineCommand['rank'], onEnd: (how: CommandEnd) => void): Ticket {
    const { expects } = step
    const own: { ticket?: Ticket } = {}
    own.ticket = port.submit({
      rank,
      answer: expects && { withinMs: expects.withinMs, retries: expects.retries },
      write() {
        if (expects) pending = own
        write(step.bytes, step)
        restUntilMonoMs = Math.max(restUntilMonoMs, clock.monoMs() + step.waitAfterMs)
      },
      onMissed() {
        codec.missed()
        if (expects?.onMissing !== 'succeed') deps.onCounted('pad-answers-missing')
      },
      onEnd,
    })
    return own.ticket
  }

  /** Sends one after another, each when the rest after the one before is over; `then` after the last rest. */
  function run(steps: CommandStep[], rank: LineCommand['rank'], then: () => void) {
    const [step, ...others] = steps
    const restMs = restUntilMonoMs - clock.monoMs()
    if (restMs > 0) cancelRun = clock.after(restMs, () => run(steps, rank, then))
    else if (!step) then()
    else {
      let isOver = false
      const ticket = submit(step, rank, how => {
        isOver = true
        if (how === 'missing' && step.expects?.onMissing === 'fault') return fault('pad-silent')
        if (how === 'answered') awaitResult(step)
        run(others, rank, then)
      })
      if (!isOver) cancelRun = ticket.cancel
    }
  }

  function begin(waitMs: number) {
    rest()
    state = 'starting'
    if (waitMs > 0) cancelStart = clock.after(waitMs, setUp)
    else setUp()
  }

  function setUp() {
    query.prove(isProven => {
      const steps = codec.command('initialise')
      // With nothing to send there is nothing to rest from.
      if (steps.length === 0) ready(isProven)
      else run(steps, RANKS.start, () => ready(isProven))
    })
  }

  function ready(isProven: boolean) {
    state = 'ready'
    readyMonoMs = clock.monoMs()
    query.start()
    deps.onReady(isProven)
  }

  function fault(reason: PadFault) {
    const isNew = state !== 'at-fault'
    forgive()
    rest()
    state = 'at-fault'
    if (isNew) deps.onFault(reason)
    cancelStart = clock.after(retryMs, setUp)
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }

  /** It has lost what it was told, and what it shows is not what is asked. */
  function rebooted() {
    if (state === 'closed') return
    deps.onCounted('pad-reboots')
    forgive()
    restarts += 1
    if (restarts > RESTARTS_MAX) return fault('pad-rebooted')
    if (state === 'ready') deps.onFault('pad-rebooted')
    begin(0)
  }

  /** What went wrong before a long time of good work does not count any more. */
  function forgive() {
    if (state !== 'ready' || clock.monoMs() - readyMonoMs < STEADY_MS) return
    retryMs = RETRY_MS_MIN
    restarts = 0
  }

  /** A pad that answers in two stages owes a rating; if none comes in its time, it has stopped asking. */
  function awaitResult({ expects }: CommandStep) {
    cancelResult()
    if (expects?.resultWithinMs == null) return
    cancelResult = clock.after(expects.resultWithinMs, () => {
      deps.onCounted('pad-results-missing')
      askAgain()
    })
  }

  function askAgain() {
    if (state === 'ready' && shown?.intent === 'ask' && deps.isArmed()) show('ask', shown.clerk)
  }

  function whoServes(clerk: string | undefined): CommandStep[] {
    if (clerk === undefined && !isClerkShown) return []
    return clerkSteps(profile, clerk).flatMap(({ command, with: values, waitAfterMs }) =>
      codec.all(command, values).map(step => ({ ...step, waitAfterMs: Math.max(step.waitAfterMs, waitAfterMs) })),
    )
  }

  function show(intent: ShownIntent, clerk?: string) {
    if (state !== 'ready') return
    const steps = [...(intent === 'ask' ? whoServes(clerk) : []), ...codec.command(intent)]
    const bytes = steps.map(step => toHex(step.bytes)).join(' ')
    if (intent === 'idle' && bytes === shown?.bytes) return
    shown = { intent, bytes, clerk }
    isAsking = intent === 'ask'
    isClerkShown ||= clerk !== undefined
    cancelRun()
    cancelResult()
    query.hurry()
    run(steps, RANKS.show, () => {
      if (!isAsking) return
      isAsking = false
      isClerkShown = clerk !== undefined
      deps.onListening()
    })
  }

  function write(bytes: Uint8Array, step?: CommandStep) {
    codec.sent(bytes, step)
    port.write(bytes)
    waitForSilence()
  }

  function take(outputs: PadOutput[]) {
    for (const output of outputs) {
      if (output.kind === 'garbage') deps.onGarbage(output.reason, output.bytes)
      else frameCame(output)
    }
  }

  function frameCame({ event, answer, completes }: Extract<PadOutput, { kind: 'frame' }>) {
    // The pad repeats itself until it hears this, so it comes before any thinking.
    if (answer) write(answer)
    if (completes?.how === 'refused') deps.onCounted('pad-commands-refused')
    if (event.kind === 'ignored' && event.meaning === 'other-address') return deps.onEvent(event)
    query.heard()
    // The answer to a command that starts the pad anew is no surprise.
    if (event.kind === 'ready' && !completes) rebooted()
    if (event.kind === 'key' || event.kind === 'declined') cancelResult()
    const left = keys.take(event)
    if (left) deps.onEvent(left)
    if (event.kind === 'no-rating') askAgain()
    if (completes) pending.ticket?.completed(completes.how)
  }

  function waitForSilence() {
    cancelSilence()
    cancelSilence = clock.after(codec.silenceMs, () => take(codec.silence()))
  }

  /** Stops all that goes on, and forgets what the pad shows. */
  function rest() {
    cancelRun()
    cancelStart()
    cancelResult()
    query.stop()
    keys.reset()
    cancelRun = () => {}
    restUntilMonoMs = Number.NEGATIVE_INFINITY
    isAsking = false
    shown = undefined
  }

  function close() {
    rest()
    cancelSilence()
    state = 'closed'
    retryMs = RETRY_MS_MIN
    restarts = 0
  }

  return {
    lineOpened() {
      close()
      codec = deps.createCodec()
      begin(profile.opening.startUpMs)
    },
    lineLost() {
      close()
      take(codec.silence())
    },
    bytesArrived(bytes) {
      waitForSilence()
      take(codec.receive(bytes, deps.isArmed() && state === 'ready' && !isAsking, clock.monoMs()))
    },
    othersSent(bytes) {
      codec.sent(bytes)
      waitForSilence()
    },
    show,
    isListening: () => state === 'ready' && !isAsking,
    stop: close,
  }
}
