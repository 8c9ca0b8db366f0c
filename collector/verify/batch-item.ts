import { KEPT_BYTES } from '#protocol/digest.ts'

/** Where the parts of a kept batch stand, seen from its epoch. */
export const PARTS = { epoch: 0, previous: 16, signature: 48, receipt: 112, end: KEPT_BYTES } as const

/**
 * A kept batch and its entries as they lie in buffers that hold many: making an object of every row and column
 * would cost more than the hashes. Valid until the next one is read.
 */
export interface BatchItem {
  first_position: number
  last_position: number
  first_seq: number
  last_seq: number
  received_at: number
  /** Holds exactly what a digest hashes of it: a line of numbers and names, then what `PARTS` tells. */
  blob: Buffer
  lineAt: number
  receivedAt: number
  boxAt: number
  boxEnd: number
  hallAt: number
  hallEnd: number
  /** Where the epoch begins: `PARTS` is counted from here. */
  at: number
  /** How many entries there are, and the bytes of each. */
  count: number
  lengths: number[]
  /** Holds its entries one after the other: each its stored hash (32), and its bytes. */
  entries: Buffer
  entriesAt: number
  entriesEnd: number
}

/** Packed batches could not be read as such: what is stored there is to be looked at row by row. */
export interface Unreadable {
  isUnreadable: true
  first_position: number
}

export const boxOf = ({ blob, boxAt, boxEnd }: BatchItem) => blob.toString('latin1', boxAt, boxEnd)
export const hallOf = ({ blob, hallAt, hallEnd }: BatchItem) => blob.toString('latin1', hallAt, hallEnd)
export const epochOf = ({ blob, at }: BatchItem) => blob.toString('latin1', at, at + PARTS.previous)

/** A row of `batches` and the rows of `evidence` it covers, column by column as they are stored. */
export interface RawBatch {
  row: RawRow
  entries: RawRow[]
}
export type RawRow = Record<string, unknown>

const [COMMA, SPACE, NEWLINE, ZERO, NINE] = [0x2c, 0x20, 0x0a, 0x30, 0x39]
const NAME_BYTES_MAX = 32

export function createBatchItem(): BatchItem {
  const numbers = { first_position: 0, last_position: 0, first_seq: 0, last_seq: 0, received_at: 0 }
  const places = { lineAt: 0, receivedAt: 0, boxAt: 0, boxEnd: 0, hallAt: 0, hallEnd: 0, at: 0 }
  const none = Buffer.alloc(0)
  return { ...numbers, ...places, blob: none, count: 0, lengths: [], entries: none, entriesAt: 0, entriesEnd: 0 }
}

/**
 * Reads a batch that is packed with its entries from `at` on: a line of their lengths, its row, the entries. False
 * when it is none, or does not end in the buffer.
 */
export function readPacked(item: BatchItem, blob: Buffer, at: number): boolean {
  item.count = 0
  let place = at
  let bytes = 0
  do {
    const length = readNumber(blob, place)
    if (length < 0) return false
    item.lengths[item.count++] = length
    bytes += length + 32
    place = numberEnd
  } while (blob[place++] === COMMA)
  if (blob[place - 1] !== NEWLINE || !readRow(item, blob, place)) return false
  item.entries = blob
  item.entriesAt = item.at + PARTS.end
  item.entriesEnd = item.entriesAt + bytes
  return item.entriesEnd <= blob.length
}

/** The batch packed with its entries, as `readPacked` reads it, in parts. */
export function packedParts(item: BatchItem): Buffer[] {
  return [
    Buffer.from(`${item.lengths.slice(0, item.count).join()}\n`),
    item.blob.subarray(item.lineAt, item.at + PARTS.end),
    item.entries.subarray(item.entriesAt, item.entriesEnd),
  ]
}

/** Reads the row of a batch at `at`; false when it is none, or does not end in the buffer. */
export function readRow(item: BatchItem, blob: Buffer, at: number): boolean {
  item.blob = blob
  item.lineAt = at
  let place = at
  for (let i = 0; i < NUMBERS.length; i++) {
    item.receivedAt = place
    NUMBERS[i] = readNumber(blob, place)
    if (NUMBERS[i]! < 0 || blob[numberEnd] !== SPACE) return false
    place = numberEnd + 1
  }
  ;[item.first_position, item.last_position, item.first_seq, item.last_seq, item.received_at] = NUMBERS
  item.boxAt = place
  item.boxEnd = nameEnd(blob, place)
  item.hallAt = item.boxEnd + 1
  item.hallEnd = nameEnd(blob, item.hallAt)
  if (blob[item.boxEnd] !== SPACE || blob[item.hallEnd] !== NEWLINE) return false
  if (item.boxEnd === item.boxAt || item.hallEnd === item.hallAt) return false
  item.at = item.hallEnd + 1
  return item.at + PARTS.end <= blob.length
}

/** Heads of rows of evidence, and what they are of, each packed one after the other. */
export interface PackedEntries {
  /** Of each: `length of its bytes number instant box ⏎ epoch`, in the words of its row. */
  heads: Buffer
  /** Of each: its stored hash (32), and its bytes. */
  entries: Buffer
  headAt: number
  entryAt: number
}

/** Takes the entries of the batch whose row was read; false when the next ones are not all its own. */
export function takeEntries(item: BatchItem, packed: PackedEntries): boolean {
  const { heads, entries } = packed
  const count = item.last_position - item.first_position + 1
  let at = packed.headAt
  let end = packed.entryAt
  for (let i = 0; i < count; i++) {
    const length = readNumber(heads, at)
    if (length < 0 || heads[numberEnd] !== SPACE) return false
    if (readNumber(heads, numberEnd + 1) !== item.first_seq + i || heads[numberEnd] !== SPACE) return false
    // The row of the batch says the instant and the box in the same words.
    const boxEnd = numberEnd + 1 + item.boxEnd - item.receivedAt
    if (!isSame(heads, numberEnd + 1, item.blob, item.receivedAt, item.boxEnd) || heads[boxEnd] !== NEWLINE)
      return false
    if (!isSame(heads, boxEnd + 1, item.blob, item.at, item.at + PARTS.previous)) return false
    at = boxEnd + 1 + PARTS.previous
    item.lengths[i] = length
    end += 32 + length
  }
  if (count < 1 || end > entries.length) return false
  item.count = count
  item.entries = entries
  item.entriesAt = packed.entryAt
  item.entriesEnd = end
  packed.headAt = at
  packed.entryAt = end
  return true
}

function isSame(bytes: Buffer, at: number, others: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[at + i - from] !== others[i]) return false
  return true
}

const NUMBERS: [number, number, number, number, number] = [0, 0, 0, 0, 0]

/** Where the number just read ended. */
let numberEnd = 0

function readNumber(blob: Buffer, at: number): number {
  let value = 0
  let place = at
  for (let digit = blob[place]!; digit >= ZERO && digit <= NINE; digit = blob[++place]!)
    value = value * 10 + digit - ZERO
  numberEnd = place
  return place > at && place - at <= 16 ? value : -1
}

/** Ends at the first byte that no name of a box or a hall has. */
function nameEnd(blob: Buffer, at: number): number {
  let place = at
  for (let byte = blob[place]!; isNameByte(byte) && place - at < NAME_BYTES_MAX; byte = blob[++place]!);
  return place
}

const isNameByte = (byte: number) => (byte >= 0x61 && byte <= 0x7a) || (byte >= ZERO && byte <= NINE) || byte === 0x2d
