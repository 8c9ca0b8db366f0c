import type { Clock } from '#protocol/clock.ts'
import { maxElapsedMs, minElapsedMs } from '#protocol/drift.ts'
import type { TrueTime } from '#runtime/peer-certificate.ts'

/** The collector's signed word of what time it was, some time between `sinceMonoMs` and when it arrived here. */
export interface TimeWord {
  atWallMs: number
  sinceMonoMs: number
}

/**
 * What time it is at the collector, and how sure that is; a box has no clock of its own to trust. A word that
 * was kept back on its way says less, and never anything wrong; the wall clock has no part in it.
 */
export interface CollectorTime {
  /** A word has arrived, just now. */
  learned(word: TimeWord): void
  /** True time at an instant since the last word; undefined before the first of this run. */
  at(monoMs: number): TrueTime | undefined
  /**
   * The latest it can be now, but for drift since the last word: what is judged by its age must not seem young
   * because somebody kept the time back. Undefined before the first word.
   */
  latestWallMs(): number | undefined
}

/** Both clocks are read in whole milliseconds, rounded down. */
const ROUNDING_MS = 2

/** True time lay between the two when the monotonic clock showed `monoMs`. */
interface Bounds {
  monoMs: number
  lowWallMs: number
  highWallMs: number
}

export function createCollectorTime(clock: Clock): CollectorTime {
  let last: Bounds | undefined

  return {
    learned({ atWallMs, sinceMonoMs }) {
      const monoMs = clock.monoMs()
      const word = {
        monoMs,
        lowWallMs: atWallMs - ROUNDING_MS,
        highWallMs: atWallMs + maxElapsedMs(Math.max(0, monoMs - sinceMonoMs)) + ROUNDING_MS,
      }
      last = last ? narrowed(boundsAt(last, monoMs), word) : word
    },
    at(monoMs) {
      if (!last) return undefined
      const { lowWallMs, highWallMs } = boundsAt(last, monoMs)
      const half = Math.ceil((highWallMs - lowWallMs) / 2)
      return { wallMs: highWallMs - half, errorMs: half }
    },
    latestWallMs: () => last && last.highWallMs + (clock.monoMs() - last.monoMs),
  }
}

/** Each of two true statements narrows the other; where they exclude each other the collector's clock was set. */
function narrowed(before: Bounds, word: Bounds): Bounds {
  const lowWallMs = Math.max(before.lowWallMs, word.lowWallMs)
  const highWallMs = Math.min(before.highWallMs, word.highWallMs)
  return lowWallMs > highWallMs ? word : { monoMs: word.monoMs, lowWallMs, highWallMs }
}

function boundsAt({ monoMs, lowWallMs, highWallMs }: Bounds, atMonoMs: number): Bounds {
  const elapsedMs = Math.max(0, atMonoMs - monoMs)
  return {
    monoMs: atMonoMs,
    lowWallMs: lowWallMs + minElapsedMs(elapsedMs),
    highWallMs: highWallMs + maxElapsedMs(elapsedMs),
  }
}
