import Database from 'better-sqlite3'
import { CHAIN_START } from '#protocol/chain.ts'
import { isEqual } from '#protocol/codec.ts'
import { decodeEntry, type Entry } from '#protocol/entry.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { cutPiece, type Piece } from './piece.ts'
import { type EntryRow, isFull, isProven, readHead } from './store.ts'

/** What was salvaged of a journal that ended. There may be holes; what follows one is sent as what it is. */
export interface PastChain {
  readonly epoch: Uint8Array
  newest(): { seq: number }
  receiptedSeq(): number
  /** Entries that are held without a receipt. */
  backlog(): number
  /** The next entries that are held after `seq`, up to the next hole. */
  read(seq: number, entriesMax: number): Piece
  /**
   * Moves the cursor to what a receipt says. A number that is not held is believed: it was lost here, and the
   * receipt is signed. Refuses one that names another hash.
   */
  receipt(seq: number, hash: Uint8Array, at: number): Result<void>
  /** The collector may have less than it said: everything is offered again. */
  startOver(): void
  /** From the newest back; with `isWhole` only up to the first hole. */
  newestFirst(isWhole?: boolean): Iterable<Entry>
  /** The collector's time when the last receipt was missing no more; undefined before. */
  doneAt(): number | undefined
  close(): void
}

/** Opens what `writePastFile` made; undefined where it holds nothing. Throws what SQLite says. */
export function openPastChain(path: string): PastChain | undefined {
  const database = new Database(path, { fileMustExist: true, timeout: 200 })
  const head = readHead(database)
  if (!head) {
    database.close()
    return undefined
  }
  const { box, epoch } = head
  const selectAfter = database.prepare(
    'SELECT seq, bytes, hash, previous FROM entry WHERE seq > ? ORDER BY seq LIMIT ?',
  )
  const selectHash = database.prepare('SELECT hash FROM entry WHERE seq = ?')
  const selectNewestFirst = database.prepare('SELECT seq, bytes, hash, previous FROM entry ORDER BY seq DESC')
  const countAfter = database.prepare('SELECT count(*) AS n FROM entry WHERE seq > ? AND seq <= ?')
  const count = (after: number, upTo: number) => (countAfter.get(after, upTo) as { n: number }).n
  const newest = (database.prepare('SELECT max(seq) AS seq FROM entry').get() as { seq: number }).seq
  let doneAt = (database.prepare('SELECT max(at) AS at FROM mark').get() as { at: number | null }).at ?? undefined
  let receipted = Math.min(head.receipted, newest)
  let backlog = count(receipted, newest)

  /** Losing what is saved costs one batch that is sent again, so a full disk is no reason to fail. */
  function save(at: number) {
    try {
      database.transaction(() => {
        database.prepare('UPDATE journal SET receipted = ?').run(receipted)
        database.prepare('INSERT OR IGNORE INTO mark VALUES (?, ?)').run(newest, at)
      })()
    } catch (error) {
      if (!isFull(error)) throw error
    }
  }

  return {
    epoch,
    newest: () => ({ seq: newest }),
    receiptedSeq: () => receipted,
    backlog: () => backlog,
    read(seq, entriesMax) {
      return cutPiece(provenRun(selectAfter.iterate(seq, entriesMax) as Iterable<EntryRow>))
    },
    receipt(seq, hash, at) {
      const own = seq === 0 ? CHAIN_START : (selectHash.get(seq) as { hash: Uint8Array } | undefined)?.hash
      if (own && !isEqual(own, hash)) return fail('receipt-differs', `the receipt names another hash for entry ${seq}`)
      const to = Math.min(seq, newest)
      backlog += to < receipted ? count(to, receipted) : -count(receipted, to)
      receipted = to
      if (backlog === 0 && doneAt === undefined) {
        doneAt = at
        save(at)
      }
      return ok()
    },
    startOver() {
      receipted = 0
      backlog = count(0, newest)
    },
    *newestFirst(isWhole = false) {
      let after: EntryRow | undefined
      for (const row of selectNewestFirst.iterate() as Iterable<EntryRow>) {
        if (isWhole && after && row.seq !== after.seq - 1) return
        after = row
        const decoded = decodeEntry(row.bytes)
        if (decoded.ok) yield decoded.value
      }
    },
    doneAt: () => doneAt,
    close: () => void database.close(),
  }

  /** Rows up to the next hole; one that is no longer what was written makes a hole of its own. */
  function* provenRun(rows: Iterable<EntryRow>): Iterable<EntryRow> {
    let before: EntryRow | undefined
    for (const row of rows) {
      const isNext = !before || (row.seq === before.seq + 1 && isEqual(row.previous, before.hash))
      if (isNext && isProven({ box, epoch }, row)) yield row
      else if (before) return
      else continue
      before = row
    }
  }
}
