import type Database from 'better-sqlite3'
import { toHex } from '#protocol/codec.ts'
import type { RawRow } from './batch-item.ts'
import type { VerifyFault } from './fault.ts'

/** A table that must be, row by row, what was derived. */
export interface ComparedTable {
  table: string
  /** The columns that name a row. */
  order: readonly string[]
  /** Columns that are not compared here. */
  ignored?: readonly string[]
  /** Rows of the store that are passed over. */
  isIgnored?(row: RawRow): boolean
}

/** Compares two tables in the order of their keys, reading both once and holding one row of each. */
export function compareTable(
  { table, order, ignored = [], isIgnored = () => false }: ComparedTable,
  stores: { stored: Database.Database; derived: Database.Database },
  report: (fault: VerifyFault) => void,
): void {
  const text = `select rowid as "rowid", * from "${table}" order by ${order.map(column => `"${column}"`).join(', ')}`
  const stored = rowsOf(stores.stored, text, isIgnored)
  const derived = rowsOf(stores.derived, text, () => false)
  let [have, want] = [stored.next(), derived.next()]
  while (!have.done || !want.done) {
    const side = have.done ? 1 : want.done ? -1 : compareKeys(have.value, want.value, order)
    if (side < 0) {
      report({ code: 'row-extra', table, ...placeIn(have.value!, true), detail: 'a row that no entry gives' })
    } else if (side > 0) {
      report({
        code: 'row-missing',
        table,
        ...placeIn(want.value!, false),
        detail: 'a row that the entries give is not there',
      })
    } else {
      const columns = differing(have.value!, want.value!, ignored)
      const detail = 'not what the entries give'
      if (columns.length > 0) report({ code: 'row-differs', table, ...placeIn(have.value!, true), columns, detail })
    }
    if (side <= 0) have = stored.next()
    if (side >= 0) want = derived.next()
  }
}

function* rowsOf(
  raw: Database.Database,
  text: string,
  isIgnored: (row: RawRow) => boolean,
): Generator<RawRow, undefined> {
  for (const row of raw.prepare<[], RawRow>(text).iterate()) if (!isIgnored(row)) yield row
  return undefined
}

function differing(have: RawRow, want: RawRow, ignored: readonly string[]): string[] {
  return Object.keys(want).filter(
    column => column !== 'rowid' && !ignored.includes(column) && compareValues(have[column], want[column]) !== 0,
  )
}

/** What names the row to a person who looks for it, and the entry it comes from. Never what it says. */
function placeIn(row: RawRow, isStored: boolean) {
  const { rowid, position, box, epoch, seq } = row
  return {
    ...(isStored ? { row: Number(rowid) } : {}),
    ...(typeof position === 'number' ? { position } : {}),
    ...(typeof box === 'string' ? { box } : {}),
    ...(epoch instanceof Uint8Array ? { epoch: toHex(epoch) } : {}),
    ...(typeof seq === 'number' ? { seq } : {}),
  }
}

function compareKeys(have: RawRow, want: RawRow, order: readonly string[]): number {
  for (const column of order) {
    const side = compareValues(have[column], want[column])
    if (side !== 0) return side
  }
  return 0
}

/** The order of SQLite: nothing, numbers, text by its bytes, bytes. */
function compareValues(a: unknown, b: unknown): number {
  const [classA, classB] = [classOf(a), classOf(b)]
  if (classA !== classB) return classA - classB
  if (classA === 1) return Number(a) - Number(b)
  return classA === 0 ? 0 : Buffer.compare(toBuffer(a), toBuffer(b))
}

function classOf(value: unknown): 0 | 1 | 2 | 3 {
  if (value === null || value === undefined) return 0
  if (typeof value === 'number' || typeof value === 'bigint') return 1
  return typeof value === 'string' ? 2 : 3
}

const toBuffer = (value: unknown) => (typeof value === 'string' ? Buffer.from(value) : Buffer.from(value as Uint8Array))
