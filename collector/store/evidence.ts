import type { CompiledQuery, Kysely } from 'kysely'
import type { BatchRow, EvidenceRow, Tables } from './tables.ts'

const EVIDENCE_COLUMNS = ['position', 'box', 'epoch', 'seq', 'hash', 'bytes', 'received_at'] as const
const BATCH_COLUMNS = [
  'first_position',
  'last_position',
  'box',
  'epoch',
  'first_seq',
  'last_seq',
  'previous',
  'signature',
  'received_at',
  'hall',
  'receipt',
] as const

/** Few sizes, so that few statements stay prepared; 500 rows take eight of them. */
const CHUNK_ROWS = [256, 64, 16, 4, 1]

/** Appends rows by multi-row inserts. Call inside the transaction that a receipt will vouch for. */
export interface EvidenceWriter {
  append(trx: Kysely<Tables>, evidence: readonly EvidenceRow[], batches: readonly BatchRow[]): Promise<void>
}

export function createEvidenceWriter(): EvidenceWriter {
  const templates = new Map<string, CompiledQuery>()

  async function insert<T extends 'evidence' | 'batches'>(
    trx: Kysely<Tables>,
    table: T,
    columns: readonly (keyof Tables[T] & string)[],
    rows: readonly Tables[T][],
  ) {
    let at = 0
    for (const size of CHUNK_ROWS) {
      while (rows.length - at >= size) {
        const chunk = rows.slice(at, at + size)
        at += size
        await trx.executeQuery({
          ...templateOf(trx, table, columns, size),
          parameters: chunk.flatMap(row => columns.map(column => row[column])),
        })
      }
    }
  }

  /** The query builder's text for `size` rows, made once: building it costs more than running it. */
  function templateOf(trx: Kysely<Tables>, table: 'evidence' | 'batches', columns: readonly string[], size: number) {
    const key = `${table} ${size}`
    const known = templates.get(key)
    if (known) return known
    const row = Object.fromEntries(columns.map(column => [column, 0]))
    const made = trx
      .insertInto(table)
      .values(Array.from({ length: size }, () => row) as never)
      .compile()
    templates.set(key, made)
    return made
  }

  return {
    async append(trx, evidence, batches) {
      await insert(trx, 'evidence', EVIDENCE_COLUMNS, evidence)
      await insert(trx, 'batches', BATCH_COLUMNS, batches)
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
