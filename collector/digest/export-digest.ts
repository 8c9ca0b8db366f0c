import type { KeyObject } from 'node:crypto'
import type { StoreSource } from '#collector/verify/store-source.ts'
import { toHex } from '#protocol/codec.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** What a third party needs to check one digest; `scripts/check-digest.py` does. All byte strings are hex. */
export interface DigestFile {
  format: 'chuangping digest'
  version: 1
  hall: string
  day: string
  /** Box, epoch, seq and hash of each entry of that hall and day, in the order of their commit. */
  leaves: [box: string, epoch: string, seq: number, hash: string][]
  /** The digests of that day as they stand in the collector's chain, under one signature. */
  digest: { epoch: string; first: number; previous: string; entries: string[]; signature: string }
  /** The collector's public key, SubjectPublicKeyInfo. */
  key: string
}

interface BatchRow {
  first_position: number
  last_position: number
  epoch: Uint8Array
  first_seq: number
  previous: Uint8Array
  signature: Uint8Array
}

type LeafRow = { box: string; epoch: Uint8Array; seq: number; hash: Uint8Array }

/** Takes one digest out of a store, with all that it was made over. Reads only. */
export function exportDigest(
  source: StoreSource,
  { hall, day, collectorKey }: { hall: string; day: string; collectorKey: KeyObject },
): Result<DigestFile> {
  const { raw } = source
  const found = raw
    .prepare<[string, string], { position: number }>('select position from digests where day = ? and hall = ?')
    .get(day, hall)
  if (!found)
    return fail('unknown-digest', `there is no digest of hall ${hall} for ${day}: no entries, or not over yet`)
  const batch = raw
    .prepare<[number, number, string], BatchRow>(
      'select * from batches where first_position <= ? and last_position >= ? and box = ?',
    )
    .get(found.position, found.position, COLLECTOR_NAME)
  if (!batch) return fail('store-not-exportable', `the batch at position ${found.position} is not there: run verify`)
  const from = source.digestAt(batch.first_position, 'before') ?? 1
  const leaves = raw
    .prepare<[number, number, string], LeafRow>(
      `select e.box, e.epoch, e.seq, e.hash
       from batches b join evidence e on e.position between b.first_position and b.last_position
       where b.first_position between ? and ? and b.hall = ? order by e.position`,
    )
    .all(from, batch.first_position - 1, hall)
  const entries = raw
    .prepare<[number, number], Uint8Array>(
      'select bytes from evidence where position between ? and ? order by position',
    )
    .pluck()
    .all(batch.first_position, batch.last_position)
  return ok({
    format: 'chuangping digest',
    version: 1,
    hall,
    day,
    leaves: leaves.map(({ box, epoch, seq, hash }) => [box, toHex(epoch), seq, toHex(hash)]),
    digest: {
      epoch: toHex(batch.epoch),
      first: batch.first_seq,
      previous: toHex(batch.previous),
      entries: entries.map(toHex),
      signature: toHex(batch.signature),
    },
    key: toHex(collectorKey.export({ format: 'der', type: 'spki' })),
  })
}
