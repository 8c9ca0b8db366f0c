import Database from 'better-sqlite3'
import { COLLECTOR_NAME } from '#protocol/reserved.ts'
import {
  type BatchItem,
  boxOf,
  createBatchItem,
  epochOf,
  hallOf,
  PARTS,
  type RawBatch,
  type RawRow,
  readPacked,
  type Unreadable,
} from './batch-item.ts'
import type { Head } from './chain-check.ts'
import { DECIDING_MARKS, latin1 } from './own-words.ts'
import { scanDigest } from './scan-entry.ts'
import { bytesOf, type Signed } from './signatures.ts'

/** A store read as it lies on disk, without believing a word of it. Nothing is written. */
export interface StoreSource {
  raw: Database.Database
  /** The highest position any row claims; 0 when there is none. */
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

/**
 * Whether a row is of the types and lengths of a batch. Only then does packing it say what it holds: a name
 * with a space, or a hall with a line break, could be read as another name and what follows it.
 */
const SOUND = `typeof(b.last_position) = 'integer' and typeof(b.first_seq) = 'integer' and typeof(b.last_seq) = 'integer'
  and typeof(b.received_at) = 'integer' and typeof(b.box) = 'text' and typeof(b.hall) = 'text'
  and typeof(b.epoch) = 'blob' and length(b.epoch) = 16 and typeof(b.previous) = 'blob' and length(b.previous) = 32
  and typeof(b.signature) = 'blob' and length(b.signature) = 64 and typeof(b.receipt) = 'blob' and length(b.receipt) = 64
  and instr(b.box, ' ') = 0 and instr(b.hall, char(10)) = 0`

/** A plus keeps a column from being looked up by its index, which finds single rows where a range is at hand. */
const PACKED = `
  select count(*), count(packed), cast(group_concat(packed, '') as blob) from (
    select case when ${SOUND} then
      group_concat(length(e.bytes)) || char(10) || b.first_position || ' ' || b.last_position || ' '
        || b.first_seq || ' ' || b.last_seq || ' ' || b.received_at || ' ' || b.box || ' ' || b.hall || char(10)
        || b.epoch || b.previous || b.signature || b.receipt || group_concat(e.hash || e.bytes, '')
      end as packed
    from batches b left join evidence e
      on e.position between b.first_position and b.last_position and +e.box = b.box and +e.epoch = b.epoch
      and e.seq - e.position = b.first_seq - b.first_position and +e.received_at = b.received_at
      and typeof(e.epoch) = 'blob' and typeof(e.hash) = 'blob' and length(e.hash) = 32 and typeof(e.bytes) = 'blob'
    where b.first_position between ? and ? group by b.first_position order by b.first_position)`

type PackedTuple = [rows: number, packed: number, blob: Buffer | null]

export function openStoreSource(path: string): StoreSource {
  const raw = new Database(path, { readonly: true, fileMustExist: true })
  raw.pragma(`cache_size = -${CACHE_KIB}`)
  raw.pragma('automatic_index = off')
  raw.pragma(`mmap_size = ${MAP_BYTES}`)
  // One snapshot for all that is read, whatever a running collector goes on to write.
  raw.exec('begin')
  const prepared = <T>(sql: string) => raw.prepare<unknown[], T>(sql)
  const packed = raw.prepare<unknown[], PackedTuple>(PACKED).raw()
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

  /** Batches one after the other; where a window does not read as it should, each of it by itself. */
  function* batches(from: number, to: number): Generator<BatchItem | Unreadable> {
    const item = createBatchItem()
    for (let start = firstFrom.get(from) ?? null; start !== null && start <= to; ) {
      const end = Math.min(start + WINDOW - 1, to)
      const [rows, readable, blob] = packed.get(start, end)!
      let done = start - 1
      if (rows === readable && blob !== null) {
        for (let at = 0; at < blob.length && readPacked(item, blob, at); at = item.end) {
          done = item.first_position
          yield item
        }
      }
      for (const position of positions.all(done + 1, end)) yield single(item, position)
      start = end < to ? (firstFrom.get(end + 1) ?? null) : null
    }
  }

  function single(item: BatchItem, position: number): BatchItem | Unreadable {
    const [, , blob] = packed.get(position, position)!
    const isWhole = blob !== null && readPacked(item, blob, 0) && item.end === blob.length
    return isWhole ? item : { isUnreadable: true, first_position: position }
  }

  return {
    raw,
    lastPosition() {
      const last = (table: string, column: string) =>
        Number(raw.prepare(`select max(${column}) from ${table}`).pluck().get() ?? 0)
      return Math.max(last('evidence', 'position'), last('batches', 'last_position'))
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
  const { blob, at, end, first_position, first_seq, last_seq, received_at } = item
  const hashAt = end - item.lengths[item.count - 1]! - 32
  return {
    box: boxOf(item),
    epoch: epochOf(item),
    first_position,
    first_seq,
    last_seq,
    received_at,
    lastHash: blob.toString('latin1', hashAt, hashAt + 32),
    signature: blob.toString('latin1', at + PARTS.signature, at + PARTS.receipt),
    receipt: blob.toString('latin1', at + PARTS.receipt, at + PARTS.entries),
  }
}
