import type { ByteList } from './bytes.ts'

/** What a checksum field may hold. A profile states which fields it covers; nothing is covered by habit. */
export const CHECKSUMS = ['sum8'] as const
export type Checksum = (typeof CHECKSUMS)[number]

export function checksumOf(_algorithm: Checksum, covered: ByteList): ByteList {
  return [covered.reduce((sum, byte) => sum + byte, 0) & 0xff]
}
