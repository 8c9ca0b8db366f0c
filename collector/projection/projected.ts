import type { Instant } from '#collector/time/instant.ts'
import type { Entry } from '#protocol/entry.ts'
import type { Result } from '#protocol/result.ts'
import type { RatingText } from '#protocol/sealing.ts'

/** One committed entry, decoded, and opened where it was sealed. */
export interface ProjectedEntry {
  position: number
  box: string
  epoch: Uint8Array
  seq: number
  hash: Uint8Array
  receivedAtMs: number
  entry: Entry
  /** Only of a rating or a correction. */
  opened?: Result<RatingText>
  /** When it was made, by what is known where it is applied; only of a box's. */
  instant?: Instant
}

/** What changed, for those who watch. */
export interface Touched {
  services: Map<string, { case: string; service: number }>
  ratings: Set<number>
  boxes: Set<string>
  /** Key and hall of boxes enrolled, the latest of each. */
  keys: Map<string, { key: Uint8Array; hall: string }>
  /** Boxes of which entries are known to be missing for ever, more or otherwise than before. */
  gaps: Set<string>
}

export function touchNothing(): Touched {
  return { services: new Map(), ratings: new Set(), boxes: new Set(), keys: new Map(), gaps: new Set() }
}

export function touchService(touched: Touched, caseNumber: string, service: number) {
  touched.services.set(`${service} ${caseNumber}`, { case: caseNumber, service })
}
