import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { Kysely, type SqliteDatabase, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { fail, ok, type Result } from '#protocol/result.ts'
import { type GuardListener, guarded } from './guarded-statements.ts'
import { migrationProvider } from './migrations.ts'
import type { Tables } from './tables.ts'

export interface Store {
  db: Kysely<Tables>
  /** Calls back for every change that the store's own rules refused, also for those that were before. */
  onGuarded(listener: GuardListener): void
  close(): Promise<void>
}

/** Statements kept prepared; beyond this the cache starts anew. */
const STATEMENTS_MAX = 200

/**
 * Opens the store for one collector, up to date and durable: on return `synchronous=FULL` has been read back.
 * Refuses a store that another process has open for writing, or whose schema is newer than this program.
 */
export async function openStore(path: string, options: { pagesMax?: number } = {}): Promise<Result<Store>> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const lock = takeLock(`${path}.lock`)
  if (!lock) return fail('store-in-use', `${path} is open in another process; one collector writes to one store`)
  const raw = new Database(path)
  raw.pragma('journal_mode = WAL')
  raw.pragma('synchronous = FULL')
  raw.pragma('foreign_keys = ON')
  // Without it INSERT OR REPLACE would delete a row past the append-only triggers.
  raw.pragma('recursive_triggers = ON')
  if (options.pagesMax) raw.pragma(`max_page_count = ${options.pagesMax}`)
  assertDurable(raw)
  const guard = createGuardBell()
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: withKeptStatements(raw, guard.ring) }) })
  const close = async () => {
    await db.destroy()
    lock.close()
  }
  const { error } = await new Migrator({ db, provider: migrationProvider }).migrateToLatest()
  if (!error) return ok({ db, onGuarded: guard.onGuarded, close })
  await close()
  return fail('store-not-usable', `${path} does not have the schema this program knows: ${(error as Error).message}`)
}

/** Throws unless a commit means what a receipt says. */
function assertDurable(raw: Database.Database) {
  const synchronous = raw.pragma('synchronous', { simple: true })
  const journal = raw.pragma('journal_mode', { simple: true })
  if (synchronous !== 2 || journal !== 'wal') {
    throw new Error(`the store is not durable: synchronous=${synchronous}, journal_mode=${journal}`)
  }
}

/** A lock that dies with its process: an open write transaction on a file of its own. */
function takeLock(path: string): Database.Database | undefined {
  const lock = new Database(path, { timeout: 0 })
  try {
    lock.exec('begin exclusive')
    return lock
  } catch (error) {
    lock.close()
    if (isSqliteError(error, ['SQLITE_BUSY'])) return undefined
    throw error
  }
}

/** Refusals before anybody listens, as many as a migration gone wrong may cause. */
const UNHEARD_MAX = 20

function createGuardBell() {
  const listeners: GuardListener[] = []
  const unheard: string[] = []
  return {
    ring(what: string) {
      for (const listener of listeners) listener(what)
      if (listeners.length === 0 && unheard.length < UNHEARD_MAX) unheard.push(what)
    },
    onGuarded(listener: GuardListener) {
      listeners.push(listener)
      for (const what of unheard.splice(0)) listener(what)
    },
  }
}

/** Kysely prepares each statement anew; here a text is prepared once and kept for the life of the process. */
function withKeptStatements(raw: Database.Database, onGuarded: GuardListener): SqliteDatabase {
  const kept = new Map<string, ReturnType<typeof guarded>>()
  return {
    close: () => raw.close(),
    prepare(sql) {
      // SQLite has already rolled back when the disk is full; a second rollback would hide the reason.
      if (sql === 'rollback' && !raw.inTransaction) return NOTHING_TO_ROLL_BACK
      const known = kept.get(sql)
      if (known) return known
      if (kept.size >= STATEMENTS_MAX) kept.clear()
      const statement = guarded(raw.prepare<unknown[]>(sql), onGuarded)
      kept.set(sql, statement)
      return statement
    },
  }
}

const NOTHING_TO_ROLL_BACK: ReturnType<SqliteDatabase['prepare']> = {
  reader: false,
  all: () => [],
  run: () => ({ changes: 0, lastInsertRowid: 0 }),
  iterate: () => [][Symbol.iterator](),
}

/** What the world does to a store: no room, a failing disk, a file made read-only. Anything else is our own bug. */
const REFUSALS = ['SQLITE_FULL', 'SQLITE_IOERR', 'SQLITE_BUSY', 'SQLITE_READONLY', 'SQLITE_CANTOPEN']

/** The code with which the store refused to write; undefined when the error is no such refusal. */
export function storeRefusal(error: unknown): string | undefined {
  return isSqliteError(error, REFUSALS) ? (error as { code: string }).code : undefined
}

function isSqliteError(error: unknown, codes: readonly string[]): boolean {
  return error instanceof Database.SqliteError && codes.some(code => error.code.startsWith(code))
}
