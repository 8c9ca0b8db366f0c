import type { Kysely } from 'kysely'
import { judgeOrigin } from '#collector/fleet/judge-origin.ts'
import type { EpochRow, Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import type { Entry } from '#protocol/entry.ts'
import type { ProjectedEntry, Touched } from './projected.ts'

/** Follows each box from epoch to epoch, over the entries of one transaction. */
export interface EpochBook {
  note(item: ProjectedEntry): Promise<void>
  save(): Promise<void>
}

export function createEpochBook(trx: Kysely<Tables>, touched: Touched): EpochBook {
  const rows = new Map<string, EpochRow>()
  /** The epoch of each box that began last. */
  const newest = new Map<string, EpochRow | undefined>()

  async function newestOf(box: string): Promise<EpochRow | undefined> {
    if (!newest.has(box)) {
      newest.set(
        box,
        await trx
          .selectFrom('epochs')
          .selectAll()
          .where('box', '=', box)
          .orderBy('position', 'desc')
          .limit(1)
          .executeTakeFirst(),
      )
    }
    return newest.get(box)
  }

  async function begin(item: ProjectedEntry): Promise<EpochRow> {
    const before = await newestOf(item.box)
    // Entries of this transaction may have moved its end, and are not saved yet.
    const known = before && (rows.get(keyOf(before)) ?? before)
    const origin = originOf(item.entry)
    const end = known && { epoch: known.epoch, seq: known.last_seq, hash: known.last_hash }
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
      previous: known?.epoch ?? (missing > 0 ? origin!.epoch! : null),
      origin: verdict,
      missing,
      ended_seq: missing > 0 ? origin!.seq! : null,
    }
    newest.set(item.box, row)
    if (missing > 0) touched.gaps.add(item.box)
    return row
  }

  return {
    async note(item) {
      const key = keyOf(item)
      const row = rows.get(key) ?? (await findEpoch(trx, item)) ?? (await begin(item))
      rows.set(key, row)
      row.last_seq = item.seq
      row.last_hash = item.hash
    },
    async save() {
      for (const row of rows.values()) {
        await trx
          .insertInto('epochs')
          .values(row)
          .onConflict(conflict =>
            conflict.columns(['box', 'epoch']).doUpdateSet({ last_seq: row.last_seq, last_hash: row.last_hash }),
          )
          .execute()
      }
    },
  }
}

/** What an entry says of the epoch before, if it is one that can. */
export function originOf(entry: Entry) {
  return entry.kind === 'boot' ? entry.body.origin : undefined
}

function findEpoch(trx: Kysely<Tables>, { box, epoch }: Pick<EpochRow, 'box' | 'epoch'>) {
  return trx.selectFrom('epochs').selectAll().where('box', '=', box).where('epoch', '=', epoch).executeTakeFirst()
}

const keyOf = ({ box, epoch }: Pick<EpochRow, 'box' | 'epoch'>) => `${box} ${toHex(epoch)}`
