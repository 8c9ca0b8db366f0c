import type { KeyObject } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import Type from 'typebox'
import { CHAIN_START, chainHashes } from './chain.ts'
import { createWireForm, isEqual, type WireFault } from './codec.ts'
import { BoxIdSchema, BytesBetween, CountSchema, EpochSchema, HashSchema, SeqSchema, SignatureSchema } from './names.ts'
import { fail, ok, type Result } from './result.ts'
import { isSignedBy, isSignedByAside, signTagged } from './signature.ts'

export const PROTOCOL_VERSION = 1

/** A broker or a network element may refuse more; a batch is cut well below it. */
export const BATCH_BYTES_MAX = 256 * 1024
export const BATCH_ENTRIES_MAX = 500
/** What the entries of one batch may have together: header, signature and CBOR framing fit well beside it. */
export const PIECE_BYTES_MAX = BATCH_BYTES_MAX / 2
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

/**
 * Fewer entries than this travel as they are: what a live window sends then has a length that nothing but its
 * form decides, and there is little to win.
 */
export const PACKED_ENTRIES_MIN = 16

/** A batch on its way, squeezed: `packed` is the raw DEFLATE (RFC 1951) of a batch's bytes. Only the way is shorter. */
export const PackedBatchSchema = Type.Object(
  {
    version: Type.Literal(PROTOCOL_VERSION),
    packed: BytesBetween(1, BATCH_BYTES_MAX, 'Raw DEFLATE of the bytes of a batch'),
  },
  { additionalProperties: false, title: '压缩的批 Packed batch' },
)

const wireForm = createWireForm('batch', BatchSchema)
const packedForm = createWireForm('packed batch', PackedBatchSchema)
/** How its encoding begins: a map of two, `packed` first. */
const PACKED_START = Buffer.concat([Buffer.of(0xa2, 0x66), Buffer.from('packed')])
/** The least work: field names, ids and the boot repeat, and what is sealed cannot be made shorter by any. */
const PACK_LEVEL = 1

/** Throws when the batch does not fit the schema or the limit: whoever cuts batches counts their bytes. */
export function encodeBatch(batch: Batch): Uint8Array {
  const bytes = wireForm.encode(batch)
  if (bytes.length > BATCH_BYTES_MAX) throw new Error(`a batch of ${bytes.length} bytes, at most ${BATCH_BYTES_MAX}`)
  return bytes
}

/** The bytes to send: packed where many entries make it worth while. Throws as `encodeBatch` does. */
export function packBatch(batch: Batch): Uint8Array {
  const bytes = encodeBatch(batch)
  if (batch.entries.length < PACKED_ENTRIES_MIN) return bytes
  const packed = packedForm.encode({ version: PROTOCOL_VERSION, packed: deflateRawSync(bytes, { level: PACK_LEVEL }) })
  return packed.length < bytes.length ? packed : bytes
}

/**
 * Reads a batch, packed or not, telling an unknown version apart from rubbish. Does not verify: see `verifyBatch`.
 * Never inflates more than a batch may have.
 */
export function decodeBatch(bytes: Uint8Array): Result<Batch, WireFault | BatchFault> {
  if (bytes.length > BATCH_BYTES_MAX) {
    return fail('batch-too-big', `batch has ${bytes.length} bytes, at most ${BATCH_BYTES_MAX} are allowed`)
  }
  const plain = isEqual(bytes.subarray(0, PACKED_START.length), PACKED_START) ? unpack(bytes) : ok(bytes)
  if (!plain.ok) return plain
  const decoded = wireForm.decode(plain.value)
  if (!decoded.ok) return decoded
  const { first, previous, entries } = decoded.value
  if (!Number.isSafeInteger(first + entries.length)) return fail('not-valid', 'batch: /first leaves no room to count')
  if (first === 1 && !isEqual(previous, CHAIN_START)) {
    return fail('not-valid', 'batch: /previous must be 32 zero bytes before entry 1')
  }
  return decoded
}

function unpack(bytes: Uint8Array): Result<Uint8Array, WireFault | BatchFault> {
  const decoded = packedForm.decode(bytes)
  if (!decoded.ok) return decoded
  const { packed } = decoded.value
  try {
    const inflated = inflateRawSync(packed, { maxOutputLength: BATCH_BYTES_MAX, info: true })
    // With `info` there is more than the declared buffer: the engine too, which knows how much it read.
    const { buffer, engine } = inflated as unknown as { buffer: Uint8Array; engine: { bytesWritten: number } }
    if (engine.bytesWritten === packed.length) return ok(buffer)
    return fail('not-decodable', `packed batch: ${packed.length - engine.bytesWritten} bytes behind its end`)
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException
    if (code === 'ERR_BUFFER_TOO_LARGE') {
      return fail('batch-too-big', `packed batch inflates to more than the ${BATCH_BYTES_MAX} bytes that are allowed`)
    }
    if (!code.startsWith('Z_')) throw error
    return fail('not-decodable', `packed batch does not inflate: ${message}`)
  }
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
  const hashes = hashesOf(batch)
  return hashesIf(isSignedBy('head', hashes.at(-1)!, batch.signature, publicKey), hashes)
}

/** The same; the signature is verified by another thread. */
export async function verifyBatchAside(batch: Batch, publicKey: KeyObject): Promise<Result<Uint8Array[], BatchFault>> {
  const hashes = hashesOf(batch)
  return hashesIf(await isSignedByAside('head', hashes.at(-1)!, batch.signature, publicKey), hashes)
}

function hashesOf(batch: Batch): Uint8Array[] {
  return chainHashes(batch, batch.first, batch.previous, batch.entries)
}

function hashesIf(isSigned: boolean, hashes: Uint8Array[]): Result<Uint8Array[], BatchFault> {
  if (isSigned) return ok(hashes)
  return fail('bad-signature', 'the signature does not fit the entries, their numbers, the box or its key')
}
