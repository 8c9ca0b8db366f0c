import Database from 'better-sqlite3'
import { entryHash } from '#protocol/chain.ts'
import { isEqual } from '#protocol/codec.ts'

/**
 * Small pages, because the page is the unit a flash card is charged; a constant, because a store whose header
 * is gone must still be read (scan-cells.ts).
 */
export const PAGE_BYTES = 1024

const VERSION = 1

/** One entry as it is kept. With `previous` beside it each row proves itself, whatever became of the others. */
export interface EntryRow {
  seq: number
  bytes: Uint8Array
  hash: Uint8Array
  previous: Uint8Array
}

export interface StoredHead {
  box: string
  epoch: Uint8Array
  receipted: number
  /** The last entry that was forgotten: what is kept hangs on it. */
  forgotten_seq: number
  forgotten_hash: Uint8Array
  /** JSON of the prompts that had no end when the last of them opened (open-prompts.ts). */
  open_prompts: string
}

const SCHEMA = `
  CREATE TABLE journal (
    id INTEGER PRIMARY KEY CHECK (id = 1), box TEXT NOT NULL, epoch BLOB NOT NULL, receipted INTEGER NOT NULL,
    forgotten_seq INTEGER NOT NULL, forgotten_hash BLOB NOT NULL, open_prompts TEXT NOT NULL) STRICT;
  CREATE TABLE entry (
    seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL, hash BLOB NOT NULL, previous BLOB NOT NULL) STRICT;
  CREATE TABLE mark (seq INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;`

const NOT_DURABLE = 'the database does not report WAL and synchronous=FULL'

/** Entries and head do not fit each other, or the database cannot be read: what is left of it is to be salvaged. */
export class StoreDamaged extends Error {
  override readonly name = 'StoreDamaged'
  readonly code = 'STORE_DAMAGED'
}

/**
 * Opens the store of a journal for its one process, made when missing. Throws `StoreDamaged` where what is there
 * cannot be trusted, and what SQLite says where it cannot be opened at all.
 */
export function openStore(path: string): Database.Database {
  const database = new Database(path, { timeout: 200 })
  try {
    // Exclusive: the lock is held for the life of the process, so a second agent is refused, and no
    // shared-memory file is needed.
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma(`page_size = ${PAGE_BYTES}`)
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('wal_autocheckpoint = 0')
    if (
      database.pragma('journal_mode', { simple: true }) !== 'wal' ||
      database.pragma('synchronous', { simple: true }) !== 2
    ) {
      throw new Error(NOT_DURABLE)
    }
    if (database.pragma('user_version', { simple: true }) !== VERSION) makeStoreTables(database)
    mustBeWhole(database)
    return database
  } catch (error) {
    database.close()
    throw isDamage(error) ? new StoreDamaged((error as Error).message) : error
  }
}

export const isNotDurable = (error: unknown) => (error as Error).message === NOT_DURABLE

export function makeStoreTables(database: Database.Database): void {
  const { tables } = database.prepare('SELECT count(*) AS tables FROM sqlite_master').get() as { tables: number }
  if (tables > 0) throw new StoreDamaged('the store has tables and another version')
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} PRAGMA user_version = ${VERSION}; COMMIT;`)
}

/** Up to this size the whole file is looked through; it takes some ten milliseconds. */
const WHOLE_CHECK_BYTES_MAX = 4 * 1024 * 1024
/** Of a bigger one these newest entries: every other is checked when it is read (`checkLinks`). */
const NEWEST_CHECKED = 64

/** A full look through a journal of ninety days reads tens of megabytes from a card; no start waits for that. */
function mustBeWhole(database: Database.Database): void {
  const pages = database.pragma('page_count', { simple: true }) as number
  if (pages * PAGE_BYTES <= WHOLE_CHECK_BYTES_MAX && database.pragma('quick_check(1)', { simple: true }) !== 'ok') {
    throw new StoreDamaged('quick_check found damage')
  }
  const head = readHead(database)
  const newest = database
    .prepare('SELECT seq, bytes, hash, previous FROM entry ORDER BY seq DESC LIMIT ?')
    .all(NEWEST_CHECKED) as EntryRow[]
  if (!head) {
    if (newest.length > 0) throw new StoreDamaged('entries without a head')
    return
  }
  database.prepare('SELECT seq, at FROM mark').all()
  checkLinks(head, newest.reverse())
  const oldest = database.prepare('SELECT min(seq) AS seq FROM entry').get() as { seq: number | null }
  const last = newest.at(-1)?.seq ?? 0
  if ((oldest.seq ?? 1) !== head.forgotten_seq + 1 || head.receipted > last) {
    throw new StoreDamaged('the head does not fit the entries')
  }
}

export function readHead(database: Database.Database): StoredHead | undefined {
  const head = database.prepare('SELECT * FROM journal').get() as StoredHead | undefined
  if (!head) return undefined
  if (head.epoch.length !== 16 || head.forgotten_hash.length !== 32) throw new StoreDamaged('the head is not a head')
  return head
}

/** Throws `StoreDamaged` unless these entries are what was written, consecutive and linked. */
export function checkLinks(head: Pick<StoredHead, 'box' | 'epoch'>, rows: readonly EntryRow[]): void {
  for (const [i, row] of rows.entries()) {
    const before = rows[i - 1]
    const isLinked = !before || (row.seq === before.seq + 1 && isEqual(row.previous, before.hash))
    if (!isLinked || !isProven(head, row)) throw new StoreDamaged(`entry ${row.seq} is not what was written`)
  }
}

/** Whether a row is what its hash says, of this journal and under this number. */
export function isProven({ box, epoch }: Pick<StoredHead, 'box' | 'epoch'>, row: EntryRow): boolean {
  const { seq, bytes, hash, previous } = row
  return previous.length === 32 && isEqual(hash, entryHash({ box, epoch }, seq, previous, bytes))
}

/** What is wrong with the bytes of a database, as against the disk below it or the program above. */
export function isDamage(error: unknown): boolean {
  if (error instanceof StoreDamaged) return true
  const { code = '' } = error as { code?: string }
  return code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT') || UNREADABLE.includes(code)
}

/** Sectors that the disk no longer gives: no restart mends that. */
const UNREADABLE = ['SQLITE_IOERR_READ', 'SQLITE_IOERR_SHORT_READ', 'SQLITE_IOERR_CORRUPTFS']

/** No room left, as SQLite and as the file system say it. */
export const isFull = (error: unknown) => ['SQLITE_FULL', 'ENOSPC'].includes((error as { code?: string }).code ?? '')
