import type { KeyObject } from 'node:crypto'
import { type Batch, decodeBatch, verifyBatch, verifyBatchAside } from '#protocol/batch.ts'
import { BOX_KINDS, decodeEntry, type Entry } from '#protocol/entry.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** A batch that says what it is: signed by its box, every entry decoded. Whether it follows is not yet known. */
export interface CheckedBatch {
  batch: Batch
  hashes: Uint8Array[]
  entries: Entry[]
  /** The key it was found signed by. */
  key: KeyObject
}

/** Who signs with what. */
export interface SignerKeys {
  /** The key a box signs with; undefined when it is not enrolled, or its key is revoked. */
  keyOf(box: string): KeyObject | undefined
  /** Its keys that are revoked. */
  revokedKeysOf(box: string): KeyObject[]
}

/** Why a batch is quarantined. */
export const REFUSAL_CODES = [
  'batch-too-big',
  'unknown-version',
  'not-decodable',
  'not-valid',
  'not-deterministic',
  'wrong-box',
  'not-enrolled',
  'bad-signature',
  'entry-not-decodable',
  'kind-not-allowed',
  'forked',
  'late-for-gap',
  'box-revoked',
  'provenance-not-allowed',
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

type Fault = { code: RefusalCode; detail: string }

/** Checks all of a batch that does not need the store. Hashes and verifies once, decodes each entry once. */
export function checkBatch(topicBox: string, bytes: Uint8Array, keys: SignerKeys): Result<CheckedBatch, Fault> {
  const claim = readClaim(topicBox, bytes, keys)
  if (!claim.ok) return claim
  const { batch, key } = claim.value
  return judgeClaim(claim.value, key && verifyBatch(batch, key))
}

/** The same; the signature is verified by another thread, so that many are while this one goes on. */
export async function checkBatchAside(
  topicBox: string,
  bytes: Uint8Array,
  keys: SignerKeys,
): Promise<Result<CheckedBatch, Fault>> {
  const claim = readClaim(topicBox, bytes, keys)
  if (!claim.ok) return claim
  const { batch, key } = claim.value
  return judgeClaim(claim.value, key && (await verifyBatchAside(batch, key)))
}

/** What a batch says of itself, and the keys it may be signed with. */
interface Claim {
  batch: Batch
  key: KeyObject | undefined
  revoked: readonly KeyObject[]
}

function readClaim(topicBox: string, bytes: Uint8Array, keys: SignerKeys): Result<Claim, Fault> {
  const decoded = decodeBatch(bytes)
  if (!decoded.ok) return decoded
  const batch = decoded.value
  if (batch.box !== topicBox) {
    return fail('wrong-box', `sent on the topic of ${topicBox}, but says it is of ${batch.box}`)
  }
  const key = keys.keyOf(batch.box)
  const revoked = keys.revokedKeysOf(batch.box)
  if (!key && revoked.length === 0) {
    return fail('not-enrolled', `no box ${batch.box} is enrolled with this collector`)
  }
  return ok({ batch, key, revoked })
}

function judgeClaim(
  { batch, key, revoked }: Claim,
  verified: ReturnType<typeof verifyBatch> | undefined,
): Result<CheckedBatch, Fault> {
  if (!key || !verified?.ok) {
    const isOfRevoked = revoked.some(old => verifyBatch(batch, old).ok)
    if (isOfRevoked) return fail('box-revoked', 'it is signed with a key that was revoked before it came')
    return verified?.ok === false ? verified : fail('bad-signature', 'the signature fits no key the box ever had')
  }
  const entries = decodeEntries(batch)
  return entries.ok ? ok({ batch, hashes: verified.value, entries: entries.value, key }) : entries
}

function decodeEntries(batch: Batch): Result<Entry[], { code: RefusalCode; detail: string }> {
  const entries: Entry[] = []
  for (const [i, bytes] of batch.entries.entries()) {
    const seq = batch.first + i
    const entry = decodeEntry(bytes)
    if (!entry.ok && entry.error.code === 'not-valid' && /\/body\/provenance /.test(entry.error.detail)) {
      return fail('provenance-not-allowed', `entry ${seq}: ${entry.error.detail}`)
    }
    if (!entry.ok) return fail('entry-not-decodable', `entry ${seq} (${entry.error.code}): ${entry.error.detail}`)
    if (!BOX_KINDS.includes(entry.value.kind)) {
      return fail('kind-not-allowed', `entry ${seq} is a "${entry.value.kind}", which only the collector may write`)
    }
    entries.push(entry.value)
  }
  return ok(entries)
}
