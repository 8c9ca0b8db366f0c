import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { PROJECTION_TABLES, type Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'

/** Every row of every projection in one canonical text, line by line: equal projections give equal lines. */
export async function* dumpProjections(db: Kysely<Tables>): AsyncGenerator<string> {
  for (const [table, order] of Object.entries(PROJECTION_TABLES)) {
    let query = db.selectFrom(table as keyof typeof PROJECTION_TABLES).selectAll()
    for (const column of order) query = query.orderBy(column as never)
    for await (const row of query.stream()) {
      const fields = Object.entries(row).sort(([a], [b]) => (a < b ? -1 : 1))
      yield `${table} ${JSON.stringify(fields, (_, value) => readable(value))}`
    }
  }
}

/** SHA-256 over the canonical text, hex. */
export async function digestProjections(db: Kysely<Tables>): Promise<string> {
  const digest = createHash('sha256')
  for await (const line of dumpProjections(db)) digest.update(`${line}\n`)
  return digest.digest('hex')
}

/** A Buffer reaches a JSON replacer as what its own toJSON made of it. */
function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value)
  const { type, data } = (value ?? {}) as { type?: unknown; data?: unknown }
  return type === 'Buffer' && Array.isArray(data) ? toHex(Uint8Array.from(data as number[])) : value
}
