import type { Committed } from '#collector/projection/projector.ts'
import type { Refused } from '#collector/store/quarantine.ts'
import type { RegistrationRow } from '#collector/store/tables.ts'
import type { Entry } from '#protocol/entry.ts'
import type { CheckedBatch } from './check-batch.ts'

/** A box's batch waiting for the next commit, with its exact bytes should it turn out to be forked. */
export interface BoxWork extends CheckedBatch {
  bytes: Uint8Array
}

/** An entry for the collector's own chain. With `registers` it is only written if the service is new. */
export interface OwnWork {
  entry: Entry
  registers?: Pick<RegistrationRow, 'case_number' | 'service'>
}

/** The entry that stands: this one, or the one that registered the service before. */
export interface OwnResult {
  position: number
  isNew: boolean
}

export interface CommitResult {
  committed: Committed[]
  receipts: { box: string; bytes: Uint8Array }[]
  own: OwnResult[]
  forked: Refused[]
  /** Batches that could not be placed because entries before them are missing. */
  gaps: number
  replays: number
}
