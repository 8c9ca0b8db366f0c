import type { KeyObject } from 'node:crypto'
import { PROTOCOL_VERSION, packBatch, signBatch } from '#protocol/batch.ts'

/** Consecutive entries of one chain, as a journal reads them. */
export interface ChainPiece {
  first: number
  previous: Uint8Array
  entries: Uint8Array[]
  /** Hash of the last. */
  last: Uint8Array
}

/** The bytes of a batch of this piece, as they travel. */
export function signPiece(
  { last, ...cut }: ChainPiece,
  chain: { epoch: Uint8Array; newest(): { seq: number } },
  signer: { box: string; boxKey: KeyObject },
): Uint8Array {
  const { box, boxKey } = signer
  const unsigned = { version: PROTOCOL_VERSION, box, epoch: chain.epoch, ...cut, newest: chain.newest().seq } as const
  return packBatch(signBatch(unsigned, last, boxKey))
}
