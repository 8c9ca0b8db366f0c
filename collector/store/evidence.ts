import type { Kysely } from 'kysely'
import { createRowWriter } from './row-statements.ts'
import type { BatchRow, EvidenceRow, Tables } from './tables.ts'

/** Appends rows by multi-row inserts. Call inside the transaction that a receipt will vouch for. */
export interface EvidenceWriter {
  append(trx: Kysely<Tables>, evidence: readonly EvidenceRow[], batches: readonly BatchRow[]): Promise<void>
}

export function createEvidenceWriter(): EvidenceWriter {
  const writeEvidence = createRowWriter<EvidenceRow>((db, rows) => db.insertInto('evidence').values(rows))
  const writeBatches = createRowWriter<BatchRow>((db, rows) => db.insertInto('batches').values(rows))
  return {
    async append(trx, evidence, batches) {
      await writeEvidence(trx, evidence)
      await writeBatches(trx, batches)
    },
  }
}

/** The newest entry of an epoch that is committed. */
export interface ChainHead {
  seq: number
  hash: Uint8Array
}

export function findHead(db: Kysely<Tables>, box: string, epoch: Uint8Array): Promise<ChainHead | undefined> {
  return db
    .selectFrom('evidence')
    .select(['seq', 'hash'])
    .where('box', '=', box)
    .where('epoch', '=', epoch)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst()
}

export async function findHash(
  db: Kysely<Tables>,
  box: string,
  epoch: Uint8Array,
  seq: number,
): Promise<Uint8Array | undefined> {
  const row = await db
    .selectFrom('evidence')
    .select('hash')
    .where('box', '=', box)
    .where('epoch', '=', epoch)
    .where('seq', '=', seq)
    .executeTakeFirst()
  return row?.hash
}

/** How many entries are committed of the numbers `first` to `last`. */
export async function countEntries(
  db: Kysely<Tables>,
  box: string,
  epoch: Uint8Array,
  first: number,
  last: number,
): Promise<number> {
  const row = await db
    .selectFrom('evidence')
    .select(eb => eb.fn.countAll<number>().as('n'))
    .where('box', '=', box)
    .where('epoch', '=', epoch)
    .where('seq', '>=', first)
    .where('seq', '<=', last)
    .executeTakeFirstOrThrow()
  return row.n
}

/** The epoch that reached the store last for this box, and its head. */
export async function findLatest(
  db: Kysely<Tables>,
  box: string,
): Promise<(ChainHead & { epoch: Uint8Array }) | undefined> {
  const batch = await db
    .selectFrom('batches')
    .select('epoch')
    .where('box', '=', box)
    .orderBy('first_position', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (!batch) return undefined
  const head = await findHead(db, box, batch.epoch)
  return head && { ...head, epoch: batch.epoch }
}

export async function lastPosition(db: Kysely<Tables>): Promise<number> {
  const row = await db
    .selectFrom('evidence')
    .select(eb => eb.fn.max('position').as('position'))
    .executeTakeFirst()
  return row?.position ?? 0
}

/** Entries after a position, in order. */
export function readEvidence(db: Kysely<Tables>, after: number, limit: number): Promise<EvidenceRow[]> {
  return db.selectFrom('evidence').selectAll().where('position', '>', after).orderBy('position').limit(limit).execute()
}
