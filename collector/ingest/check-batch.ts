import type { KeyObject } from 'node:crypto'
import { type Batch, decodeBatch, verifyBatch } from '#protocol/batch.ts'
import { BOX_KINDS, decodeEntry, type Entry } from '#protocol/entry.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** A batch that says what it is: signed by its box, every entry decoded. Whether it follows is not yet known. */
export interface CheckedBatch {
  batch: Batch
  hashes: Uint8Array[]
  entries: Entry[]
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
] as const
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/** Checks all of a batch that does not need the store. Hashes and verifies once, decodes each entry once. */
export function checkBatch(
  topicBox: string,
  bytes: Uint8Array,
  keyOf: (box: string) => KeyObject | undefined,
): Result<CheckedBatch, { code: RefusalCode; detail: string }> {
  const decoded = decodeBatch(bytes)
  if (!decoded.ok) return decoded
  const batch = decoded.value
  if (batch.box !== topicBox) {
    return fail('wrong-box', `sent on the topic of ${topicBox}, but says it is of ${batch.box}`)
  }
  const key = keyOf(batch.box)
  if (!key) return fail('not-enrolled', `no box ${batch.box} is enrolled with this collector`)
  const verified = verifyBatch(batch, key)
  if (!verified.ok) return verified
  const entries = decodeEntries(batch)
  return entries.ok ? ok({ batch, hashes: verified.value, entries: entries.value }) : entries
}

function decodeEntries(batch: Batch): Result<Entry[], { code: RefusalCode; detail: string }> {
  const entries: Entry[] = []
  for (const [i, bytes] of batch.entries.entries()) {
    const seq = batch.first + i
    const entry = decodeEntry(bytes)
    if (!entry.ok) return fail('entry-not-decodable', `entry ${seq} (${entry.error.code}): ${entry.error.detail}`)
    if (!BOX_KINDS.includes(entry.value.kind)) {
      return fail('kind-not-allowed', `entry ${seq} is a "${entry.value.kind}", which only the collector may write`)
    }
    entries.push(entry.value)
  }
  return ok(entries)
}
