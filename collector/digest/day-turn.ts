import { chinaDay, dayStartWallMs } from '#collector/projection/day.ts'
import type { Clock } from '#protocol/clock.ts'

/** The wall clock may be set while we wait: it is looked at again at least this often. */
const LOOK_MS_MAX = 10 * 60 * 1000

/** Calls `turn` at once and at every change of day, and in between, for a turn that could not be made. */
export function createDayTurn(deps: { clock: Clock; turn(): void }): { stop(): void } {
  const { clock } = deps
  let cancel = () => {}

  function look() {
    deps.turn()
    const nowWallMs = clock.wallMs()
    const untilMidnightMs = dayStartWallMs(chinaDay(nowWallMs) + 1) - nowWallMs
    cancel = clock.after(Math.min(untilMidnightMs, LOOK_MS_MAX), look)
  }

  look()
  return { stop: () => cancel() }
}
