import { existsSync, mkdirSync, renameSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { BATCH_BYTES_MAX } from '#protocol/batch.ts'
import { CHAIN_START, entryHash } from '#protocol/chain.ts'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { isEqual, toHex } from '#protocol/codec.ts'
import {
  decodeEntry,
  type Entry,
  type EntryBody,
  type EntryKind,
  type EntryTime,
  encodeEntry,
} from '#protocol/entry.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { laterEnd, originAfter, readDamagedEnd, readPrevious, writePrevious } from './previous.ts'

/** The durable, hash-linked sequence of what this box wrote (日志链). Append-only; only a receipt frees an entry. */
export interface Journal {
  readonly epoch: Uint8Array
  /** Why this epoch begins, and where the one before ended as far as is known; undefined once it has an entry. */
  readonly origin: EntryBody<'boot'>['origin'] | undefined
  /** Prompts that were open when the journal was opened: the process before this one was stopped in the middle. */
  readonly openPrompts: readonly { prompt: Uint8Array; window: string }[]
  /**
   * Appends one entry and returns its number and hash.
   *
   * On return the entry is on disk (one fsync). Numbers start at 1, have no holes and are never given
   * twice. Throws if the disk refuses; the caller must not thank the citizen then.
   * A body that says something of its own instant is made from the very stamp it is written with.
   */
  append<K extends EntryKind>(
    kind: K,
    body: EntryBody<K> | ((time: EntryTime) => EntryBody<K>),
  ): { seq: number; hash: Uint8Array }
  /** Number and hash of the newest entry; 0 and the chain's start when there is none. */
  newest(): { seq: number; hash: Uint8Array }
  /** Up to which number the collector has sent a receipt; 0 when none. */
  receiptedSeq(): number
  /** Entries after `seq`, oldest first, at most `entriesMax` and what fits one batch. */
  read(seq: number, entriesMax: number): { previous: Uint8Array; entries: Uint8Array[] }
  /**
   * Moves the cursor to what a receipt says, also backwards (a collector restored from an old backup).
   * Refuses a receipt for an entry this journal has not, or has with another hash, or from which it could
   * not go on because the next one is no longer kept.
   */
  receipt(seq: number, hash: Uint8Array): Result<void>
  /** Entries from the newest back, for what must be known again after a restart. */
  newestFirst(): Iterable<Entry>
  /** Whether a prompt may be opened: there is room for everything that can follow it. */
  hasRoom(): boolean
  /**
   * Moves what was written from the log into the file, once there is enough of it: each checkpoint writes
   * whole pages anew, so one per entry would wear the card out. Costs I/O, so it is called in idle time.
   */
  checkpoint(): void
  close(): void
}

/** Refused at opening: the store cannot be used by this process. */
export type JournalFault = {
  code: 'journal-busy' | 'journal-not-writable' | 'journal-not-durable' | 'journal-of-another-box'
  detail: string
}

/** Free space below which prompts are refused, so that an open prompt can always be finished. */
const ROOM_BYTES_MIN = 4 * 1024 * 1024
/** Entries in the log that make a checkpoint worth its writes: some 50 of them fill about 200 KiB. */
const CHECKPOINT_ENTRIES_MIN = 50
const LOG_ROOM_BYTES = 512 * 1024
/** Half of what a batch may have: header, signature and CBOR framing fit well beside it. */
const READ_BYTES_MAX = BATCH_BYTES_MAX / 2

export function openJournal(deps: {
  /** Folder; made when missing. */
  directory: string
  box: string
  clock: Clock
  randomBytes: RandomBytes
}): Result<Journal, JournalFault> {
  const { directory, box, clock, randomBytes } = deps
  const file = join(directory, 'journal.db')
  const opened = openDatabase(file)
  if (!opened.ok) return opened
  const { database, quarantined } = opened.value
  const stored = database.prepare('SELECT box, epoch, receipted FROM journal').get() as StoredHead | undefined
  if (stored && stored.box !== box) {
    database.close()
    return fail('journal-of-another-box', `${file} belongs to box ${stored.box}, this agent is ${box}`)
  }
  const epoch = stored?.epoch ?? randomBytes(16)
  if (!stored) database.prepare('INSERT INTO journal VALUES (1, ?, ?, 0)').run(box, epoch)
  const insertEntry = database.prepare('INSERT INTO entry VALUES (?, ?, ?)')
  const openPrompt = database.prepare('INSERT INTO open_prompt VALUES (?, ?)')
  const closePrompt = database.prepare('DELETE FROM open_prompt WHERE prompt = ?')
  const saveCursor = database.prepare('UPDATE journal SET receipted = ?')
  const selectEntries = database.prepare('SELECT bytes FROM entry WHERE seq > ? ORDER BY seq LIMIT ?')
  const selectNewestFirst = database.prepare('SELECT bytes FROM entry ORDER BY seq DESC')
  const selectHash = database.prepare('SELECT hash FROM entry WHERE seq = ?')
  const last = database.prepare('SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1').get() as Head | undefined
  const openPrompts = database
    .prepare('SELECT prompt, window FROM open_prompt')
    .all() as Journal['openPrompts'][number][]

  let newest: Head = last ?? { seq: 0, hash: CHAIN_START }
  // Also when the process before this one was stopped between making the journal and its first entry.
  const origin = last ? undefined : originAfter(readPrevious(directory), box, quarantined)
  const remember = () => writePrevious(directory, { box, epoch, ...newest })
  if (last) remember()
  let receipted = stored?.receipted ?? 0
  let savedReceipted = receipted
  let appendedSince = 0
  let hasLogRoom = false

  const write = database.transaction(
    (seq: number, bytes: Uint8Array, hash: Uint8Array, kind: EntryKind, body: EntryBody<EntryKind>) => {
      insertEntry.run(seq, bytes, hash)
      if (kind === 'prompt') {
        const { prompt, window } = body as EntryBody<'prompt'>
        openPrompt.run(prompt, window)
      } else if (kind === 'rating' || kind === 'outcome') {
        closePrompt.run((body as EntryBody<'outcome'>).prompt)
      }
      // The cursor rides along with the next entry: a write of its own would double what the card endures.
      if (receipted !== savedReceipted) saveCursor.run(receipted)
    },
  )

  function isRoomy(): boolean {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize >= ROOM_BYTES_MIN
  }

  function hashAt(seq: number): Uint8Array | undefined {
    if (seq === 0) return CHAIN_START
    if (seq === newest.seq) return newest.hash
    return (selectHash.get(seq) as { hash: Uint8Array } | undefined)?.hash
  }

  return ok({
    epoch,
    origin,
    openPrompts,
    append(kind, given) {
      const time = { boot: clock.boot, mono: clock.monoMs(), wall: clock.wallMs(), synced: clock.isSynced() }
      const body = typeof given === 'function' ? given(time) : given
      const bytes = encodeEntry({ kind, time, body } as Parameters<typeof encodeEntry>[0])
      const seq = newest.seq + 1
      const hash = entryHash({ box, epoch }, seq, newest.hash, bytes)
      write.immediate(seq, bytes, hash, kind, body)
      savedReceipted = receipted
      appendedSince += 1
      newest = { seq, hash }
      if (seq === 1) remember()
      return newest
    },
    newest: () => newest,
    receiptedSeq: () => receipted,
    read(seq, entriesMax) {
      const entries: Uint8Array[] = []
      let bytes = 0
      for (const row of selectEntries.iterate(seq, entriesMax) as Iterable<{ bytes: Uint8Array }>) {
        bytes += row.bytes.length
        if (entries.length > 0 && bytes > READ_BYTES_MAX) break
        entries.push(row.bytes)
      }
      return { previous: hashAt(seq) ?? CHAIN_START, entries }
    },
    receipt(seq, hash) {
      const own = seq === newest.seq || hashAt(seq + 1) ? hashAt(seq) : undefined
      if (!own) return fail('receipt-unknown', `the receipt names entry ${seq}, the journal ends at ${newest.seq}`)
      if (!isEqual(own, hash)) return fail('receipt-differs', `the receipt names another hash for entry ${seq}`)
      receipted = seq
      return ok()
    },
    *newestFirst() {
      for (const { bytes } of selectNewestFirst.iterate() as Iterable<{ bytes: Uint8Array }>) {
        const decoded = decodeEntry(bytes)
        if (decoded.ok) yield decoded.value
      }
    },
    hasRoom: isRoomy,
    checkpoint() {
      if (!hasLogRoom && isRoomy()) {
        makeLogRoom(database)
        hasLogRoom = true
      } else if (appendedSince < CHECKPOINT_ENTRIES_MIN) {
        return
      }
      appendedSince = 0
      if (receipted !== savedReceipted) saveCursor.run(receipted)
      savedReceipted = receipted
      // Not TRUNCATE: every later append would have to grow the log's file again.
      database.pragma('wal_checkpoint(RESTART)')
    },
    close() {
      if (!database.open) return
      if (newest.seq > 0) remember()
      database.close()
    },
  })

  function openDatabase(path: string): Result<{ database: Database.Database; quarantined: boolean }, JournalFault> {
    try {
      mkdirSync(directory, { recursive: true, mode: 0o700 })
      try {
        return ok({ database: prepareDatabase(path), quarantined: false })
      } catch (error) {
        if (!isDamage(error)) throw error
        const end = laterEnd(readDamagedEnd(path), readPrevious(directory))
        if (end) writePrevious(directory, { ...end, endedBy: 'quarantined' })
        quarantine(path, toHex(randomBytes(4)))
        return ok({ database: prepareDatabase(path), quarantined: true })
      }
    } catch (error) {
      const { code = '', message } = error as { code?: string; message: string }
      if (code.startsWith('SQLITE_BUSY')) return fail('journal-busy', `${path} is in use by another agent`)
      if (message === NOT_DURABLE) return fail('journal-not-durable', `${path}: ${message}`)
      return fail('journal-not-writable', `${path}: ${code || message}`)
    }
  }
}

type Head = { seq: number; hash: Uint8Array }
type StoredHead = { box: string; epoch: Uint8Array; receipted: number }

const NOT_DURABLE = 'the database does not report WAL and synchronous=FULL'

function prepareDatabase(path: string): Database.Database {
  const database = new Database(path, { timeout: 200 })
  try {
    // Exclusive: the lock is held for the life of the process, so a second agent is refused, and no
    // shared-memory file is needed. Small pages, because the page is the unit a flash card is charged.
    database.pragma('locking_mode = EXCLUSIVE')
    database.pragma('page_size = 1024')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('wal_autocheckpoint = 0')
    if (
      database.pragma('journal_mode', { simple: true }) !== 'wal' ||
      database.pragma('synchronous', { simple: true }) !== 2
    ) {
      throw new Error(NOT_DURABLE)
    }
    database.exec(`
      BEGIN IMMEDIATE;
      CREATE TABLE IF NOT EXISTS journal (
        id INTEGER PRIMARY KEY CHECK (id = 1), box TEXT NOT NULL, epoch BLOB NOT NULL, receipted INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS entry (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL, hash BLOB NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS open_prompt (prompt BLOB PRIMARY KEY, window TEXT NOT NULL) STRICT, WITHOUT ROWID;
      COMMIT;`)
    if (database.pragma('quick_check(1)', { simple: true }) !== 'ok') {
      throw Object.assign(new Error('quick_check found damage'), { code: 'SQLITE_CORRUPT' })
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Writes the log out to a size it will not outgrow between checkpoints. An append into room that is there
 * already costs the disk one flush; one that makes the file longer costs the file system's journal as well.
 */
function makeLogRoom(database: Database.Database): void {
  database.exec('CREATE TABLE room (bytes BLOB) STRICT')
  database.prepare('INSERT INTO room VALUES (zeroblob(?))').run(LOG_ROOM_BYTES)
  database.exec('DROP TABLE room')
}

function isDamage(error: unknown): boolean {
  const { code } = error as { code?: string }
  return code === 'SQLITE_NOTADB' || (code?.startsWith('SQLITE_CORRUPT') ?? false)
}

/** Sets a damaged store aside, whole and unread: what it still holds can be recovered from it. */
function quarantine(path: string, suffix: string): void {
  const folder = join(dirname(path), 'quarantine')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const part of ['', '-wal', '-shm']) {
    if (existsSync(path + part)) renameSync(path + part, join(folder, `journal-${suffix}.db${part}`))
  }
}
