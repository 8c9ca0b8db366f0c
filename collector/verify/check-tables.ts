import { hash } from 'node:crypto'
import type Database from 'better-sqlite3'
import { readSchema, type SchemaRow } from '#collector/store/scratch-store.ts'
import { PROJECTION_TABLES } from '#collector/store/tables.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import { isEqual } from '#protocol/codec.ts'
import type { ComparedTable } from './compare-tables.ts'
import type { VerifyFault } from './fault.ts'
import type { StoreSource } from './store-source.ts'

type Report = (fault: VerifyFault) => void

/** Tables that are looked at by checks of their own. */
const OWN_CHECKS = ['evidence', 'batches', 'projection_cursor']

/** What opening a rating decides; without the opening keys it cannot be derived. */
const OPENED_COLUMNS = ['grade', 'fault', 'tags', 'words']
const OPENING_FAULTS = ['unknown-opening-key', 'does-not-open', 'not-decodable', 'not-valid', 'not-deterministic']

/** Every table that is compared with what was derived. Throws for a table of the schema that nothing would check. */
export function comparedTables(schema: readonly SchemaRow[], isOpened: boolean): ComparedTable[] {
  const projections = Object.entries(PROJECTION_TABLES).map(([table, order]): ComparedTable => {
    if (isOpened || (table !== 'ratings' && table !== 'oddities')) return { table, order }
    if (table === 'ratings') return { table, order, ignored: OPENED_COLUMNS }
    return { table, order, isIgnored: row => OPENING_FAULTS.includes(String(row['code'])) }
  })
  const compared: ComparedTable[] = [
    ...projections,
    { table: 'registrations', order: ['case_number', 'service'] },
    // Its bytes are no evidence; that they are those the entry names, their hash says.
    { table: 'quarantine', order: ['id'], ignored: ['bytes'] },
    // When a migration ran is told by nothing else.
    { table: 'kysely_migration', order: ['name'], ignored: ['timestamp'] },
    { table: 'kysely_migration_lock', order: ['id'] },
  ]
  const checked = new Set([...OWN_CHECKS, ...compared.map(({ table }) => table)])
  const unchecked = schema.filter(({ type, name }) => type === 'table' && !checked.has(name)).map(({ name }) => name)
  if (unchecked.length > 0) throw new Error(`nothing checks these tables: ${unchecked.join(', ')}`)
  return compared
}

/** Tables, indexes and triggers must be those of this program, to the letter: a missing trigger lets rows be changed. */
export function checkSchema(raw: Database.Database, expected: readonly SchemaRow[], report: Report): void {
  const found = new Map(readSchema(raw).map(row => [`${row.type} ${row.name}`, row]))
  for (const row of expected) {
    const key = `${row.type} ${row.name}`
    const have = found.get(key)
    found.delete(key)
    const what = `the ${row.type} ${row.name}`
    if (!have) report({ code: 'schema-differs', table: row.tbl_name, detail: `${what} is missing` })
    else if (have.sql !== row.sql) report({ code: 'schema-differs', table: row.tbl_name, detail: `${what} is another` })
  }
  for (const { type, name, tbl_name } of found.values()) {
    report({ code: 'schema-differs', table: tbl_name, detail: `the ${type} ${name} is not of this program` })
  }
}

/**
 * Up to where the tables follow the evidence. The hash beside the number binds it to that entry; a cursor that
 * was set back with its hash does no harm, the collector goes on from there and changes nothing.
 */
export function checkCursor(source: StoreSource, report: Report): { projectedTo: number; behind: number } {
  const last = source.evidence(1, Number.MAX_SAFE_INTEGER, 1).length === 0 ? 0 : lastEntry(source)
  const rows = source.raw
    .prepare<[], { id: number; position: number; hash: unknown }>('select * from projection_cursor')
    .all()
  const cursor = rows.find(row => row.id === 1)
  const table = 'projection_cursor'
  for (const { id } of rows) {
    if (id !== 1) report({ code: 'row-extra', table, row: id, detail: 'there is one cursor, and it is another' })
  }
  if (!cursor) {
    report({ code: 'row-missing', table, detail: 'there is no cursor' })
    return { projectedTo: last, behind: 0 }
  }
  const [entry] = cursor.position === 0 ? [{ hash: CHAIN_START }] : source.evidence(cursor.position, cursor.position, 1)
  const at = entry?.['hash']
  if (at instanceof Uint8Array && cursor.hash instanceof Uint8Array && isEqual(at, cursor.hash)) {
    return { projectedTo: cursor.position, behind: last - cursor.position }
  }
  const detail = 'its number and its hash do not name one entry'
  report({ code: 'row-differs', table, row: 1, columns: ['position', 'hash'], detail })
  return { projectedTo: last, behind: 0 }
}

function lastEntry(source: StoreSource): number {
  return Number(source.raw.prepare('select max(position) from evidence').pluck().get())
}

/** The bytes set aside must be those that the entries name. */
export function checkQuarantineBytes(raw: Database.Database, report: Report): void {
  const rows = raw.prepare<[], { id: number; bytes: unknown; sha256: unknown }>(
    'select id, bytes, sha256 from quarantine',
  )
  for (const { id, bytes, sha256 } of rows.iterate()) {
    const isSame =
      bytes instanceof Uint8Array && sha256 instanceof Uint8Array && isEqual(hash('sha256', bytes, 'buffer'), sha256)
    const detail = 'the bytes that were set aside are not those of the hash beside them'
    if (!isSame) report({ code: 'row-differs', table: 'quarantine', row: id, position: id, columns: ['bytes'], detail })
  }
}

/** When migrations ran follows from nothing; but it is a time, and they ran one after the other. */
export function checkMigrationTimes(raw: Database.Database, report: Report): void {
  const rows = raw
    .prepare<[], { row: number; timestamp: unknown }>(
      'select rowid as row, timestamp from kysely_migration order by name',
    )
    .all()
  let before = Number.NEGATIVE_INFINITY
  for (const { row, timestamp } of rows) {
    const atMs = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
    const detail = 'no time, or one before that of the migration before it'
    if (!(atMs >= before))
      report({ code: 'row-differs', table: 'kysely_migration', row, columns: ['timestamp'], detail })
    else before = atMs
  }
}
