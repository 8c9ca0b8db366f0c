import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { CHAIN_START, chainHashes, entryHash } from '#protocol/chain.ts'
import { isEqual } from '#protocol/codec.ts'
import { decodeEntry, type Entry, encodeEntry } from '#protocol/entry.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { type Ballast, freeBytesOf, openBallast, withRoom } from './ballast.ts'
import {
  JOURNAL_LIMITS,
  type Journal,
  type JournalDeps,
  type JournalFault,
  type JournalLimits,
} from './journal-interface.ts'
import { createMarks, type Mark } from './marks.ts'
import { openOrSetAside } from './open-or-set-aside.ts'
import { createOpenPrompts, openAtEnd, stillOpen } from './open-prompts.ts'
import { openPastChains, type PastChains } from './past-chains.ts'
import { fitting, type Piece } from './piece.ts'
import { originAfter, readPrevious, writePrevious } from './previous.ts'
import { noteDamage, storeFile } from './quarantine.ts'
import { isInsideShort, isRoomy, mayGrow, type Space } from './room.ts'
import { type EntryRow, isDamage, isFull, isNotDurable, PAGE_BYTES, readHead, StoreDamaged } from './store.ts'

export { JOURNAL_LIMITS, type Journal, type JournalDeps, type JournalFault, type JournalLimits }

/** Receipted entries that may have to be sent again after a power cut. */
const CURSOR_ENTRIES_MAX = 100
/** Entries in the log that make a checkpoint worth its writes: some 50 of them fill about 150 KiB. */
const CHECKPOINT_ENTRIES_MIN = 50
const LOG_ROOM_BYTES = 512 * 1024
/** Entries that are forgotten at a time: some 300 KiB, a few milliseconds. */
const FORGET_ENTRIES_MAX = 1000

/**
 * Opens the journal, whatever became of it: a store that is damaged is set aside and what its hashes prove is
 * salvaged, before a new epoch begins. Refused only where the folder cannot be written or is another's.
 */
export function openJournal(deps: JournalDeps): Result<Journal, JournalFault> {
  const { directory, box } = deps
  const path = storeFile(directory)
  let database: Database.Database | undefined
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const ballast = openBallast(join(directory, 'ballast'), (deps.limits ?? JOURNAL_LIMITS).ballastBytes)
    const opened = openOrSetAside(deps, ballast)
    database = opened.database
    const past = withRoom(ballast, () => openPastChains(directory, box))
    const made = createJournal({ ...deps, ballast, past, ...opened })
    if (!made.ok) {
      past.close()
      database.close()
    }
    return made
  } catch (error) {
    database?.close()
    const { code = '', message } = error as { code?: string; message: string }
    if (code.startsWith('SQLITE_BUSY')) return fail('journal-busy', `${path} is in use by another agent`)
    if (isNotDurable(error)) return fail('journal-not-durable', `${path}: ${message}`)
    if (!code && !isDamage(error)) throw error
    return fail('journal-not-writable', `${path}: ${code || message}`)
  }
}

/** The journal over an open store. */
export function createJournal(
  deps: JournalDeps & { database: Database.Database; isQuarantined: boolean; ballast: Ballast; past: PastChains },
): Result<Journal, JournalFault> {
  const { directory, box, clock, randomBytes, database, ballast, past, limits = JOURNAL_LIMITS } = deps
  const stored = readHead(database)
  if (stored && stored.box !== box) {
    return fail('journal-of-another-box', `${storeFile(directory)} belongs to box ${stored.box}, this agent is ${box}`)
  }
  const epoch = stored?.epoch ?? randomBytes(16)
  const previous = readPrevious(directory)
  const isQuarantined = deps.isQuarantined || previous?.endedBy === 'quarantined'
  const storedOpen = stored?.open_prompts ?? (isQuarantined ? openAtEnd(past.newestFirst(true)) : '[]')
  if (!stored) {
    const begin = database.prepare('INSERT INTO journal VALUES (1, ?, ?, 0, 0, ?, ?)')
    withRoom(ballast, () => begin.run(box, epoch, CHAIN_START, storedOpen))
  }
  const insertEntry = database.prepare('INSERT INTO entry VALUES (?, ?, ?, ?)')
  const insertMark = database.prepare('INSERT OR REPLACE INTO mark VALUES (?, ?)')
  const saveHead = database.prepare('UPDATE journal SET receipted = ?, open_prompts = ?')
  const saveForgotten = database.prepare('UPDATE journal SET receipted = ?, forgotten_seq = ?, forgotten_hash = ?')
  const deleteEntries = database.prepare('DELETE FROM entry WHERE seq <= ?')
  const deleteMarks = database.prepare('DELETE FROM mark WHERE seq <= ?')
  const selectBytes = database.prepare('SELECT bytes FROM entry WHERE seq > ? ORDER BY seq LIMIT ?').pluck()
  const selectNewestFirst = database.prepare('SELECT bytes FROM entry ORDER BY seq DESC')
  const selectHash = database.prepare('SELECT hash FROM entry WHERE seq = ?')
  const countPages = database.prepare('PRAGMA page_count').pluck()
  const countFree = database.prepare('PRAGMA freelist_count').pluck()
  const last = database.prepare('SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1').get() as Head | undefined
  const marks = createMarks(database.prepare('SELECT seq, at FROM mark ORDER BY seq').all() as Mark[])

  let newest: Head = last ?? { seq: 0, hash: CHAIN_START }
  // Also when the process before this one was stopped between making the journal and its first entry.
  const origin = last ? undefined : originAfter(previous, box, deps.isQuarantined)
  const remember = () => writePrevious(directory, { box, epoch, ...newest })
  if (last) remember()
  let forgotten: Head = { seq: stored?.forgotten_seq ?? 0, hash: stored?.forgotten_hash ?? CHAIN_START }
  let receipted = stored?.receipted ?? 0
  let savedReceipted = receipted
  let newMark: Mark | undefined
  let heardAt: number | undefined
  let appendedSince = 0
  let hasLogRoom = false
  let unusable: unknown
  const open = createOpenPrompts(use(() => stillOpen(storedOpen, newestFirst())))
  const openPrompts = open.all()

  const insert = ({ seq, bytes, hash, previous }: EntryRow) => insertEntry.run(seq, bytes, hash, previous)
  const insertWith = database.transaction((row: EntryRow, openText: string | undefined) => {
    insert(row)
    if (openText !== undefined) saveHead.run(receipted, openText)
    if (newMark) insertMark.run(newMark.seq, newMark.at)
  })

  /** A press is one statement, and so a transaction by itself. */
  function write(row: EntryRow, openText: string | undefined) {
    if (openText === undefined && !newMark) insert(row)
    else insertWith.immediate(row, openText)
  }

  /** With the cursor in the same transaction: what is deleted is behind it, whenever the power goes. */
  const forget = database.transaction((to: Head) => {
    deleteEntries.run(to.seq)
    deleteMarks.run(to.seq)
    saveForgotten.run(receipted, to.seq, to.hash)
  })

  function* newestFirst(): Generator<Entry> {
    for (const { bytes } of selectNewestFirst.iterate() as Iterable<{ bytes: Uint8Array }>) {
      const decoded = decodeEntry(bytes)
      if (decoded.ok) yield decoded.value
    }
  }

  /** After an error of the disk or the database nobody knows what the handle holds: it is never used again. */
  function use<T>(work: () => T): T {
    if (unusable !== undefined) throw unusable
    try {
      return work()
    } catch (error) {
      unusable = error
      if (isDamage(error)) noteDamage(directory)
      throw error
    }
  }

  function space(): Space {
    const inside = (countFree.get() as number) * PAGE_BYTES
    return { free: freeBytesOf(directory), held: ballast.bytes(), wanted: ballast.wantedBytes, inside }
  }

  function hashAt(seq: number): Uint8Array | undefined {
    if (seq === forgotten.seq) return forgotten.hash
    if (seq === newest.seq) return newest.hash
    return (selectHash.get(seq) as { hash: Uint8Array } | undefined)?.hash
  }

  /**
   * What follows `after`, once its bytes are found to lead to the hash that is kept of the last: that covers every
   * byte and every number in between, at a tenth of what it costs to read the hashes between.
   */
  function provenPiece(after: number, entries: Uint8Array[]): Piece {
    const previous = hashAt(after)
    const last = hashAt(after + entries.length)
    if (!previous || !last || (entries.length === 0 && after < newest.seq)) {
      throw new StoreDamaged(`of the entries behind ${after} some are not there`)
    }
    const reached = chainHashes({ box, epoch }, after + 1, previous, entries).at(-1) ?? previous
    if (!isEqual(reached, last)) throw new StoreDamaged(`the entries behind ${after} are not what was written`)
    return { first: after + 1, previous, entries, last }
  }

  /** Losing it costs sending again what was receipted since; after a step back, entries that nobody has. */
  const isCursorFarBehind = () => receipted < savedReceipted || receipted - savedReceipted >= CURSOR_ENTRIES_MAX

  /** Up to which entry is to be forgotten now: receipted, never the newest, not many at a time. */
  function forgettable(): number {
    const stored = ((countPages.get() as number) - (countFree.get() as number)) * PAGE_BYTES
    const most = Math.min(receipted, newest.seq - 1, forgotten.seq + FORGET_ENTRIES_MAX)
    if (stored > limits.storeBytes || isInsideShort(space())) return most
    return Math.min(most, marks.olderThan(limits.receiptedMs))
  }

  function forgetSome(): boolean {
    const seq = forgettable()
    if (seq <= forgotten.seq) return false
    const to = { seq, hash: hashAt(seq)! }
    withRoom(ballast, () => forget.immediate(to))
    savedReceipted = receipted
    marks.forget(seq)
    const isMore = seq - forgotten.seq === FORGET_ENTRIES_MAX
    forgotten = to
    return isMore
  }

  /** At a clean end: receipts that were carried by hand may be the last thing that happens for weeks. */
  function saveCursor() {
    if (receipted === savedReceipted) return
    try {
      saveHead.run(receipted, open.text())
    } catch (error) {
      // Losing it costs sending again.
      if (!isFull(error)) throw error
    }
  }

  function moveLog() {
    if (!hasLogRoom && isRoomy(space())) {
      makeLogRoom(database)
      hasLogRoom = true
    } else if (appendedSince < CHECKPOINT_ENTRIES_MIN) {
      return
    }
    appendedSince = 0
    if (receipted !== savedReceipted) withRoom(ballast, () => saveHead.run(receipted, open.text()))
    savedReceipted = receipted
    // Not TRUNCATE: every later append would have to grow the log's file again.
    withRoom(ballast, () => database.pragma('wal_checkpoint(RESTART)'))
  }

  return ok({
    epoch,
    origin,
    openPrompts,
    past: past.all,
    append(kind, given) {
      const time = { boot: clock.boot, mono: clock.monoMs(), wall: clock.wallMs(), synced: clock.isSynced() }
      const body = typeof given === 'function' ? given(time) : given
      const bytes = encodeEntry({ kind, time, body } as Parameters<typeof encodeEntry>[0])
      const seq = newest.seq + 1
      const hash = entryHash({ box, epoch }, seq, newest.hash, bytes)
      // The cursor rides along with a prompt, and rarely with anything else: a press would wait for a second page.
      const openText = open.after(kind, body) ?? (isCursorFarBehind() ? open.text() : undefined)
      use(() => withRoom(ballast, () => write({ seq, bytes, hash, previous: newest.hash }, openText)))
      open.appended(kind, body)
      if (openText !== undefined) savedReceipted = receipted
      newMark = undefined
      appendedSince += 1
      newest = { seq, hash }
      if (seq === 1) remember()
      return newest
    },
    newest: () => newest,
    receiptedSeq: () => receipted,
    backlog: () => newest.seq - receipted,
    read: (seq, entriesMax) =>
      use(() => {
        const after = Math.max(seq, forgotten.seq)
        const entries = fitting(selectBytes.all(after, entriesMax) as Uint8Array[])
        return provenPiece(after, entries)
      }),
    receipt: (seq, hash, at) =>
      use(() => {
        const own = seq < forgotten.seq ? hash : hashAt(seq)
        if (!own) return fail('receipt-unknown', `the receipt names entry ${seq}, the journal ends at ${newest.seq}`)
        if (!isEqual(own, hash)) return fail('receipt-differs', `the receipt names another hash for entry ${seq}`)
        receipted = Math.max(seq, forgotten.seq)
        heardAt = at
        newMark = marks.receipted(seq, at) ?? newMark
        return ok()
      }),
    contradicted: () => noteDamage(directory, { agreedSeq: receipted }),
    *newestFirst() {
      try {
        yield* newestFirst()
      } catch (error) {
        use(() => {
          throw error
        })
      }
      yield* past.newestFirst()
    },
    hasRoom: () => use(() => isRoomy(space())),
    checkpoint: () =>
      use(() => {
        const isMore = forgetSome()
        moveLog()
        if (heardAt !== undefined) past.forget(heardAt, isRoomy(space()) ? limits.receiptedMs : 0)
        if (!mayGrow(space())) return isMore
        return ballast.grow() < ballast.wantedBytes || isMore
      }),
    close() {
      if (unusable !== undefined || !database.open) return
      if (newest.seq > 0) remember()
      saveCursor()
      past.close()
      database.close()
    },
  })
}

type Head = { seq: number; hash: Uint8Array }

/**
 * Writes the log out to a size it will not outgrow between checkpoints. An append into room that is there
 * already costs the disk one flush; one that makes the file longer costs the file system's journal as well.
 */
function makeLogRoom(database: Database.Database): void {
  // It is there if the power went between the two.
  database.exec('DROP TABLE IF EXISTS room')
  database.exec('CREATE TABLE room (bytes BLOB) STRICT')
  database.prepare('INSERT INTO room VALUES (zeroblob(?))').run(LOG_ROOM_BYTES)
  database.exec('DROP TABLE room')
}
