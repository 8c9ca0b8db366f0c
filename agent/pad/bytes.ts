/** Bytes as a manual prints them ("FF 68 03"): plain numbers in a frozen profile, a typed array on the line. */
export type ByteList = ArrayLike<number> & Iterable<number>

export const BYTES_PATTERN = '^[0-9A-Fa-f]{2}( [0-9A-Fa-f]{2})*$'

export function parseBytes(text: string): readonly number[] {
  return text.split(' ').map(pair => Number.parseInt(pair, 16))
}

export function formatBytes(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')
}

/** The unsigned number that big-endian bytes spell; exact up to six bytes. */
export function numberOf(bytes: ByteList): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i++) sum = sum * 256 + bytes[i]!
  return sum
}

/** The big-endian bytes of an unsigned number. */
export function bytesOf(value: number, size: number, base = 256): number[] {
  const bytes: number[] = new Array<number>(size)
  let rest = value
  for (let i = size - 1; i >= 0; i--) {
    bytes[i] = rest % base
    rest = Math.floor(rest / base)
  }
  return bytes
}

export function isSame(a: ByteList, b: ByteList): boolean {
  if (a.length !== b.length) return false
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** One copy of all pieces, in order. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}

/** Up to here a plain loop is faster than a call of the engine, which takes as long as some fifty bytes. */
const LOOP_BYTES_MAX = 48

/** The bytes from `start` to before `end`, in an array of their own. Faster than `slice` for what a pad sends. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  if (end - start > LOOP_BYTES_MAX) return bytes.slice(start, end)
  const copy = new Uint8Array(end - start)
  for (let i = start; i < end; i++) copy[i - start] = bytes[i]!
  return copy
}

/** Writes a piece from `at` on. Faster than `set` for what a pad sends. */
export function copyInto(bytes: Uint8Array, at: number, piece: Uint8Array): void {
  if (piece.length > LOOP_BYTES_MAX) bytes.set(piece, at)
  else for (let i = 0; i < piece.length; i++) bytes[at + i] = piece[i]!
}
