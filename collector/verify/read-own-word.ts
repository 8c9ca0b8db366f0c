import { decodeEntry } from '#protocol/entry.ts'
import type { OwnWord } from './own-words.ts'

/** What an entry of the collector decides; nothing when it decides nothing, or is none. */
export function readOwnWord({ position, bytes }: { position: number; bytes: Uint8Array }): OwnWord[] {
  const entry = decodeEntry(bytes)
  if (!entry.ok) return []
  const { kind, body } = entry.value
  switch (kind) {
    case 'enrolment':
      return [{ position, kind, body }]
    case 'revocation':
      return [{ position, kind, body }]
    case 'acceptance':
      return [{ position, kind, body }]
    case 'gap':
      return [{ position, kind, body }]
    default:
      return []
  }
}
