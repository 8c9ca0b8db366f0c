import type { KeyObject } from 'node:crypto'
import Type from 'typebox'
import { chainHashes } from './chain.ts'
import { createWireForm } from './codec.ts'
import { BoxIdSchema, BytesBetween, EpochSchema, HashSchema, SeqSchema, SignatureSchema } from './names.ts'
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
    newest: Type.Integer({ title: 'Newest number in the journal when this was sent (for display)', minimum: 0 }),
    signature: SignatureSchema,
  },
  { additionalProperties: false, title: '批 Batch' },
)
export type Batch = Type.Static<typeof BatchSchema>

const wireForm = createWireForm('batch', BatchSchema)
export const encodeBatch = wireForm.encode

/** Reads a batch, telling an unknown version apart from rubbish. Does not verify: see `verifyBatch`. */
export function decodeBatch(bytes: Uint8Array): ReturnType<typeof wireForm.decode> | Result<never, BatchFault> {
  if (bytes.length > BATCH_BYTES_MAX) {
    return fail('batch-too-big', `batch has ${bytes.length} bytes, at most ${BATCH_BYTES_MAX} are allowed`)
  }
  const decoded = wireForm.decode(bytes)
  if (decoded.ok) return decoded
  const version = versionOf(bytes)
  if (version !== undefined && version !== PROTOCOL_VERSION) {
    return fail('unknown-version', `batch has version ${version}, this collector reads ${PROTOCOL_VERSION}`)
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

function versionOf(bytes: Uint8Array): number | undefined {
  const loose = createWireForm('batch', Type.Object({ version: Type.Integer() })).decode(bytes)
  return loose.ok ? loose.value.version : undefined
}
