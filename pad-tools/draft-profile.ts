import { stringify } from 'yaml'
import type { KeyMeaning } from '#agent/pad/grade-table.ts'
import type { Text } from '#runtime/language.ts'
import { type FoundLayout, GRADE_OF } from './findings.ts'

/** What a profile has that says nothing of it; a key that repeats more slowly would be a fresh press each time. */
const HOLD_OFF_MS = 400
const HOLD_OFF_MARGIN_MS = 200

/** The settings under which the pad was heard. */
export interface LearntLine {
  readonly baud: number
  readonly parity: 'none' | 'even' | 'odd'
}

export interface DraftWords {
  readonly id: string
  readonly title: Text
  readonly grades: readonly KeyMeaning[]
  readonly line: LearntLine
  readonly silenceMs: number
  readonly repeats: Repeats | null
  /** Where editors find the schema, from the profile's folder. */
  readonly schema: string
  readonly source: string
}

/** How often a press comes again while nobody answers. */
export interface Repeats {
  readonly everyMs: number
  /** The same number in each press: not how long the key was held decides it. */
  readonly times: number | null
}

const MEANINGS: Record<string, Text> = {
  key: { zh: '群众按键', en: 'a citizen pressed a key' },
  released: { zh: '松开按键', en: 'a key was let go' },
}

/** The text of a profile that says what was found, each statement marked as learnt. */
export function draftProfile(layout: FoundLayout, words: DraftWords): string {
  const { id, title, grades, line, silenceMs, repeats } = words
  const events = Object.fromEntries(
    layout.events.map(({ name, event, keys }) => [
      name,
      {
        frame: 'from-pad',
        meaning: MEANINGS[name.replace(/-\d+$/, '')]!,
        ...event,
        ...(keys.length > 0 && { grades: GRADE_OF(grades, keys) }),
      },
    ]),
  )
  const file = {
    format: 1,
    id,
    version: 1,
    title,
    evidence: 'learnt',
    source: words.source,
    line: { baud: line.baud, ...(line.parity !== 'none' && { parity: line.parity }) },
    ...(layout.address !== null && { address: { default: layout.address, min: 0, max: 255 } }),
    site: [...(layout.address !== null ? ['address'] : []), 'grades', 'timeouts'],
    capabilities: { levels: layout.events.reduce((sum, { keys }) => sum + keys.length, 0) },
    behaviour: {
      silence: `${silenceMs}ms`,
      ...(repeats && repeats.everyMs >= HOLD_OFF_MS && { holdOff: `${repeats.everyMs + HOLD_OFF_MARGIN_MS}ms` }),
      ...(repeats &&
        (repeats.times === null
          ? { heldRepeats: `${repeats.everyMs}ms` }
          : { unansweredRepeats: { every: `${repeats.everyMs}ms`, times: repeats.times } })),
    },
    frames: { 'from-pad': layout.frame },
    events,
    health: { none: 'No query is known: the pad was only listened to.' },
    notes: [...layout.facts, ...layout.doubts].map(({ zh, en }) => `${zh} / ${en}`.slice(0, 400)),
  }
  return `# yaml-language-server: $schema=${words.schema}\n${stringify(file, { lineWidth: 118 })}`
}
