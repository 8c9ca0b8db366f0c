import type { ChainEnd, InstantRow, Mark } from '#collector/time/segments.ts'
import type { EntryBody, EntryKind, FindingCode, PromptOrigin } from '#protocol/entry.ts'
import type { Grade, Outcome } from '#protocol/grades.ts'

/**
 * The shape of the store. Evidence is what was received or decided, append-only and never derived;
 * quarantine is what was refused; the rest are projections, made from evidence alone.
 */
export interface Tables {
  evidence: EvidenceRow
  batches: BatchRow
  registrations: RegistrationRow
  quarantine: QuarantineRow
  projection_cursor: CursorRow
  boxes: BoxRow
  services: ServiceRow
  prompts: PromptRow
  ratings: RatingRow
  oddities: OddityRow
  box_keys: BoxKeyRow
  epochs: EpochRow
  gaps: GapRow
  findings: FindingRow
  acceptances: AcceptanceRow
  digests: DigestRow
  time_chains: TimeChainRow
  time_marks: Mark
  instants: InstantRow
}

/** One entry exactly as it was written, of a box or of the collector's own chain. */
export interface EvidenceRow {
  position: number
  box: string
  epoch: Uint8Array
  seq: number
  hash: Uint8Array
  bytes: Uint8Array
  received_at: number
}

/** Which entries came under which signature, and the receipt given for them; enough to verify everything later. */
export interface BatchRow {
  first_position: number
  last_position: number
  box: string
  epoch: Uint8Array
  first_seq: number
  last_seq: number
  previous: Uint8Array
  signature: Uint8Array
  received_at: number
  /** The hall its box was enrolled in then; `collector` for the collector's own chain. */
  hall: string
  /** The signature of the receipt for its last entry: whatever else a receipt says stands in this row. */
  receipt: Uint8Array
}

/** Which entry registered a service: decides repeats inside the commit, where a projection would be too late. */
export interface RegistrationRow {
  case_number: string
  service: number
  position: number
}

/** A batch that was refused. Each time it is written down, the collector's chain says so too. */
export interface QuarantineRow {
  /** Position of the entry that first says it. */
  id: number
  box: string
  code: string
  detail: string
  sha256: Uint8Array
  bytes: Uint8Array
  size: number
  first_at: number
  last_at: number
  times: number
}

/** Up to where the projections follow the evidence: that entry's hash binds the number to it. */
export interface CursorRow {
  id: number
  position: number
  hash: Uint8Array
}

export interface BoxRow {
  box: string
  /** SubjectPublicKeyInfo of its latest enrolment; null for a box known only by its entries. */
  key: Uint8Array | null
  hall: string | null
  enrolled_at: number | null
  agent: string | null
  epoch: Uint8Array | null
  seq: number | null
  received_at: number | null
}

export interface ServiceRow {
  case_number: string
  service: number
  position: number
  source: string
  item: string | null
  window: string | null
  clerk: string | null
  served_at: number | null
  registered_at: number
}

/** A prompt; `position` is null while only its end or its rating is known. */
export interface PromptRow {
  box: string
  prompt: Uint8Array
  position: number | null
  window: string | null
  origin: PromptOrigin | null
  case_number: string | null
  service: number | null
  clerk: string | null
  opened_at: number | null
  outcome: Outcome | null
  reason: string | null
  ended_position: number | null
  ended_at: number | null
  /** The day it is counted on, days since 1970-01-01 by the calendar of China; null while it is not known to be opened. */
  day: number | null
  /** Whether it cannot have been another day. */
  day_sure: 0 | 1 | null
}

/** Where the time line of an epoch ends, so far. */
export interface TimeChainRow extends ChainEnd {
  box: string
  epoch: Uint8Array
}

/**
 * What a press is worth:
 * - `effective`: the one rating of its (case, service);
 * - `not-registered`: the same, but no business system has registered that service yet;
 * - `replaced`: the citizen corrected it;
 * - `duplicate`: a later prompt's, or a second one of the same prompt;
 * - `pool`: its prompt had no case;
 * - `no-prompt`: its prompt is not known;
 * - `prompt-ended`: its prompt had already ended in another way.
 */
export const STANDINGS = [
  'effective',
  'not-registered',
  'replaced',
  'duplicate',
  'pool',
  'no-prompt',
  'prompt-ended',
] as const
export type Standing = (typeof STANDINGS)[number]

/** Worth of a press that counts for no registered service: a person should look. */
export const POOL_STANDINGS = ['pool', 'not-registered', 'no-prompt', 'prompt-ended'] as const satisfies Standing[]
export type PoolStanding = (typeof POOL_STANDINGS)[number]

export interface RatingRow {
  position: number
  box: string
  epoch: Uint8Array
  seq: number
  hash: Uint8Array
  prompt: Uint8Array
  kind: Extract<EntryKind, 'rating' | 'correction'>
  provenance: 'pad' | 'screen'
  grade: Grade | null
  /** Why it does not open; null when it does. */
  fault: string | null
  tags: string | null
  words: string | null
  at: number
  received_at: number
  standing: Standing
}

/** Evidence that contradicts other evidence; kept, counted, and never acted upon. */
export interface OddityRow {
  position: number
  box: string
  code: string
}

/** A key a box was enrolled with, at `position`, until its next one. */
export interface BoxKeyRow {
  position: number
  box: string
  /** SubjectPublicKeyInfo; null for a revoked certificate whose key was never known here. */
  key: Uint8Array | null
  revoked_position: number | null
  revoked_at: number | null
  serial: string | null
  reason: string | null
}

/** One journal of a box, from its first committed entry to the last. */
export interface EpochRow {
  box: string
  epoch: Uint8Array
  position: number
  first_seq: number
  last_seq: number
  last_hash: Uint8Array
  began_at: number
  /** Why it began, in its own words; null when it does not say. */
  reason: EpochReason | null
  /** The epoch of this box that was the newest before it; the one it names itself, where of that nothing came. */
  previous: Uint8Array | null
  origin: OriginVerdict
  /** Entries of the one before that it says there were, and that had not come when it began. */
  missing: number
  /** Number at which it says the one before ended; null where that is not believed, or not said. */
  ended_seq: number | null
}
export type EpochReason = NonNullable<EntryBody<'boot'>['origin']>['reason']

/** Whether what an epoch says of the one before fits what is committed of that. */
export const ORIGIN_VERDICTS = ['first', 'explained', 'unexplained'] as const
export type OriginVerdict = (typeof ORIGIN_VERDICTS)[number]

/** Entries of a box that were given up so that what follows could be taken. */
export interface GapRow {
  box: string
  epoch: Uint8Array
  from_seq: number
  to_seq: number
  /** The hash that what follows hangs on. */
  previous: Uint8Array
  position: number
  at: number
  /** Who said why, and what; null while nobody has. */
  explained_by: string | null
  note: string | null
}

export interface FindingRow {
  box: string
  code: FindingCode
  epoch: Uint8Array
  seq: number
  hash: Uint8Array
  position: number
  at: number
}

/** A batch of a revoked box that a person took. */
export interface AcceptanceRow {
  box: string
  batch: Uint8Array
  epoch: Uint8Array
  first_seq: number
  last_seq: number
  accepted_by: string
  reason: string
  position: number
}

/** What a finished day brought of one hall. */
export interface DigestRow {
  day: string
  hall: string
  position: number
  entries: number
  root: Uint8Array
  batches: Uint8Array
}

/** What `rebuild` makes anew, each with the columns that order it. */
export const PROJECTION_TABLES = {
  boxes: ['box'],
  services: ['case_number', 'service'],
  prompts: ['box', 'prompt'],
  ratings: ['position'],
  oddities: ['position', 'code'],
  box_keys: ['position'],
  epochs: ['box', 'epoch'],
  gaps: ['box', 'epoch', 'from_seq'],
  findings: ['box', 'code', 'epoch'],
  acceptances: ['box', 'batch'],
  digests: ['day', 'hall'],
  time_chains: ['box', 'epoch'],
  time_marks: ['position'],
  instants: ['position'],
} as const satisfies { [T in keyof Tables]?: readonly (keyof Tables[T])[] }
