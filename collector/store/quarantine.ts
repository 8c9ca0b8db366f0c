import { hash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { QuarantineView } from '#collector/schemas.ts'
import type { QuarantineRow, Tables } from './tables.ts'

/** A refused batch with its reason. `box` is the one the topic names, which the broker has checked. */
export interface Refused {
  box: string
  code: string
  detail: string
  bytes: Uint8Array
}

export interface QuarantineLimits {
  rowsMax: number
  bytesMax: number
}

export const QUARANTINE_LIMITS: QuarantineLimits = { rowsMax: 1000, bytesMax: 64 * 1024 * 1024 }

/**
 * Keeps a refused batch, the newest pushing out the oldest. A box that sends the same batch again is
 * counted on the row it already has, or it would push out everybody else's.
 */
export async function quarantine(
  db: Kysely<Tables>,
  refused: Refused,
  atWallMs: number,
  limits: QuarantineLimits = QUARANTINE_LIMITS,
): Promise<QuarantineRow> {
  return await db.transaction().execute(async trx => {
    const { box, code, detail, bytes } = refused
    const sha256 = hash('sha256', bytes, 'buffer')
    const row = await trx
      .insertInto('quarantine')
      .values({
        id: await nextId(trx),
        box,
        code,
        detail,
        sha256,
        bytes,
        size: bytes.length,
        first_at: atWallMs,
        last_at: atWallMs,
        times: 1,
      })
      .onConflict(conflict =>
        conflict
          .columns(['box', 'sha256'])
          .doUpdateSet(eb => ({ code, detail, last_at: atWallMs, times: eb('quarantine.times', '+', 1) })),
      )
      .returningAll()
      .executeTakeFirstOrThrow()
    if (row.times === 1) await makeRoom(trx, limits)
    return row
  })
}

async function nextId(trx: Kysely<Tables>): Promise<number> {
  const row = await trx
    .selectFrom('quarantine')
    .select(eb => eb.fn.max('id').as('id'))
    .executeTakeFirst()
  return (row?.id ?? 0) + 1
}

async function makeRoom(trx: Kysely<Tables>, limits: QuarantineLimits) {
  const rows = await trx.selectFrom('quarantine').select(['id', 'size']).orderBy('id', 'desc').execute()
  let bytes = 0
  const firstTooOld = rows.find((row, i) => {
    bytes += row.size
    return i >= limits.rowsMax || (i > 0 && bytes > limits.bytesMax)
  })
  if (firstTooOld) await trx.deleteFrom('quarantine').where('id', '<=', firstTooOld.id).execute()
}

export function listQuarantine(db: Kysely<Tables>, limit: number) {
  return db
    .selectFrom('quarantine')
    .select(['id', 'box', 'code', 'detail', 'size', 'first_at', 'last_at', 'times'])
    .orderBy('last_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** As it is shown; the bytes stay in the store. */
export function viewQuarantine(row: Omit<QuarantineRow, 'bytes' | 'sha256'>): QuarantineView {
  const { id, box, code, detail, size, first_at, last_at, times } = row
  return { id, box, code, detail, bytes: size, firstAtMs: first_at, lastAtMs: last_at, times }
}
