import { maxElapsedMs, minElapsedMs } from '#protocol/drift.ts'
import { type InstantRow, lowAt, type Mark } from './segments.ts'

/** When an entry was made: bounds that contain the truth, and the best guess, which lies between them. Unix ms. */
export interface Instant {
  /** Null where nothing says that it was not earlier. */
  earliest: number | null
  latest: number
  best: number
}

type Timed = Pick<InstantRow, 'mono' | 'until' | 'received' | 'hint'>

interface Back {
  low: number | null
  high: number | null
}

/**
 * When an entry of the stretch that begins at `mark` was made; `next` is where that stretch ends, if it does.
 * Along a chain none of the three ever goes back.
 */
export function instantOf(row: Timed, mark: Mark, next: Mark | undefined): Instant {
  const back = next ? backAt(row.mono, next) : NOTHING
  const until = mark.is_void ? row.received : row.until
  const bounds = boundsOf(lowAt(mark, row.mono), until, back, mark)
  return { ...bounds, best: Math.max(mark.best, guess(row.hint, bounds, isAnchored(mark, next))) }
}

/** The end of a stretch, as the mark after it remembers it. */
export const endOf = (next: Mark): Timed => ({
  mono: next.end_mono!,
  until: next.end_until!,
  received: next.end_received!,
  hint: next.end_hint,
})

/** What the outcome at a mark is, after the entry before it. */
export function settleMark(mark: Mark, before: Instant | undefined, next: Mark | undefined): Instant {
  const back = { low: mark.back_low, high: mark.back_high }
  const bounds = boundsOf(mark.low, mark.high, back, before)
  const best = guess(mark.hint, bounds, isAnchored(mark, next))
  return { ...bounds, best: before ? Math.max(before.best, best) : best }
}

const NOTHING: Back = { low: null, high: null }

/**
 * What the next mark says of an instant before it: at least, and at most, the time that the monotonic clock
 * counted between. Where it did not run on, only that the stretch had ended by then.
 */
export function backAt(mono: number, next: Mark): Back {
  const low = highest(next.own_low, next.back_low)
  const high = lowest(next.own_high, next.back_high)
  const ended = next.is_joined ? next.mono : next.end_mono!
  return {
    low: low === null || !next.is_joined ? null : low - maxElapsedMs(next.mono - mono),
    high: high === null ? null : high - minElapsedMs(ended - mono),
  }
}

/** Never before what came before, and never crossed: where all that is known contradicts itself, late is safe. */
function boundsOf(low: number | null, until: number, back: Back, before: Omit<Instant, 'best'> | undefined) {
  const earliest = highest(highest(low, back.low), before?.earliest ?? null)
  const latest = Math.max(lowest(until, back.high)!, before?.latest ?? Number.NEGATIVE_INFINITY)
  return { earliest, latest: earliest === null ? latest : Math.max(latest, earliest) }
}

/** The trusted wall clock, or the middle, where an anchor makes that good; else late, but not made up. */
function guess(hint: number | null, { earliest, latest }: Omit<Instant, 'best'>, anchored: boolean): number {
  if (hint !== null) return Math.min(latest, Math.max(earliest ?? hint, hint))
  return anchored && earliest !== null ? earliest + Math.floor((latest - earliest) / 2) : latest
}

function isAnchored(mark: Mark, next: Mark | undefined): boolean {
  return mark.is_anchored === 1 || (next?.is_joined === 1 && highest(next.own_low, next.back_low) !== null)
}

function highest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b)
}

function lowest(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b)
}
