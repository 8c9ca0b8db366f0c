import type { KeyObject } from 'node:crypto'
import Type from 'typebox'
import { CHAIN_START, chainHashes } from './chain.ts'
import { createWireForm, isEqual, type WireFault } from './codec.ts'
import { BoxIdSchema, BytesBetween, CountSchema, EpochSchema, HashSchema, SeqSchema, SignatureSchema } from './names.ts'
import { fail, ok, type Result } from './result.ts'
import { isSignedBy, signTagged } from './signature.ts'

export const PROTOCOL_VERSION = 1

/** A broker or a network element may refuse more; a batch is cut well below it. */
export const BATCH_BYTES_MAX = 256 * 1024
export const BATCH_ENTRIES_MAX = 500
export const ENTRY_BYTES_MAX = 8 * 1024

/**
 * Consecutive entries of one epoch under one signature over the hash of the last. The hashes inside
 * can be recomputed from `previous` and the bytes, so they do not travel.
 */
export const BatchSchema = Type.Object(
  {
    version: Type.Literal(PROTOCOL_VERSION),
    box: BoxIdSchema,
    epoch: EpochSchema,
    first: SeqSchema,
    previous: HashSchema,
    entries: Type.Array(BytesBetween(1, ENTRY_BYTES_MAX, 'Bytes of one entry'), {
      minItems: 1,
      maxItems: BATCH_ENTRIES_MAX,
    }),
    newest: CountSchema('Newest number in the journal when this was sent (for display)'),
    signature: SignatureSchema,
  },
  { additionalProperties: false, title: '批 Batch' },
)
export type Batch = Type.Static<typeof BatchSchema>

const wireForm = createWireForm('batch', BatchSchema)

/** Throws when the batch does not fit the schema or the limit: whoever cuts batches counts their bytes. */
export function encodeBatch(batch: Batch): Uint8Array {
  const bytes = wireForm.encode(batch)
  if (bytes.length > BATCH_BYTES_MAX) throw new Error(`a batch of ${bytes.length} bytes, at most ${BATCH_BYTES_MAX}`)
  return bytes
}

/** Reads a batch, telling an unknown version apart from rubbish. Does not verify: see `verifyBatch`. */
export function decodeBatch(bytes: Uint8Array): Result<Batch, WireFault | BatchFault> {
  if (bytes.length > BATCH_BYTES_MAX) {
    return fail('batch-too-big', `batch has ${bytes.length} bytes, at most ${BATCH_BYTES_MAX} are allowed`)
  }
  const decoded = wireForm.decode(bytes)
  if (!decoded.ok) return decoded
  const { first, previous, entries } = decoded.value
  if (!Number.isSafeInteger(first + entries.length)) return fail('not-valid', 'batch: /first leaves no room to count')
  if (first === 1 && !isEqual(previous, CHAIN_START)) {
    return fail('not-valid', 'batch: /previous must be 32 zero bytes before entry 1')
  }
  return decoded
}

export interface BatchFault {
  code: 'batch-too-big' | 'unknown-version' | 'bad-signature'
  detail: string
}

export function signBatch(unsigned: Omit<Batch, 'signature'>, lastHash: Uint8Array, privateKey: KeyObject): Batch {
  return { ...unsigned, signature: signTagged('head', lastHash, privateKey) }
}

/** The hash of every entry of the batch, once the signature over the last has been found good. */
export function verifyBatch(batch: Batch, publicKey: KeyObject): Result<Uint8Array[], BatchFault> {
  const hashes = chainHashes(batch, batch.first, batch.previous, batch.entries)
  const head = hashes.at(-1)!
  if (!isSignedBy('head', head, batch.signature, publicKey)) {
    return fail('bad-signature', 'the signature does not fit the entries, their numbers, the box or its key')
  }
  return ok(hashes)
}
