import { judgeOrigin } from '#collector/fleet/judge-origin.ts'
import type { EpochRow } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import type { Entry } from '#protocol/entry.ts'
import type { ProjectedEntry, Touched } from './projected.ts'

/** Follows each box from epoch to epoch, over the entries of one transaction. */
export interface EpochBook {
  note(item: ProjectedEntry): void
  /** The epochs that are new, or reach further than before. */
  changed(): EpochRow[]
}

/** `known` are all epochs of the boxes whose entries will be noted. */
export function createEpochBook(known: readonly EpochRow[], touched: Touched): EpochBook {
  const rows = new Map<string, EpochRow>()
  /** The epoch of each box that began last. */
  const newest = new Map<string, EpochRow>()
  const changed = new Set<EpochRow>()

  for (const row of known) {
    rows.set(keyOf(row), row)
    if (row.position > (newest.get(row.box)?.position ?? 0)) newest.set(row.box, row)
  }

  function begin(item: ProjectedEntry): EpochRow {
    const before = newest.get(item.box)
    const origin = originOf(item.entry)
    const end = before && { epoch: before.epoch, seq: before.last_seq, hash: before.last_hash }
    const { verdict, missing } = judgeOrigin(origin, end)
    const row: EpochRow = {
      box: item.box,
      epoch: item.epoch,
      position: item.position,
      first_seq: item.seq,
      last_seq: item.seq,
      last_hash: item.hash,
      began_at: item.receivedAtMs,
      reason: origin?.reason ?? null,
      previous: before?.epoch ?? (missing > 0 ? origin!.epoch! : null),
      origin: verdict,
      missing,
      ended_seq: missing > 0 ? origin!.seq! : null,
    }
    rows.set(keyOf(item), row)
    newest.set(item.box, row)
    if (missing > 0) touched.gaps.add(item.box)
    return row
  }

  return {
    note(item) {
      const row = rows.get(keyOf(item)) ?? begin(item)
      row.last_seq = item.seq
      row.last_hash = item.hash
      changed.add(row)
    },
    changed: () => [...changed],
  }
}

/** What an entry says of the epoch before, if it is one that can. */
export function originOf(entry: Entry) {
  return entry.kind === 'boot' ? entry.body.origin : undefined
}

const keyOf = ({ box, epoch }: Pick<EpochRow, 'box' | 'epoch'>) => `${box} ${toHex(epoch)}`
