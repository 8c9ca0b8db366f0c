import { hash } from 'node:crypto'

/** Which journal an entry belongs to. `epoch` is a random id made with the journal, 16 bytes. */
export interface ChainId {
  box: string
  epoch: Uint8Array
}

/** The previous hash of an epoch's first entry. */
export const CHAIN_START: Uint8Array = new Uint8Array(32)

const TAG = Buffer.from('chuangping entry v1\n')

/**
 * The hash of one entry, which names it for ever:
 *
 *   SHA-256( "chuangping entry v1\n" ‖ length of box (1 byte) ‖ box ‖ epoch (16) ‖ seq (8, big-endian)
 *            ‖ hash of the previous entry (32) ‖ the entry's bytes )
 */
export function entryHash(chain: ChainId, seq: number, previousHash: Uint8Array, bytes: Uint8Array): Uint8Array {
  if (chain.epoch.length !== 16 || previousHash.length !== 32) throw new Error('an epoch has 16 bytes, a hash 32')
  const box = Buffer.from(chain.box)
  const head = Buffer.alloc(TAG.length + 1 + box.length + 16 + 8 + 32)
  let at = TAG.copy(head)
  at = head.writeUInt8(box.length, at)
  at += box.copy(head, at)
  head.set(chain.epoch, at)
  at = head.writeBigUInt64BE(BigInt(seq), at + 16)
  head.set(previousHash, at)
  return hash('sha256', Buffer.concat([head, bytes]), 'buffer')
}

/**
 * The same hash for millions of entries of one chain: nothing is allocated but the hash, given and taken as
 * latin1 text of 32 characters. `bytes` holds the entry from `from` up to `to`.
 */
export interface ChainHasher {
  hashOf(seq: number, previousHash: string, bytes: Buffer, from: number, to: number): string
}

/** What is hashed is put together here. A view of each length is kept: making one costs a tenth of the hash. */
const SCRATCH = Buffer.alloc(4 * 1024)
const VIEWS: Uint8Array[] = []

export function createChainHasher(chain: ChainId): ChainHasher {
  const head = Buffer.concat([TAG, Buffer.of(chain.box.length), Buffer.from(chain.box, 'latin1'), chain.epoch])
  const seqAt = head.length
  const bytesAt = seqAt + 8 + 32
  return {
    hashOf(seq, previousHash, bytes, from, to) {
      const end = bytesAt + to - from
      const whole = end <= SCRATCH.length ? SCRATCH : Buffer.alloc(end)
      whole.set(head)
      whole.writeUInt32BE(Math.floor(seq / 2 ** 32), seqAt)
      whole.writeUInt32BE(seq % 2 ** 32, seqAt + 4)
      whole.write(previousHash, seqAt + 8, 32, 'latin1')
      bytes.copy(whole, bytesAt, from, to)
      if (whole !== SCRATCH) return hash('sha256', whole, 'binary')
      VIEWS[end] ??= SCRATCH.subarray(0, end)
      return hash('sha256', VIEWS[end], 'binary')
    },
  }
}

/** The hashes of consecutive entries, the first of which has number `firstSeq`. */
export function chainHashes(
  chain: ChainId,
  firstSeq: number,
  previousHash: Uint8Array,
  entries: readonly Uint8Array[],
): Uint8Array[] {
  let previous = previousHash
  return entries.map((bytes, i) => {
    previous = entryHash(chain, firstSeq + i, previous, bytes)
    return previous
  })
}
