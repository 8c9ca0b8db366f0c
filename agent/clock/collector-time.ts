import type { Clock } from '#protocol/clock.ts'

/** What time it is at the collector, by its signed receipts; a box has no clock of its own to trust. */
export interface CollectorTime {
  /** A receipt for an entry of this run said: at the collector it is `atWallMs`. */
  learned(atWallMs: number): void
  /** The collector's time now, to within what its last word was on its way; undefined before the first. */
  nowWallMs(): number | undefined
}

export function createCollectorTime(clock: Clock): CollectorTime {
  let last: { wallMs: number; monoMs: number } | undefined
  return {
    learned(atWallMs) {
      last = { wallMs: atWallMs, monoMs: clock.monoMs() }
    },
    nowWallMs: () => last && last.wallMs + (clock.monoMs() - last.monoMs),
  }
}
