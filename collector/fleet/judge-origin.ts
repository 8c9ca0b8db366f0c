import type { OriginVerdict } from '#collector/store/tables.ts'
import { isEqual } from '#protocol/codec.ts'
import type { EntryBody } from '#protocol/entry.ts'

/** What is committed of the epoch that was the newest before. */
export interface CommittedEnd {
  epoch: Uint8Array
  seq: number
  hash: Uint8Array
}

export interface Judgement {
  verdict: OriginVerdict
  /** Entries the box says there were, and that never came. */
  missing: number
}

const UNEXPLAINED: Judgement = { verdict: 'unexplained', missing: 0 }

/**
 * Whether what the first entry of an epoch says of the one before fits what is committed. Less or other
 * than that, or nothing, explains no end; more is a tail that was lost, and says how long it was.
 */
export function judgeOrigin(origin: EntryBody<'boot'>['origin'], before: CommittedEnd | undefined): Judgement {
  if (!before) {
    // Under another name the journal before was another box's, whose entries are not looked for here.
    const missing = origin?.epoch && origin.reason !== 're-enrolled' ? (origin.seq ?? 0) : 0
    return { verdict: 'first', missing }
  }
  if (!origin?.epoch || !origin.seq || !origin.hash || !isEqual(origin.epoch, before.epoch)) return UNEXPLAINED
  if (origin.seq < before.seq) return UNEXPLAINED
  if (origin.seq > before.seq) return { verdict: 'explained', missing: origin.seq - before.seq }
  return isEqual(origin.hash, before.hash) ? { verdict: 'explained', missing: 0 } : UNEXPLAINED
}
