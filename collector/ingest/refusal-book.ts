import { hash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Counters } from '#collector/counters.ts'
import { entryTime } from '#collector/entry-time.ts'
import { findQuarantined, quarantinedBody, type Refused } from '#collector/store/quarantine.ts'
import type { QuarantineRow, Tables } from '#collector/store/tables.ts'
import type { Clock } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'
import type { OwnWork } from './work.ts'

/** Refused batches counted in memory; beyond this the oldest counts start anew from the store. */
const COUNTS_MAX = 10_000
/** Entries a box can cause in an hour: what it sends is kept for good, and a broken box sends for ever. */
const ENTRIES_PER_HOUR_MAX = 100
const HOUR_MS = 60 * 60 * 1000

/** Decides which refused batches the collector's chain mentions: the first time, and each time their number has doubled. */
export interface RefusalBook {
  /** Counts a refused batch, and gives the entry to write if it is worth one. */
  note(refused: Refused): Promise<OwnWork | undefined>
  /** What `note` gave could not be written: the next time is worth an entry again. */
  notWritten(refused: Refused): void
  /** How often a batch has come, also when it has come more often than was written down. */
  timesOf(row: Pick<QuarantineRow, 'box' | 'sha256' | 'times'>): number
}

export function createRefusalBook(deps: { db: Kysely<Tables>; clock: Clock; counters: Counters }): RefusalBook {
  const { db, clock, counters } = deps
  const counts = new Map<string, number>()
  const hours = new Map<string, { sinceMonoMs: number; entries: number }>()

  async function countUp(refused: Refused): Promise<number> {
    const sha256 = hash('sha256', refused.bytes, 'buffer')
    const key = keyOf(refused.box, sha256)
    const before = counts.get(key) ?? (await findQuarantined(db, refused.box, sha256))?.times ?? 0
    counts.delete(key)
    counts.set(key, before + 1)
    for (const oldest of counts.keys()) {
      if (counts.size <= COUNTS_MAX) break
      counts.delete(oldest)
    }
    return before + 1
  }

  function isWithinHour(box: string): boolean {
    const nowMonoMs = clock.monoMs()
    const known = hours.get(box)
    const hour = known && nowMonoMs - known.sinceMonoMs < HOUR_MS ? known : { sinceMonoMs: nowMonoMs, entries: 0 }
    hour.entries += 1
    hours.set(box, hour)
    return hour.entries <= ENTRIES_PER_HOUR_MAX
  }

  return {
    async note(refused) {
      const times = await countUp(refused)
      if (!Number.isInteger(Math.log2(times))) return undefined
      if (!isWithinHour(refused.box)) {
        counters.add('batches-dropped', 'quarantine-limit')
        return undefined
      }
      const body = quarantinedBody(refused, times)
      return { entry: { kind: 'quarantined', time: entryTime(clock), body }, keeps: refused.bytes }
    },
    notWritten({ box, bytes }) {
      const key = keyOf(box, hash('sha256', bytes, 'buffer'))
      counts.set(key, (counts.get(key) ?? 1) - 1)
    },
    timesOf: ({ box, sha256, times }) => Math.max(times, counts.get(keyOf(box, sha256)) ?? 0),
  }
}

const keyOf = (box: string, sha256: Uint8Array) => `${box} ${toHex(sha256)}`
