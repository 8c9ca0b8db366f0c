import type { Clock } from '#protocol/clock.ts'
import type { EntryTime } from '#protocol/entry.ts'

/** The time of an entry of the collector's own chain. */
export function entryTime(clock: Clock): EntryTime {
  return { boot: clock.boot, mono: clock.monoMs(), wall: clock.wallMs(), synced: clock.isSynced() }
}
