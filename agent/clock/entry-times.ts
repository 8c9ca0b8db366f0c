/**
 * When the newest entries were made. A receipt that names one is younger than it, whoever kept the receipt back
 * or sends it again: before, nobody had that hash to sign.
 */
export interface EntryTimes {
  made(seq: number, monoMs: number): void
  /** No later than the making of the entry; undefined where that is long ago, or before this run. */
  notAfter(seq: number): number | undefined
}

/** More than fit one batch; a receipt for an older entry is not the news that it has to be. */
const KEPT = 512

export function createEntryTimes(): EntryTimes {
  const times = new Map<number, number>()
  return {
    made(seq, monoMs) {
      times.set(seq, monoMs)
      times.delete(seq - KEPT)
    },
    notAfter: seq => times.get(seq),
  }
}
