import Database from 'better-sqlite3'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { migrationProvider } from './migrations.ts'
import type { Tables } from './tables.ts'

/** A store to work something out in: the same schema, without the rules that protect evidence, and not durable. */
export interface ScratchStore {
  db: Kysely<Tables>
  raw: Database.Database
  /** What the schema of a store is, to the letter. */
  schema: SchemaRow[]
  close(): Promise<void>
}

/** One table, index or trigger. */
export interface SchemaRow {
  type: string
  name: string
  tbl_name: string
  sql: string
}

/** Everything of the schema that is not SQLite's own. */
export function readSchema(raw: Database.Database): SchemaRow[] {
  return raw
    .prepare<[], SchemaRow>(
      `select type, name, tbl_name, sql from sqlite_schema where name not like 'sqlite\\_%' escape '\\'`,
    )
    .all()
}

/** Makes one at `path`, or in memory when that is `:memory:`. */
export async function createScratchStore(path: string): Promise<ScratchStore> {
  const raw = new Database(path)
  raw.pragma('journal_mode = memory')
  raw.pragma('synchronous = off')
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: withKeptStatements(raw) }) })
  const { error } = await new Migrator({ db, provider: migrationProvider }).migrateToLatest()
  if (error) throw error
  const schema = readSchema(raw)
  for (const { type, name } of schema) if (type === 'trigger') raw.exec(`drop trigger "${name}"`)
  return { db, raw, schema, close: () => db.destroy() }
}

function withKeptStatements(raw: Database.Database): SqliteDatabase {
  const kept = new Map<string, ReturnType<SqliteDatabase['prepare']>>()
  return {
    close: () => raw.close(),
    prepare(text) {
      const statement = kept.get(text) ?? (raw.prepare(text) as ReturnType<SqliteDatabase['prepare']>)
      kept.set(text, statement)
      return statement
    },
  }
}
