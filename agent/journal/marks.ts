/** By the collector's time `at` (Unix ms) it had committed everything up to `seq`. */
export interface Mark {
  seq: number
  at: number
}

/** Marks are this far apart: four a day, so what is written for them does not count. */
const MARK_MS_MIN = 6 * 3_600_000

/** When what was committed, coarsely, by the collector's signed time: the box's own clock decides nothing. */
export interface Marks {
  /** A receipt said so. Gives the mark to be kept, if it makes one. */
  receipted(seq: number, at: number): Mark | undefined
  /** Up to which number everything was committed at least `ageMs` before the collector was last heard; 0 when nothing. */
  olderThan(ageMs: number): number
  /** Entries up to here are gone, and the marks that speak of nothing else with them. */
  forget(seq: number): void
}

/** `stored`: as kept, oldest first. */
export function createMarks(stored: readonly Mark[]): Marks {
  let marks = [...stored]
  // Not the last mark's: a collector that was ahead once would make everything old at each start.
  let nowAt = 0

  return {
    receipted(seq, at) {
      nowAt = at
      const last = marks.at(-1)
      // A collector whose clock went back, or which comes from a backup, makes none until it is past the last.
      if (last && (at - last.at < MARK_MS_MIN || seq <= last.seq)) return undefined
      const mark = { seq, at }
      marks.push(mark)
      return mark
    },
    olderThan: ageMs => marks.findLast(({ at }) => nowAt - at >= ageMs)?.seq ?? 0,
    forget(seq) {
      marks = marks.filter(mark => mark.seq > seq)
    },
  }
}
