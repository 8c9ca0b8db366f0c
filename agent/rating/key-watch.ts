import type { Clock } from '#protocol/clock.ts'

/**
 * Tells a finger from a key that bounces, repeats or is stuck. A press is fresh when no press at all,
 * believed or not, came within the hold-off before it; so a key already down when the prompt opens
 * never rates, and many pads without any integrity check need no more defence than this.
 */
export interface KeyWatch {
  /** One key event from the pad, any key. */
  pressed(): { isFresh: boolean }
  stop(): void
}

export function createKeyWatch(deps: {
  clock: Clock
  /** Leading edge is accepted, what follows within this time is the same press. */
  holdOffMs: number
  /** A run of presses this long, without a pause, is a stuck key. */
  stuckMs: number
  onStuck(): void
  /** The stuck key was silent for two seconds. */
  onFree(): void
}): KeyWatch {
  const { clock, holdOffMs, stuckMs } = deps
  let lastMonoMs = Number.NEGATIVE_INFINITY
  let runStartMonoMs = 0
  let isStuck = false
  let cancelFree = () => {}

  return {
    pressed() {
      const nowMonoMs = clock.monoMs()
      const isFresh = nowMonoMs - lastMonoMs >= holdOffMs
      if (isFresh) runStartMonoMs = nowMonoMs
      lastMonoMs = nowMonoMs
      if (!isStuck && nowMonoMs - runStartMonoMs >= stuckMs) {
        isStuck = true
        deps.onStuck()
      }
      if (isStuck) {
        cancelFree()
        cancelFree = clock.after(FREE_AFTER_MS, () => {
          isStuck = false
          deps.onFree()
        })
      }
      return { isFresh }
    },
    stop: () => cancelFree(),
  }
}

const FREE_AFTER_MS = 2000
