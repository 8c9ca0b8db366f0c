import type { Counters } from '#collector/counters.ts'
import type { Clock } from '#protocol/clock.ts'
import type { EntryBody } from '#protocol/entry.ts'

/** Keeps that somebody tried to change what is fixed. */
export interface RefusedAttempts {
  note(attempt: EntryBody<'refused'>): void
}

/** One entry an hour for the same attempt of the same one: who tries for ever must not fill the chain. */
const AGAIN_MS_MIN = 60 * 60 * 1000
const KEPT_MAX = 1000

/** Counts every attempt, and writes the first of its kind in an hour to the collector's own chain. */
export function createRefusedAttempts(deps: {
  clock: Clock
  counters: Counters
  write(attempt: EntryBody<'refused'>): void
}): RefusedAttempts {
  const written = new Map<string, number>()

  return {
    note(attempt) {
      const { what, by, code } = attempt
      deps.counters.add('attempts-refused', what)
      const key = JSON.stringify([what, by, code])
      const nowMonoMs = deps.clock.monoMs()
      const last = written.get(key)
      if (last !== undefined && nowMonoMs - last < AGAIN_MS_MIN) return
      if (last === undefined && written.size >= KEPT_MAX) written.delete(written.keys().next().value!)
      written.set(key, nowMonoMs)
      deps.write(attempt)
    },
  }
}
