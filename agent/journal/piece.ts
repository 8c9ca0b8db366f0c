import { PIECE_BYTES_MAX } from '#protocol/batch.ts'
import type { EntryRow } from './store.ts'

/** Consecutive entries as a batch carries them; none when there is nothing to send. */
export interface Piece {
  /** Number of the first. */
  first: number
  /** Hash of what it hangs on. */
  previous: Uint8Array
  entries: Uint8Array[]
  /** Hash of the last. */
  last: Uint8Array
}

/** The first of these that fit one batch, at least one. */
export function fitting(entries: readonly Uint8Array[]): Uint8Array[] {
  let bytes = 0
  const end = entries.findIndex((entry, i) => {
    bytes += entry.length
    return i > 0 && bytes > PIECE_BYTES_MAX
  })
  return end < 0 ? [...entries] : entries.slice(0, end)
}

/** The first of these rows that fit one batch, at least one. */
export function cutPiece(rows: Iterable<EntryRow>): Piece {
  const piece: Piece = { first: 0, previous: new Uint8Array(32), entries: [], last: new Uint8Array(32) }
  let bytes = 0
  for (const row of rows) {
    bytes += row.bytes.length
    if (piece.entries.length === 0) {
      piece.first = row.seq
      piece.previous = row.previous
    } else if (bytes > PIECE_BYTES_MAX) {
      break
    }
    piece.entries.push(row.bytes)
    piece.last = row.hash
  }
  return piece
}
