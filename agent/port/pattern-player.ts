import type { Pattern, PatternStep } from '#agent/pad/board.ts'
import type { Clock } from '#protocol/clock.ts'

export const ALL_DARK: PatternStep = { lamps: [], isBuzzing: false, forMs: null }

/** However a profile is written, a line is not flooded: a step lasts at least this long. */
const STEP_MS_MIN = 50

/** Plays what a board shows, step by step. A new pattern replaces the one before at once. */
export function createPatternPlayer(deps: { clock: Clock; show(step: PatternStep): void }) {
  let cancel = () => {}

  function step(pattern: Pattern, index: number): void {
    const at = pattern.isRepeated ? index % pattern.steps.length : index
    const own = pattern.steps[at] ?? ALL_DARK
    deps.show(own)
    if (own.forMs === null) return
    cancel = deps.clock.after(Math.max(own.forMs, STEP_MS_MIN), () => step(pattern, at + 1))
  }

  return {
    /** Null is darkness. */
    play(pattern: Pattern | null) {
      cancel()
      if (pattern) step(pattern, 0)
      else deps.show(ALL_DARK)
    },
    stop: () => cancel(),
  }
}
