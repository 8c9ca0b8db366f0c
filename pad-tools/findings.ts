import type { EventFile } from '#agent/pad/event-schema.ts'
import type { FieldFile, FrameFile } from '#agent/pad/frame-schema.ts'
import type { KeyMeaning } from '#agent/pad/grade-table.ts'
import type { Text } from '#runtime/language.ts'

/** One key as it was heard: the raw value in hex, as tables of a profile write it. */
export interface FoundKey {
  readonly key: number
  readonly raw: string
}

/** What the bytes of a pad turn out to be, in the words of a profile. */
export interface FoundLayout {
  readonly frame: FrameFile
  readonly events: readonly FoundEvent[]
  /** What is certain, for a person. */
  readonly facts: readonly Text[]
  /** What the bytes cannot tell, and what would. */
  readonly doubts: readonly Text[]
  readonly address: number | null
  /** How well a frame proves itself: bytes that must be what they are, and checksums double. */
  readonly proofBytes: number
}

export interface FoundEvent {
  readonly name: string
  readonly event: Omit<EventFile, 'frame' | 'meaning'>
  readonly keys: readonly FoundKey[]
}

export const GRADE_OF = (grades: readonly KeyMeaning[], keys: readonly FoundKey[]) =>
  Object.fromEntries(keys.map(({ key, raw }) => [raw, grades[key]!]))

export type { FieldFile }
