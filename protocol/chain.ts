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
  return chainHashes(chain, seq, previousHash, [bytes])[0]!
}

/** The hashes of consecutive entries, the first of which has number `firstSeq`. */
export function chainHashes(
  chain: ChainId,
  firstSeq: number,
  previousHash: Uint8Array,
  entries: readonly Uint8Array[],
): Uint8Array[] {
  if (chain.epoch.length !== 16 || previousHash.length !== HASH_BYTES)
    throw new Error('an epoch has 16 bytes, a hash 32')
  const preimage = createPreimage(chain)
  let previous = previousHash
  return entries.map((bytes, i) => {
    const whole = preimage.begin(firstSeq + i, bytes.length)
    whole.set(previous, preimage.previousAt)
    whole.set(bytes, preimage.bytesAt)
    previous = hash('sha256', whole, 'buffer')
    return previous
  })
}

/**
 * The same hash for millions of entries of one chain: nothing is allocated but the hash, given and taken as
 * latin1 text of 32 characters. `bytes` holds the entry from `from` up to `to`.
 */
export interface ChainHasher {
  hashOf(seq: number, previousHash: string, bytes: Buffer, from: number, to: number): string
}

export function createChainHasher(chain: ChainId): ChainHasher {
  const preimage = createPreimage(chain)
  return {
    hashOf(seq, previousHash, bytes, from, to) {
      const whole = preimage.begin(seq, to - from)
      whole.write(previousHash, preimage.previousAt, HASH_BYTES, 'latin1')
      bytes.copy(whole, preimage.bytesAt, from, to)
      return hash('sha256', whole, 'binary')
    },
  }
}

const HASH_BYTES = 32

/** What is hashed is put together here. A view of each length is kept: making one costs a tenth of the hash. */
const SCRATCH = Buffer.alloc(4 * 1024)
const VIEWS: Buffer[] = []

function createPreimage(chain: ChainId) {
  const box = Buffer.from(chain.box)
  const head = Buffer.concat([TAG, Buffer.of(box.length), box, chain.epoch])
  const seqAt = head.length
  const previousAt = seqAt + 8
  const bytesAt = previousAt + HASH_BYTES
  return {
    previousAt,
    bytesAt,
    /** Everything but the previous hash and the entry's bytes. Good until the next one is begun. */
    begin(seq: number, length: number): Buffer {
      const whole = scratch(bytesAt + length)
      whole.set(head)
      whole.writeUInt32BE(Math.floor(seq / 2 ** 32), seqAt)
      whole.writeUInt32BE(seq % 2 ** 32, seqAt + 4)
      return whole
    },
  }
}

function scratch(length: number): Buffer {
  if (length > SCRATCH.length) return Buffer.alloc(length)
  VIEWS[length] ??= SCRATCH.subarray(0, length)
  return VIEWS[length]
}
