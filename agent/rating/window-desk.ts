import type { Clock } from '#protocol/clock.ts'
import type { Grade } from '#protocol/grades.ts'
import type { Sealer } from '#protocol/sealing.ts'
import { createKeyWatch } from './key-watch.ts'
import { createSessionRunner, type SessionJournal, type SessionRunner } from './runner.ts'
import type { Ignored, PadCondition, SessionInput, SessionRules } from './session.ts'

/** One window of this box and the pad that belongs to it. */
export interface DeskWindow {
  window: string
  /** Profile id, for display. */
  profile: string
  holdOffMs: number
  stuckMs: number
  /** Why this window cannot work until its configuration is changed, as `profile-not-valid`. */
  fault?: string
  /** `clerk`: who serves, to be shown before the question; left out where nobody knows. */
  show(intent: 'ask' | 'thank' | 'idle', clerk?: string): void
}

/** One window's session, key watch and pad condition, joined. */
export interface WindowDesk {
  readonly own: DeskWindow
  readonly runner: SessionRunner
  /** Opens a prompt. What was pressed before the pad asked is no answer to it, also when it is read later. */
  prompted(input: Extract<SessionInput, { kind: 'prompted' }>): Promise<void>
  pressed(grade: Grade): void
  /** A key that means no grade: it still is a finger on the pad. */
  touched(): void
  declined(): void
  /** A key was down at the start or stays down, from a pad that can tell; false when all are up. */
  held(isHeld: boolean): void
  /** `reason` says why the line is lost, or how it is known that the pad is there, for the journal and the installer. */
  padChanged(condition: 'ready' | 'lost', reason?: string): void
  /** The pad has answered, though nobody presses it: the journal explains the silence. */
  padAlive(): void
  /** Why the pad cannot ask; undefined when it can, or when nothing was said. */
  padReason(): string | undefined
  stop(): void
}

export function createWindowDesk(
  own: DeskWindow,
  deps: {
    clock: Clock
    journal: SessionJournal
    sealer: Sealer
    box: string
    rules: SessionRules
    linesRead?(): Promise<void>
    recordPad(window: string, state: PadCondition | 'self-test', reason: string | undefined): void
    onChange(): void
    onIgnored(window: string, reason: Ignored): void
    onFatal(error: unknown): void
  },
): WindowDesk {
  const { clock, onFatal } = deps
  let line: 'ready' | 'lost' | 'out-of-service' = own.fault ? 'out-of-service' : 'lost'
  let isOpening = false
  let isRepeating = false
  let isHeld = false
  let condition: PadCondition = 'lost'
  let reason: string | undefined = own.fault
  /** A pad that was never there leaves a word in the journal too. */
  let isRecorded = false

  const runner = createSessionRunner({
    ...deps,
    provenance: 'pad',
    show: own.show,
    onFailure: onFatal,
  })
  const keys = createKeyWatch({
    clock,
    holdOffMs: own.holdOffMs,
    stuckMs: own.stuckMs,
    onStuck: () => setRepeating(true),
    onFree: () => setRepeating(false),
  })

  function setRepeating(next: boolean) {
    isRepeating = next
    settle()
  }

  /** A lost line outweighs a stuck key, which outweighs readiness. */
  function settle() {
    const next = line === 'ready' && (isRepeating || isHeld) ? 'stuck-key' : line
    if (next === condition && (isRecorded || reason === undefined)) return
    condition = next
    isRecorded = true
    if (record(condition, condition === 'stuck-key' ? undefined : reason)) feed({ kind: 'pad-changed', condition })
  }

  function record(state: PadCondition | 'self-test', why: string | undefined): boolean {
    try {
      deps.recordPad(own.window, state, why)
      return true
    } catch (error) {
      onFatal(error)
      return false
    }
  }

  function feed(input: SessionInput) {
    runner.accept(input).then(({ ignored }) => {
      if (ignored) deps.onIgnored(own.window, ignored)
    }, onFatal)
  }

  if (own.fault) settle()

  return {
    own,
    runner,
    async prompted(input) {
      isOpening = true
      try {
        await runner.accept(input)
        await deps.linesRead?.()
      } finally {
        isOpening = false
      }
    },
    pressed(grade) {
      const { isFresh } = keys.pressed()
      if (isOpening) return deps.onIgnored(own.window, 'press-without-prompt')
      feed({ kind: 'pressed', grade, isFresh })
    },
    touched: () => void keys.pressed(),
    declined() {
      if (isOpening) return deps.onIgnored(own.window, 'decline-without-prompt')
      feed({ kind: 'declined' })
    },
    held(next) {
      isHeld = next
      settle()
    },
    padChanged(next, why) {
      line = next
      reason = why
      settle()
    },
    padAlive: () => void record('self-test', 'answered'),
    padReason: () => (line === 'ready' ? undefined : reason),
    stop() {
      runner.stop()
      keys.stop()
    },
  }
}
