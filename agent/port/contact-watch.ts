import type { Clock } from '#protocol/clock.ts'

/** Turns what is down now into presses, for pads that tell the state of their keys instead of an event. */
export interface ContactWatch {
  /** The raw values of all keys that are down now; to be called with every report, also one that changed nothing. */
  seen(down: readonly number[]): void
  /** Forgets everything: what is seen next is where the keys stand, and no press. */
  reset(): void
}

/**
 * A press is one single key that goes down while all others are up, seen from a state that was known before.
 * So a key already down at the start never counts, and of two keys together neither does, until all are up.
 */
export function createContactWatch(deps: {
  clock: Clock
  /** The first state counts once it has stood so long: boards report before their pull-ups hold. */
  settleMs: number
  /** A change counts once it has stood so long; contacts bounce. */
  debounceMs: number
  /** A key down for so long is stuck. */
  stuckMs: number
  /** It is known where the keys stand. */
  onSettled(): void
  onPressed(raw: number): void
  /** Two or more keys together. */
  onSeveral(): void
  /** A key was down at the start or stays down (true), and all are up again (false). */
  onHeld(isHeld: boolean): void
}): ContactWatch {
  const { clock } = deps
  /** What is believed; undefined until the first state has settled. */
  let known: readonly number[] | undefined
  let latest: readonly number[] | undefined
  let isHeld = false
  let cancelBelief = () => {}
  let cancelStuck = () => {}

  function believe(down: readonly number[]) {
    const before = known
    known = down
    cancelStuck()
    if (down.length === 0) return allUp(before)
    if (!before) {
      hold()
      return deps.onSettled()
    }
    cancelStuck = clock.after(deps.stuckMs, hold)
    if (!down.some(raw => !before.includes(raw))) return
    if (before.length > 0 || down.length > 1) deps.onSeveral()
    else deps.onPressed(down[0]!)
  }

  function allUp(before: readonly number[] | undefined) {
    if (isHeld) {
      isHeld = false
      deps.onHeld(false)
    }
    if (!before) deps.onSettled()
  }

  function hold() {
    if (isHeld) return
    isHeld = true
    deps.onHeld(true)
  }

  return {
    seen(down) {
      if (latest && isSameSet(latest, down)) return
      latest = [...down]
      cancelBelief()
      if (known && isSameSet(known, down)) return
      const standsMs = known ? deps.debounceMs : deps.settleMs
      if (standsMs === 0) believe(latest)
      else cancelBelief = clock.after(standsMs, () => believe(latest!))
    },
    reset() {
      cancelBelief()
      cancelStuck()
      known = undefined
      latest = undefined
      if (!isHeld) return
      isHeld = false
      deps.onHeld(false)
    },
  }
}

function isSameSet(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every(raw => b.includes(raw))
}
