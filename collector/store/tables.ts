import type { EntryKind, PromptOrigin } from '#protocol/entry.ts'
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
  projection_cursor: { id: number; position: number }
  boxes: BoxRow
  services: ServiceRow
  prompts: PromptRow
  ratings: RatingRow
  oddities: OddityRow
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
  /** The signed receipt's bytes; null for the collector's own chain, which gives itself none. */
  receipt: Uint8Array | null
}

/** Which entry registered a service: decides repeats inside the commit, where a projection would be too late. */
export interface RegistrationRow {
  case_number: string
  service: number
  position: number
}

export interface QuarantineRow {
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

export interface BoxRow {
  box: string
  /** SubjectPublicKeyInfo of its latest enrolment; null for a box known only by its entries. */
  key: Uint8Array | null
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

/** What `rebuild` makes anew, each with the columns that order it. */
export const PROJECTION_TABLES = {
  boxes: ['box'],
  services: ['case_number', 'service'],
  prompts: ['box', 'prompt'],
  ratings: ['position'],
  oddities: ['position', 'code'],
} as const satisfies { [T in keyof Tables]?: readonly (keyof Tables[T])[] }
