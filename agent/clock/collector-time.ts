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
  /**
   * True time at an instant since the last word; undefined before the first of this run. It rests on nothing that
   * the collector said before `sinceMonoMs`.
   */
  at(monoMs: number): (TrueTime & { sinceMonoMs: number }) | undefined
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
  /** Since when the collector must have said it. */
  sinceMonoMs: number
}

export function createCollectorTime(clock: Clock): CollectorTime {
  let last: Bounds | undefined

  return {
    learned({ atWallMs, sinceMonoMs }) {
      const monoMs = clock.monoMs()
      const word = {
        monoMs,
        sinceMonoMs,
        lowWallMs: atWallMs - ROUNDING_MS,
        highWallMs: atWallMs + maxElapsedMs(Math.max(0, monoMs - sinceMonoMs)) + ROUNDING_MS,
      }
      last = last ? narrowed(last, word) : word
    },
    at(monoMs) {
      if (!last) return undefined
      const { lowWallMs, highWallMs } = boundsAt(last, monoMs)
      const half = Math.ceil((highWallMs - lowWallMs) / 2)
      return { wallMs: highWallMs - half, errorMs: half, sinceMonoMs: last.sinceMonoMs }
    },
    latestWallMs: () => last && last.highWallMs + (clock.monoMs() - last.monoMs),
  }
}

/**
 * Each of two true statements narrows the other. They exclude each other when the collector's clock was set, or
 * this machine stood still and did not count it: then the later word stands, and no old one shown again.
 */
function narrowed(last: Bounds, word: Bounds): Bounds {
  const before = boundsAt(last, word.monoMs)
  const lowWallMs = Math.max(before.lowWallMs, word.lowWallMs)
  const highWallMs = Math.min(before.highWallMs, word.highWallMs)
  if (lowWallMs > highWallMs) return word.sinceMonoMs < last.sinceMonoMs ? last : word
  const sinceMonoMs = Math.max(last.sinceMonoMs, word.sinceMonoMs)
  // Rounding would make it less sure each time a word that says nothing new is taken in.
  const isNew = lowWallMs > before.lowWallMs || highWallMs < before.highWallMs
  return isNew ? { monoMs: word.monoMs, lowWallMs, highWallMs, sinceMonoMs } : { ...last, sinceMonoMs }
}

function boundsAt({ monoMs, lowWallMs, highWallMs, sinceMonoMs }: Bounds, atMonoMs: number): Bounds {
  const elapsedMs = Math.max(0, atMonoMs - monoMs)
  return {
    monoMs: atMonoMs,
    lowWallMs: lowWallMs + minElapsedMs(elapsedMs),
    highWallMs: highWallMs + maxElapsedMs(elapsedMs),
    sinceMonoMs,
  }
}
