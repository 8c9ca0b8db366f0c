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
  show(intent: 'ask' | 'thank' | 'idle'): void
}

/** One window's session, key watch and pad condition, joined. */
export interface WindowDesk {
  readonly own: DeskWindow
  readonly runner: SessionRunner
  pressed(grade: Grade): void
  /** A key that means no grade: it still is a finger on the pad. */
  touched(): void
  declined(): void
  /** `reason` says why the line is lost, for the journal and the installer. */
  padChanged(condition: 'ready' | 'lost', reason?: string): void
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
    recordPad(window: string, condition: PadCondition, reason: string | undefined): void
    onChange(): void
    onIgnored(window: string, reason: Ignored): void
    onFatal(error: unknown): void
  },
): WindowDesk {
  const { clock, onFatal } = deps
  let line: 'ready' | 'lost' = 'lost'
  let isStuck = false
  let condition: PadCondition = 'lost'
  let lostReason: string | undefined

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
    onStuck: () => setStuck(true),
    onFree: () => setStuck(false),
  })

  function setStuck(next: boolean) {
    isStuck = next
    settle()
  }

  /** A lost line outweighs a stuck key, which outweighs readiness. */
  function settle() {
    const next = line === 'ready' && isStuck ? 'stuck-key' : line
    if (next === condition) return
    condition = next
    try {
      deps.recordPad(own.window, condition, condition === 'lost' ? lostReason : undefined)
    } catch (error) {
      return onFatal(error)
    }
    feed({ kind: 'pad-changed', condition })
  }

  function feed(input: SessionInput) {
    runner.accept(input).then(({ ignored }) => {
      if (ignored) deps.onIgnored(own.window, ignored)
    }, onFatal)
  }

  return {
    own,
    runner,
    pressed(grade) {
      const { isFresh } = keys.pressed()
      feed({ kind: 'pressed', grade, isFresh })
    },
    touched: () => void keys.pressed(),
    declined: () => feed({ kind: 'declined' }),
    padChanged(next, reason) {
      line = next
      lostReason = next === 'lost' ? reason : undefined
      settle()
    },
    padReason: () => lostReason,
    stop() {
      runner.stop()
      keys.stop()
    },
  }
}
