import type { Text } from '#runtime/language.ts'
import { type ByteList, numberOf, parseBytes } from './bytes.ts'
import type { Encoding } from './encoding-names.ts'
import type { EventFile } from './event-schema.ts'
import { BYTE_FIELD, LINE_FIELD } from './frame.ts'
import type { FrameFile } from './frame-schema.ts'
import type { KeyMeaning } from './grade-table.ts'

/** One thing that a pad can say, and how it is known. */
export interface EventRule {
  readonly name: string
  readonly frame: string
  readonly meaning: Text
  /** Fields that must hold, or begin with, these bytes where the mask has ones. */
  readonly match: readonly FieldTest[]
  readonly sizes: Readonly<Record<string, number>>
  /** Null but for lines. */
  readonly line: LinePattern | null
  readonly gives: EventFile['gives']
  /** Null where the event has no raw value. */
  readonly value: RawValue | null
  readonly keys: readonly KeyEntry[]
  /** Of a bit map: whether a bit of a pressed key is 0. */
  readonly isPressedLow: boolean
  readonly staffKeys: readonly NamedEntry[]
  readonly codes: readonly NamedEntry[]
  readonly encoding: Encoding | 'seven-bit'
  readonly isSolicited: boolean
  /** Null where the pad expects no answer; an empty replacement is an exact echo. */
  readonly answer: Readonly<Record<string, ByteList>> | null
}

export interface FieldTest {
  readonly field: string
  readonly bytes: ByteList
  readonly mask: ByteList
  /** Whether the field may be longer. */
  readonly isPrefix: boolean
}

export interface RawValue {
  readonly field: string
  /** First byte; negative counts from the end. */
  readonly at: number
  /** Bytes; 0 for all that follow. */
  readonly size: number
  readonly as: 'big' | 'little' | 'digits' | 'bcd' | 'seven-bit'
}

export interface KeyEntry {
  readonly raw: number
  readonly bytes: ByteList
  readonly meaning: KeyMeaning
}

export interface NamedEntry {
  readonly raw: number
  readonly bytes: ByteList
  readonly name: string
}

/** Literal text around at most one hole. */
export interface LinePattern {
  readonly before: string
  readonly hole: 'decimal' | 'hex' | 'any' | null
  readonly after: string
}

export function compileEvent(name: string, file: EventFile, frame: FrameFile): EventRule {
  const table = (entries: Record<string, string> = {}) =>
    Object.entries(entries)
      .map(([text, value]) => ({ bytes: parseBytes(text), raw: rawOfText(text), name: value }))
      .sort((a, b) => a.raw - b.raw)
  const test = (isPrefix: boolean, [field, text]: [string, string]): FieldTest => {
    const bytes = parseBytes(text)
    const mask = file.masks?.[field]
    return { field, bytes, mask: mask ? parseBytes(mask) : bytes.map(() => 0xff), isPrefix }
  }
  return {
    name,
    frame: file.frame,
    meaning: file.meaning,
    match: [
      ...Object.entries(file.match ?? {}).map(entry => test(false, entry)),
      ...Object.entries(file.starts ?? {}).map(entry => test(true, entry)),
    ],
    sizes: file.sizes ?? {},
    line: file.line === undefined ? null : parseLinePattern(file.line),
    gives: file.gives,
    value: compileValue(file, frame),
    keys: table(file.grades).map(({ name: meaning, ...entry }) => ({ ...entry, meaning: meaning as KeyMeaning })),
    isPressedLow: file.pressed === 'low',
    staffKeys: table(file.staffKeys),
    codes: table(file.codes),
    encoding: file.encoding ?? 'ascii',
    isSolicited: file.solicited ?? file.gives === 'acknowledgement',
    answer: file.answer
      ? Object.fromEntries(Object.entries(file.answer.replace).map(([field, text]) => [field, parseBytes(text)]))
      : null,
  }
}

/** The number that a raw value in a table is. */
export function rawOfText(text: string): number {
  return numberOf(parseBytes(text))
}

export function parseLinePattern(text: string): LinePattern {
  const [, before = '', hole, after = ''] = /^([^{]*)(?:\{(decimal|hex|any)\}(.*))?$/.exec(text)!
  return { before, hole: (hole as LinePattern['hole']) ?? null, after }
}

function compileValue({ value, line, match }: EventFile, frame: FrameFile): RawValue | null {
  if (!value) {
    if (frame.kind === 'byte' && !match) return { field: BYTE_FIELD, at: 0, size: 1, as: 'big' }
    return line === undefined ? null : { field: LINE_FIELD, at: 0, size: 0, as: 'big' }
  }
  const at = value.byte === 'last' ? -1 : (value.at ?? 0)
  return { field: value.field, at, size: value.byte ? 1 : (value.size ?? 0), as: value.as ?? 'big' }
}
