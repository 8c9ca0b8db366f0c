import { KEPT_BYTES } from '#protocol/digest.ts'

/** Where the parts of a kept batch begin, seen from its epoch; the entries follow, each its hash (32) and its bytes. */
export const PARTS = { epoch: 0, previous: 16, signature: 48, receipt: 112, entries: KEPT_BYTES } as const

/**
 * A kept batch and its entries, packed: a line of the lengths of its entries, then exactly what a digest
 * hashes of it, then for each entry its stored hash and its bytes. One buffer holds many: making an object
 * of every row and column would cost more than the hashes. Valid until the next one is read.
 */
export interface BatchItem {
  first_position: number
  last_position: number
  first_seq: number
  last_seq: number
  received_at: number
  blob: Buffer
  /** Where it begins. */
  from: number
  /** Where the line of numbers begins that a digest hashes. */
  lineAt: number
  boxAt: number
  boxEnd: number
  hallAt: number
  hallEnd: number
  /** Where the epoch begins: `PARTS` is counted from here. */
  at: number
  end: number
  /** How many entries there are, and the bytes of each. */
  count: number
  lengths: number[]
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
  const places = { from: 0, lineAt: 0, boxAt: 0, boxEnd: 0, hallAt: 0, hallEnd: 0, at: 0, end: 0 }
  return { ...numbers, ...places, blob: Buffer.alloc(0), count: 0, lengths: [] }
}

/** Reads the packed batch at `at` into `item`; false when it is none, or does not end in the buffer. */
export function readPacked(item: BatchItem, blob: Buffer, at: number): boolean {
  item.blob = blob
  item.from = at
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
  if (blob[place - 1] !== NEWLINE) return false
  item.lineAt = place
  const numbers = [0, 0, 0, 0, 0] as [number, number, number, number, number]
  for (let i = 0; i < 5; i++) {
    numbers[i] = readNumber(blob, place)
    if (numbers[i]! < 0 || blob[numberEnd] !== SPACE) return false
    place = numberEnd + 1
  }
  ;[item.first_position, item.last_position, item.first_seq, item.last_seq, item.received_at] = numbers
  item.boxAt = place
  item.boxEnd = nameEnd(blob, place)
  item.hallAt = item.boxEnd + 1
  item.hallEnd = nameEnd(blob, item.hallAt)
  if (blob[item.boxEnd] !== SPACE || blob[item.hallEnd] !== NEWLINE) return false
  if (item.boxEnd === item.boxAt || item.hallEnd === item.hallAt) return false
  item.at = item.hallEnd + 1
  item.end = item.at + PARTS.entries + bytes
  return item.end <= blob.length
}

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
