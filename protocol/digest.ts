import { hash } from 'node:crypto'

/**
 * What a finished day brought of one hall, in one hash: the Merkle tree hash of RFC 6962 section 2.1 with
 * SHA-256. Hashes are held as latin1 texts of 32 characters: Node gives and takes these several times as
 * fast as buffers, and a day has millions of them.
 */
export interface MerkleTree {
  /** Adds the hash of the next leaf, as `leafHash` gives it. */
  add(leaf: string): void
  size(): number
  /** The root over what was added so far; more may follow. That of nothing is the hash of nothing. */
  root(): string
}

const NODE = Buffer.alloc(65)
NODE[0] = 1

export function createMerkleTree(): MerkleTree {
  /** The root of the full subtree of 2^i leaves at place i, where the size has that bit. */
  const roots: string[] = []
  let size = 0

  return {
    add(leaf) {
      let carried = leaf
      let level = 0
      for (let rest = size; rest % 2 === 1; rest = (rest - 1) / 2) {
        carried = nodeHash(roots[level]!, carried)
        level += 1
      }
      roots[level] = carried
      size += 1
    },
    size: () => size,
    root() {
      let root: string | undefined
      for (let level = 0, rest = size; rest > 0; level += 1, rest = Math.floor(rest / 2)) {
        if (rest % 2 === 1) root = root === undefined ? roots[level]! : nodeHash(roots[level]!, root)
      }
      return root ?? hash('sha256', '', 'binary')
    },
  }
}

function nodeHash(left: string, right: string): string {
  NODE.write(left, 1, 32, 'latin1')
  NODE.write(right, 33, 32, 'latin1')
  return hash('sha256', NODE, 'binary')
}

/** Makes the leaves of one chain: `length of box ‖ box ‖ epoch ‖ seq ‖ hash of the entry`, behind the leaf prefix. */
export interface LeafMaker {
  /** The hash of the leaf for the entry `seq` whose hash is `entryHash`, both as latin1. */
  leafHash(seq: number, entryHash: string): string
}

export function createLeafMaker(box: string, epoch: Uint8Array): LeafMaker {
  const leaf = Buffer.alloc(2 + box.length + 16 + 8 + 32)
  const seqAt = 2 + box.length + 16
  leaf[1] = box.length
  leaf.write(box, 2, 'latin1')
  leaf.set(epoch, 2 + box.length)
  return {
    leafHash(seq, entryHash) {
      writeUint64(leaf, seq, seqAt)
      leaf.write(entryHash, seqAt + 8, 32, 'latin1')
      return hash('sha256', leaf, 'binary')
    },
  }
}

/** A batch as the collector keeps it and a digest covers it. */
export interface KeptBatch {
  first_position: number
  last_position: number
  first_seq: number
  last_seq: number
  received_at: number
  box: string
  hall: string
  epoch: Uint8Array
  previous: Uint8Array
  signature: Uint8Array
  receipt: Uint8Array
}

/** What follows the line of a kept batch: epoch, previous hash, signature, signature of the receipt. */
export const KEPT_BYTES = 16 + 32 + 64 + 64

/** The bytes of a kept batch that a digest hashes: docs/protocol.md section 10. */
export function encodeKeptBatch(batch: KeptBatch): Uint8Array {
  const { first_position, last_position, first_seq, last_seq, received_at, box, hall } = batch
  const line = `${first_position} ${last_position} ${first_seq} ${last_seq} ${received_at} ${box} ${hall}\n`
  return Buffer.concat([Buffer.from(line), batch.epoch, batch.previous, batch.signature, batch.receipt])
}

/** Writes an integer that is not negative as 8 bytes, big-endian; a BigInt for each would cost more than the hash. */
function writeUint64(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at)
  bytes.writeUInt32BE(value % 2 ** 32, at + 4)
}
