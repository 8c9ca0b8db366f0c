import { hash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { QuarantineView } from '#collector/schemas.ts'
import { toHex } from '#protocol/codec.ts'
import type { EntryBody } from '#protocol/entry.ts'
import { oneLine } from '#protocol/schema-errors.ts'
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

/** What the collector's chain says of a refused batch that has come `times` times. */
export function quarantinedBody({ box, code, detail, bytes }: Refused, times: number): EntryBody<'quarantined'> {
  const sha256 = hash('sha256', bytes, 'buffer')
  // The text is cut to what an entry may hold; one character is the mark of the cut.
  return { box, sha256, code, detail: oneLine(detail, 299), size: bytes.length, times }
}

/** A `quarantined` entry and its place; the bytes where they are at hand. */
export interface KeptRefusal {
  position: number
  atWallMs: number
  body: EntryBody<'quarantined'>
  bytes: Uint8Array
}

/**
 * Puts a refused batch aside as its entry says, the newest pushing out the oldest; one that is there
 * already is only counted. From the entries alone follows every row but its bytes, and for these the hash.
 */
export async function keepRefused(
  trx: Kysely<Tables>,
  { position, atWallMs, body, bytes }: KeptRefusal,
  limits: QuarantineLimits = QUARANTINE_LIMITS,
): Promise<void> {
  const { box, sha256, code, detail, size, times } = body
  const known = await findQuarantined(trx, box, sha256)
  if (known) {
    const changes = { code, detail, last_at: atWallMs, times }
    await trx.updateTable('quarantine').set(changes).where('id', '=', known.id).execute()
    return
  }
  const row = { id: position, box, code, detail, sha256, bytes, size, first_at: atWallMs, last_at: atWallMs, times }
  await trx.insertInto('quarantine').values(row).execute()
  await makeRoom(trx, limits)
}

export function findQuarantined(
  db: Kysely<Tables>,
  box: string,
  sha256: Uint8Array,
): Promise<QuarantineRow | undefined> {
  return db.selectFrom('quarantine').selectAll().where('box', '=', box).where('sha256', '=', sha256).executeTakeFirst()
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
    .select(['id', 'box', 'code', 'detail', 'sha256', 'size', 'first_at', 'last_at', 'times'])
    .orderBy('last_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute()
}

/** As it is shown; the bytes stay in the store. */
export function viewQuarantine(row: Omit<QuarantineRow, 'bytes'>): QuarantineView {
  const { id, box, code, detail, sha256, size, first_at, last_at, times } = row
  return { id, box, code, detail, sha256: toHex(sha256), bytes: size, firstAtMs: first_at, lastAtMs: last_at, times }
}
