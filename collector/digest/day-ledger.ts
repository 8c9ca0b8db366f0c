import { createHash, type Hash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { chinaDay, formatDay } from '#collector/projection/day.ts'
import type { BatchRow, EvidenceRow, Tables } from '#collector/store/tables.ts'
import {
  createLeafMaker,
  createMerkleTree,
  encodeKeptBatch,
  type LeafMaker,
  type MerkleTree,
} from '#protocol/digest.ts'
import type { EntryBody } from '#protocol/entry.ts'
import { findOpenDay } from './find-open-day.ts'

/**
 * What the open day has brought so far, hall by hall. A day ends when something is to be committed on a
 * later one; a clock that goes back changes nothing, the day goes on (docs/protocol.md section 10).
 */
export interface DayLedger {
  /** The digests to write before anything is committed at that time, in the order of the halls' names. */
  due(atWallMs: number): EntryBody<'digest'>[]
  /** Takes in what was committed, in position order. What is due before it must be in it, first. */
  add(batches: readonly BatchRow[], evidence: readonly Leaf[]): void
}

type Leaf = Pick<EvidenceRow, 'seq' | 'hash'>

interface HallDay {
  tree: MerkleTree
  batches: Hash
}

export function createDayLedger(): DayLedger {
  let day = Number.NEGATIVE_INFINITY
  let halls = new Map<string, HallDay>()

  function addBatch(batch: BatchRow, leaves: readonly Leaf[]) {
    const at = chinaDay(batch.received_at)
    if (at > day) {
      day = at
      halls = new Map()
    }
    const hall = halls.get(batch.hall) ?? { tree: createMerkleTree(), batches: createHash('sha256') }
    halls.set(batch.hall, hall)
    hall.batches.update(encodeKeptBatch(batch))
    const leaf: LeafMaker = createLeafMaker(batch.box, batch.epoch)
    for (const { seq, hash } of leaves) hall.tree.add(leaf.leafHash(seq, Buffer.from(hash).toString('latin1')))
  }

  return {
    due(atWallMs) {
      if (chinaDay(atWallMs) <= day) return []
      return [...halls]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([hall, { tree, batches }]) => ({
          hall,
          day: formatDay(day),
          entries: tree.size(),
          root: Buffer.from(tree.root(), 'latin1'),
          batches: batches.copy().digest(),
        }))
    },
    add(batches, evidence) {
      let at = 0
      for (const batch of batches) {
        const count = batch.last_position - batch.first_position + 1
        addBatch(batch, evidence.slice(at, at + count))
        at += count
      }
    },
  }
}

const SLICE_BATCHES = 1000

/** The ledger as a store left it: reads the open day once, in slices. */
export async function loadDayLedger(db: Kysely<Tables>): Promise<DayLedger> {
  const ledger = createDayLedger()
  let from = await findOpenDay(db)
  for (;;) {
    const batches = await db
      .selectFrom('batches')
      .selectAll()
      .where('first_position', '>=', from)
      .orderBy('first_position')
      .limit(SLICE_BATCHES)
      .execute()
    const last = batches.at(-1)
    if (!last) return ledger
    const leaves = await db
      .selectFrom('evidence')
      .select(['seq', 'hash'])
      .where('position', '>=', from)
      .where('position', '<=', last.last_position)
      .orderBy('position')
      .execute()
    ledger.add(batches, leaves)
    from = last.last_position + 1
  }
}
