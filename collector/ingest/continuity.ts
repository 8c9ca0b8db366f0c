import type { ChainHead } from '#collector/store/evidence.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import { isEqual } from '#protocol/codec.ts'

export interface BatchPlace {
  first: number
  previous: Uint8Array
  hashes: readonly Uint8Array[]
}

/** How a batch stands to what is committed of its epoch. */
export type Continuity =
  /** Its entries from index `from` on are new. */
  | { kind: 'follows'; from: number }
  /** Everything in it is committed already, the same. */
  | { kind: 'replay' }
  /** Entries are missing between what is committed and this. */
  | { kind: 'gap' }
  /** It contradicts what is committed. */
  | { kind: 'forked'; seq: number }

/**
 * Places a batch. A hash covers every entry before it, so where a batch overlaps what is committed one
 * hash decides: that of the last entry both have. `hashAt` gives the committed hash of a number up to the head.
 */
export async function placeBatch(
  batch: BatchPlace,
  head: ChainHead | undefined,
  hashAt: (seq: number) => Promise<Uint8Array | undefined>,
): Promise<Continuity> {
  const headSeq = head?.seq ?? 0
  const last = batch.first + batch.hashes.length - 1
  if (batch.first > headSeq + 1) return { kind: 'gap' }
  if (batch.first === headSeq + 1) {
    const isLinked = isEqual(batch.previous, head?.hash ?? CHAIN_START)
    return isLinked ? { kind: 'follows', from: 0 } : { kind: 'forked', seq: batch.first }
  }
  const shared = Math.min(last, headSeq)
  const committed = shared === headSeq ? head?.hash : await hashAt(shared)
  const sent = batch.hashes[shared - batch.first]
  if (!committed || !sent || !isEqual(committed, sent)) return { kind: 'forked', seq: shared }
  return last > headSeq ? { kind: 'follows', from: headSeq - batch.first + 1 } : { kind: 'replay' }
}

/**
 * Of a batch that contradicts what is committed at `forkedAt`: how many of its first entries are committed all the
 * same. What is equal at one number is equal at every one before it.
 */
export async function countShared(
  batch: BatchPlace,
  forkedAt: number,
  hashAt: (seq: number) => Promise<Uint8Array | undefined>,
): Promise<number> {
  let [shared, differing] = [0, forkedAt - batch.first]
  while (shared < differing) {
    const middle = shared + Math.floor((differing - shared) / 2)
    const committed = await hashAt(batch.first + middle)
    if (committed && isEqual(committed, batch.hashes[middle]!)) shared = middle + 1
    else differing = middle
  }
  return shared
}
