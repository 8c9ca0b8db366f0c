/** Bytes as a manual prints them ("FF 68 03") and as a profile keeps them: plain numbers, so that they can be frozen. */
export type ByteList = readonly number[]

export const BYTES_PATTERN = '^[0-9A-Fa-f]{2}( [0-9A-Fa-f]{2})*$'

export function parseBytes(text: string): ByteList {
  return text.split(' ').map(pair => Number.parseInt(pair, 16))
}

export function formatBytes(bytes: Iterable<number>): string {
  return Array.from(bytes, byte => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')
}

/** The unsigned number that big-endian bytes spell. At most four bytes. */
export function numberOf(bytes: ByteList): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0)
}

export function isSame(a: ByteList, b: ByteList): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
