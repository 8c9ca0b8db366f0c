import { type EntryRow, PAGE_BYTES } from './store.ts'

/**
 * Finds rows in the bytes of a store that SQLite may no longer read: in its file, its log, pages in use and pages
 * set free. Format: sqlite.org/fileformat2.html, sections 1.5 (b-tree pages), 2.1 (records), 4.1 (the log).
 * What is found is a guess until its hash proves it.
 */

export interface StoreBytes {
  database: Buffer
  log: Buffer
}

/** What stands in the head of a journal, as far as salvage needs it. */
export interface FoundHead {
  epoch: Uint8Array
  receiptedSeq: number
  forgottenSeq: number
  forgottenHash: Uint8Array
}

const LOG_HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24

/** Serial types (section 2.1) of blobs of 32 and 16 bytes. */
const BLOB_32 = 76
const BLOB_16 = 44
const ENTRY_BYTES_MAX = 8 * 1024

/** A table leaf of pages without reserved bytes keeps at most so much of a record itself (section 1.5). */
const LOCAL_BYTES_MAX = PAGE_BYTES - 35
const LOCAL_BYTES_MIN = Math.floor(((PAGE_BYTES - 12) * 32) / 255) - 23
const OVERFLOW_BYTES = PAGE_BYTES - 4
/** A page may be there in several versions; so many ways to put a record together are tried. */
const VERSIONS_MAX = 64

export interface CellScan {
  /** Every place that looks like an entry's row. */
  rows(): Iterable<EntryRow>
  /** Every place that looks like the head of a journal of this box. */
  heads(box: string): Iterable<FoundHead>
}

export function scanCells(bytes: StoreBytes): CellScan {
  const pages = [...splitPages(bytes)]
  let versions: Map<number, Buffer[]> | undefined

  function versionsOf(page: number): Buffer[] {
    if (!versions) {
      versions = new Map()
      for (const { number, content } of pages) versions.set(number, [content, ...(versions.get(number) ?? [])])
    }
    return versions.get(page) ?? []
  }

  /** Everything that `length` bytes can be which begin with `start` and go on in a chain of overflow pages. */
  function* completions(start: Buffer, next: number, length: number, budget: { left: number }): Iterable<Buffer> {
    if (length <= 0) return yield start
    for (const page of versionsOf(next)) {
      if (budget.left-- <= 0) return
      const part = page.subarray(4, 4 + Math.min(length, OVERFLOW_BYTES))
      if (part.length < Math.min(length, OVERFLOW_BYTES)) continue
      yield* completions(Buffer.concat([start, part]), page.readUInt32BE(0), length - part.length, budget)
    }
  }

  /** The record of `length` bytes that begins at `at` in a page. */
  function* records(page: Buffer, at: number, length: number): Iterable<Buffer> {
    const local = localBytes(length)
    const end = at + local + (local < length ? 4 : 0)
    if (end > page.length) return
    const start = page.subarray(at, at + local)
    if (local === length) return yield start
    yield* completions(start, page.readUInt32BE(at + local), length - local, { left: VERSIONS_MAX })
  }

  return {
    *rows() {
      for (const { content } of pages) {
        for (let at = findTypes(content, 0); at >= 0; at = findTypes(content, at + 1)) {
          const place = entryHeader(content, at)
          if (!place) continue
          const { start, bodyAt, length } = place
          const seq = varintBefore(content, start)
          if (seq === undefined) continue
          for (const record of records(content, start, bodyAt + length + 64)) {
            yield {
              seq,
              bytes: record.subarray(bodyAt, bodyAt + length),
              hash: record.subarray(bodyAt + length, bodyAt + length + 32),
              previous: record.subarray(bodyAt + length + 32),
            }
          }
        }
      }
    },
    *heads(box) {
      for (const { content } of pages) {
        for (let at = content.indexOf(box); at >= 0; at = content.indexOf(box, at + 1)) {
          const head = headAt(content, at, Buffer.byteLength(box))
          if (head) yield head
        }
      }
    },
  }
}

/** All pages, those of the log after those of the file, newest last. */
function* splitPages({ database, log }: StoreBytes): Iterable<{ number: number; content: Buffer }> {
  for (let at = 0; at < database.length; at += PAGE_BYTES) {
    yield { number: at / PAGE_BYTES + 1, content: database.subarray(at, at + PAGE_BYTES) }
  }
  const step = FRAME_HEADER_BYTES + PAGE_BYTES
  for (let at = LOG_HEADER_BYTES; at + FRAME_HEADER_BYTES < log.length; at += step) {
    yield { number: log.readUInt32BE(at), content: log.subarray(at + FRAME_HEADER_BYTES, at + step) }
  }
}

const TWO_HASHES = Buffer.of(BLOB_32, BLOB_32)
const findTypes = (page: Buffer, from: number) => page.indexOf(TWO_HASHES, from)

/**
 * The header of an entry's record is: its own size, 0 for the number (which is the key), the serial type of the
 * bytes, and twice that of a hash. `at` is where the two hashes' types stand.
 */
function entryHeader(page: Buffer, at: number): { start: number; bodyAt: number; length: number } | undefined {
  for (const typeBytes of [2, 1, 3]) {
    const start = at - typeBytes - 2
    const bodyAt = typeBytes + 4
    if (start < 1 || page[start] !== bodyAt || page[start + 1] !== 0) continue
    const type = readVarint(page, start + 2)
    if (!type || type.length !== typeBytes || type.value % 2 !== 0) continue
    const length = (type.value - 12) / 2
    if (length >= 1 && length <= ENTRY_BYTES_MAX) return { start, bodyAt, length }
  }
  return undefined
}

/** The head's record: its own size, 0 for the id, text (box), 16 bytes (epoch), number, number, 32 bytes, text. */
function headAt(page: Buffer, boxAt: number, boxBytes: number): FoundHead | undefined {
  for (let headerBytes = 8; headerBytes <= 11; headerBytes++) {
    const start = boxAt - headerBytes
    if (start < 0 || page[start] !== headerBytes || page[start + 1] !== 0) continue
    const text = readVarint(page, start + 2)
    if (text?.value !== 13 + 2 * boxBytes) continue
    const at = start + 2 + text.length
    const [receiptedBytes, forgottenBytes] = [integerBytes(page[at + 1]), integerBytes(page[at + 2])]
    if (page[at] !== BLOB_16 || receiptedBytes === undefined || forgottenBytes === undefined) continue
    const epochAt = boxAt + boxBytes
    const forgottenAt = epochAt + 16 + receiptedBytes
    const hashAt = forgottenAt + forgottenBytes
    if (page[at + 3] !== BLOB_32 || hashAt + 32 > page.length) continue
    const integer = (type: number, at: number, bytes: number) => (bytes === 0 ? type - 8 : readInteger(page, at, bytes))
    return {
      epoch: page.subarray(epochAt, epochAt + 16),
      receiptedSeq: integer(page[at + 1]!, epochAt + 16, receiptedBytes),
      forgottenSeq: integer(page[at + 2]!, forgottenAt, forgottenBytes),
      forgottenHash: page.subarray(hashAt, hashAt + 32),
    }
  }
  return undefined
}

/** Bytes of an integer by its serial type; 8 and 9 are the constants 0 and 1. */
function integerBytes(type: number | undefined): number | undefined {
  return type === undefined ? undefined : [undefined, 1, 2, 3, 4, 6, 8, undefined, 0, 0][type]
}

function readInteger(page: Buffer, at: number, bytes: number): number {
  return bytes === 8 ? Number(page.readBigInt64BE(at)) : page.readIntBE(at, bytes)
}

/** How much of a record a table leaf keeps itself (section 1.5). */
function localBytes(length: number): number {
  if (length <= LOCAL_BYTES_MAX) return length
  const fitting = LOCAL_BYTES_MIN + ((length - LOCAL_BYTES_MIN) % OVERFLOW_BYTES)
  return fitting <= LOCAL_BYTES_MAX ? fitting : LOCAL_BYTES_MIN
}

const VARINT_BYTES_MAX = 9

function readVarint(page: Buffer, at: number): { value: number; length: number } | undefined {
  let value = 0
  for (let length = 1; length < VARINT_BYTES_MAX; length++) {
    const byte = page[at + length - 1]
    if (byte === undefined) return undefined
    value = value * 128 + (byte & 0x7f)
    if (byte < 0x80) return { value, length }
  }
  return undefined
}

/** The number that ends before `end`: only its last byte is below 128, and so is the last of what stands before it. */
function varintBefore(page: Buffer, end: number): number | undefined {
  let start = end - 1
  if ((page[start] ?? 0x80) >= 0x80) return undefined
  while (start > 0 && end - start < VARINT_BYTES_MAX - 1 && page[start - 1]! >= 0x80) start -= 1
  const read = readVarint(page, start)
  return read && read.value >= 1 && Number.isSafeInteger(read.value) ? read.value : undefined
}
