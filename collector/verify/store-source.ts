import Database from 'better-sqlite3'
import { COLLECTOR_NAME } from '#protocol/reserved.ts'
import {
  type BatchItem,
  boxOf,
  createBatchItem,
  epochOf,
  hallOf,
  PARTS,
  type PackedEntries,
  type RawBatch,
  type RawRow,
  readPacked,
  readRow,
  takeEntries,
  type Unreadable,
} from './batch-item.ts'
import type { Head } from './chain-check.ts'
import { DECIDING_MARKS, latin1 } from './own-words.ts'
import { scanDigest } from './scan-entry.ts'
import { bytesOf, type Signed } from './signatures.ts'

/** A store read as it lies on disk, without believing a word of it. Nothing is written. */
export interface StoreSource {
  raw: Database.Database
  /** The highest position of a row, of an entry or of a batch; 0 when there is none. */
  lastPosition(): number
  /** Batches whose first position is in the range, in order. */
  batches(from: number, to: number): Iterable<BatchItem | Unreadable>
  rawBatch(firstPosition: number, entriesMax: number): RawBatch
  /** Rows of evidence in a range of positions, as they are. */
  evidence(from: number, to: number, limit: number): RawRow[]
  /** The newest entry of a chain before `seq`, of those before `position`. */
  headBefore(box: string, epoch: string, seq: number, position: number): Head | undefined
  rowAt(box: string, epoch: Uint8Array, seq: number): RawRow | undefined
  /** Whether any batch says that it covers that entry. */
  isCovered(box: string, epoch: Uint8Array, seq: number): boolean
  /** Batches of one hall in a range, with what their signatures say. */
  signed(hall: string, from: number, to: number): Iterable<Signed>
  /** Entries of the collector that decide how others are checked; some may decide nothing. */
  ownWords(): Iterable<{ position: number; bytes: Buffer }>
  /** First positions of batches of digests, from `position` on or before it. */
  digestAt(position: number, direction: 'from' | 'before'): number | undefined
  close(): void
}

/** Pages of SQLite's cache, kept small: a pass reads each page once. */
const CACHE_KIB = 16 * 1024
const MAP_BYTES = 256 * 1024 * 1024

/** Positions of one answer: packed into one buffer, so that SQLite does the work of a row and JavaScript none. */
const WINDOW = 1024

/** The longest batch. */
const ENTRIES_MAX = 500

/**
 * Whether a row is of the types and lengths of a batch. Only then does packing it say what it holds: a name
 * with a space, or a hall with a line break, could be read as another name and what follows it. Numbers are less
 * than any text and bytes more, which is told faster than a type.
 */
const SOUND = `typeof(b.box) = 'text' and typeof(b.hall) = 'text' and b.last_position < '' and b.first_seq < ''
  and b.last_seq < '' and b.received_at < '' and b.epoch >= x'' and length(b.epoch) = 16 and b.previous >= x''
  and length(b.previous) = 32 and b.signature >= x'' and length(b.signature) = 64 and b.receipt >= x''
  and length(b.receipt) = 64 and instr(b.box, ' ') = 0 and instr(b.hall, char(10)) = 0`

const ROW = `b.first_position || ' ' || b.last_position || ' ' || b.first_seq || ' ' || b.last_seq || ' ' || b.received_at
  || ' ' || b.box || ' ' || b.hall || char(10) || b.epoch || b.previous || b.signature || b.receipt`

const ENTRY_SOUND = `typeof(e.box) = 'text' and instr(e.box, char(10)) = 0 and e.seq < '' and e.received_at < ''
  and e.epoch >= x'' and length(e.epoch) = 16 and e.hash >= x'' and length(e.hash) = 32 and e.bytes >= x''`

/** Rows of batches alone; what is not sound is a sign that no row begins with. */
const ROWS = `select count(*), cast(group_concat(case when ${SOUND} then ${ROW} else '?' end, '') as blob),
    (select last_position from batches where first_position <= :end order by first_position desc limit 1)
  from batches b where b.first_position between :start and :end`

/** Rows of evidence alone, likewise; when there is one for every position, they are as many as positions. */
const ENTRIES = `select count(*), cast(group_concat(case when ${ENTRY_SOUND}
    then length(e.bytes) || ' ' || e.seq || ' ' || e.received_at || ' ' || e.box || char(10) || e.epoch
    else '?' end, '') as blob), cast(group_concat(e.hash || e.bytes, '') as blob)
  from evidence e where e.position between :start and :end`

/**
 * One batch with its entries, wherever they stand. A plus keeps a column from being looked up by its index, which
 * finds single rows where a range is at hand.
 */
const PACKED = `
  select case when ${SOUND} then
      cast(group_concat(length(e.bytes)) || char(10) || ${ROW} || group_concat(e.hash || e.bytes, '') as blob)
    end
  from batches b left join evidence e
    on e.position between b.first_position and b.last_position and +e.box = b.box and +e.epoch = b.epoch
    and e.seq - e.position = b.first_seq - b.first_position and +e.received_at = b.received_at
    and ${ENTRY_SOUND}
  where b.first_position = ? group by b.first_position`

type Window = { start: number; end: number }

export function openStoreSource(path: string): StoreSource {
  const raw = new Database(path, { readonly: true, fileMustExist: true })
  raw.pragma(`cache_size = -${CACHE_KIB}`)
  raw.pragma('automatic_index = off')
  raw.pragma(`mmap_size = ${MAP_BYTES}`)
  // One snapshot for all that is read, whatever a running collector goes on to write.
  raw.exec('begin')
  const prepared = <T>(sql: string) => raw.prepare<unknown[], T>(sql)
  const rows = raw.prepare<[Window], [rows: number, blob: Buffer, lastPosition: unknown]>(ROWS).raw()
  const entries = raw.prepare<[Window], [rows: number, heads: Buffer | null, entries: Buffer | null]>(ENTRIES).raw()
  const packed = raw.prepare<unknown[], Buffer | null>(PACKED).pluck()
  const firstFrom = raw
    .prepare<unknown[], number>('select min(first_position) from batches where first_position >= ?')
    .pluck()
  const positions = raw
    .prepare<unknown[], number>('select first_position from batches where first_position between ? and ?')
    .pluck()
  const batchRow = prepared<RawRow>('select * from batches where first_position = ?')
  const evidence = prepared<RawRow>('select * from evidence where position between ? and ? order by position limit ?')
  const head = prepared<{ seq: number; hash: Uint8Array }>(
    `select seq, hash from evidence
     where box = ? and epoch = ? and seq < ? and position < ? order by seq desc limit 1`,
  )
  const row = prepared<RawRow>('select * from evidence where box = ? and epoch = ? and seq = ?')
  const covering = prepared(
    'select 1 from batches where box = ? and epoch = ? and first_seq <= ? and last_seq >= ? limit 1',
  )
  const isDigest = (alias: string) => `instr(${alias}.bytes, x'646b696e6466646967657374') > 0`
  const digests = (compare: string, order: string) =>
    prepared<{ position: number; bytes: Buffer }>(
      `select b.first_position as position, e.bytes from batches b join evidence e on e.position = b.first_position
       where b.box = '${COLLECTOR_NAME}' and b.first_position ${compare} ? and ${isDigest('e')}
       order by b.first_position ${order} limit 1`,
    )
  const [digestFrom, digestBefore] = [digests('>=', 'asc'), digests('<', 'desc')]

  /** Batches one after the other; where a window does not read as it should, the rest of it by itself. */
  function* batches(from: number, to: number): Generator<BatchItem | Unreadable> {
    const item = createBatchItem()
    for (let start = firstFrom.get(from) ?? null; start !== null && start <= to; ) {
      const end = Math.min(start + WINDOW - 1, to)
      const [count, blob, lastPosition] = rows.get({ start, end })!
      const found = entriesBetween(start, Math.min(Number(lastPosition), end + ENTRIES_MAX))
      let [read, last, next] = [0, start - 1, start]
      for (let at = 0; found && read < count && readRow(item, blob, at); at = item.at + PARTS.end) {
        if (item.first_position !== next || !takeEntries(item, found)) break
        read += 1
        last = item.first_position
        next = item.last_position + 1
        yield item
      }
      if (read < count) for (const position of positions.all(last + 1, end)) yield single(item, position)
      start = end < to ? (firstFrom.get(end + 1) ?? null) : null
    }
  }

  /** Undefined when there is not an entry for each position. */
  function entriesBetween(start: number, end: number): PackedEntries | undefined {
    const [count, heads, bytes] = entries.get({ start, end })!
    if (!heads || !bytes || count !== end - start + 1) return undefined
    return { heads, entries: bytes, headAt: 0, entryAt: 0 }
  }

  function single(item: BatchItem, position: number): BatchItem | Unreadable {
    const blob = packed.get(position) ?? null
    const isWhole = blob !== null && readPacked(item, blob, 0) && item.entriesEnd === blob.length
    return isWhole ? item : { isUnreadable: true, first_position: position }
  }

  return {
    raw,
    lastPosition() {
      const last = (table: string, column: string) =>
        Number(raw.prepare(`select max(${column}) from ${table}`).pluck().get() ?? 0)
      return Math.max(last('evidence', 'position'), last('batches', 'first_position'))
    },
    batches,
    rawBatch(firstPosition, entriesMax) {
      const found = batchRow.get(firstPosition) ?? {}
      const last = Number(found['last_position'])
      return {
        row: found,
        entries: evidence.all(firstPosition, Number.isFinite(last) ? last : firstPosition, entriesMax),
      }
    },
    evidence: (from, to, limit) => evidence.all(from, to, limit),
    headBefore(box, epoch, seq, position) {
      const found = head.get(box, bytesOf(epoch), seq, position)
      return found && { seq: found.seq, hash: latin1(found.hash) }
    },
    rowAt: (box, epoch, seq) => row.get(box, epoch, seq),
    isCovered: (box, epoch, seq) => covering.get(box, epoch, seq, seq) !== undefined,
    *signed(hall, from, to) {
      for (const item of batches(from, to)) {
        if (!('isUnreadable' in item) && item.count > 0 && hallOf(item) === hall) yield signedOf(item)
      }
    },
    *ownWords() {
      const marks = DECIDING_MARKS.map(() => 'instr(bytes, ?) > 0').join(' or ')
      const found = raw.prepare<unknown[], { position: number; bytes: Buffer }>(
        `select position, bytes from evidence where box = '${COLLECTOR_NAME}' and (${marks}) order by position`,
      )
      for (const item of found.iterate(...DECIDING_MARKS)) if (item.bytes instanceof Uint8Array) yield item
    },
    digestAt(position, direction) {
      const [statement, step] = direction === 'from' ? [digestFrom, 1] : [digestBefore, 0]
      for (let at = position; ; ) {
        const found = statement.get(at)
        if (!found) return undefined
        if (scanDigest(found.bytes, 0, found.bytes.length)) return found.position
        // Other text may hold the same bytes.
        at = found.position + step
      }
    },
    close: () => raw.close(),
  }
}

/** What a packed batch is signed for. */
export function signedOf(item: BatchItem): Signed {
  const { blob, at, entries, entriesEnd, first_position, first_seq, last_seq, received_at } = item
  const hashAt = entriesEnd - item.lengths[item.count - 1]! - 32
  return {
    box: boxOf(item),
    epoch: epochOf(item),
    first_position,
    first_seq,
    last_seq,
    received_at,
    lastHash: entries.toString('latin1', hashAt, hashAt + 32),
    signature: blob.toString('latin1', at + PARTS.signature, at + PARTS.receipt),
    receipt: blob.toString('latin1', at + PARTS.receipt, at + PARTS.end),
  }
}
