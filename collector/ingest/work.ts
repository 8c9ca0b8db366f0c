import type { Committed } from '#collector/projection/projector.ts'
import type { Refused } from '#collector/store/quarantine.ts'
import type { RegistrationRow } from '#collector/store/tables.ts'
import type { Entry } from '#protocol/entry.ts'
import type { CheckedBatch } from './check-batch.ts'

/** A box's batch waiting for the next commit, with its exact bytes should it turn out to be forked. */
export interface BoxWork extends CheckedBatch {
  bytes: Uint8Array
  /** Taken by a person's decision, though its key is revoked. */
  isAccepted?: boolean
}

/**
 * An entry for the collector's own chain. With `registers` it is only written if the service is new;
 * `keeps` are the bytes that a `quarantined` entry sets aside.
 */
export interface OwnWork {
  entry: Entry
  keeps?: Uint8Array
  registers?: Pick<RegistrationRow, 'case_number' | 'service'>
}

/** The entry that stands: this one, or the one that registered the service before. */
export interface OwnResult {
  position: number
  isNew: boolean
}

/** Where a batch found its chain, and what it says there still is. */
export interface Arrival {
  box: string
  epoch: Uint8Array
  /** Number of its first entry. */
  first: number
  /** Committed up to here, after it. */
  committed: number
  /** Newest number in the box's journal, by its own word. */
  newest: number
  /** Taken; known already; not taken because entries before it are missing; or come after those were given up. */
  place: 'follows' | 'replay' | 'gap' | 'late'
}

/** Entries that are missing before a batch. */
export interface GapAttempt {
  box: string
  epoch: Uint8Array
  from: number
  to: number
}

export interface CommitResult {
  committed: Committed[]
  receipts: { box: string; bytes: Uint8Array }[]
  own: OwnResult[]
  /** Batches that contradict what is committed, or come too late for it. */
  refused: Refused[]
  arrivals: Arrival[]
  replays: number
}
