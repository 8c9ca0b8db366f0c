import { GRADES } from '#protocol/grades.ts'
import { parseBytes } from './bytes.ts'
import { type LinePattern, parseLinePattern, rawOfText } from './event-rule.ts'
import type { EventFile } from './event-schema.ts'
import { checkFits, type FieldSizes, fieldSizes } from './field-sizes.ts'
import { TYPE_FIELD } from './frame.ts'
import type { FrameFile } from './frame-schema.ts'
import type { ProfileFile } from './profile-schema.ts'
import { ratingKeys } from './rating-keys.ts'
import { notAmong, type Report } from './report.ts'

/** The names of the frames of one direction. */
export function framesOf({ frames }: ProfileFile, direction: FrameFile['direction']): string[] {
  return Object.entries(frames).flatMap(([name, frame]) => (frame.direction === direction ? [name] : []))
}

/** Finds what in the events cannot be, cannot be reached, or means two things. */
export function checkEvents(
  file: ProfileFile,
  sound: ReadonlySet<string>,
  variants: readonly string[],
  report: Report,
) {
  for (const [name, event] of Object.entries(file.events)) {
    const path = ['events', name]
    const frame = file.frames[event.frame]
    if (!frame) report([...path, 'frame'], notAmong('frame', event.frame, framesOf(file, 'from-pad')))
    else if (frame.direction !== 'from-pad')
      report(
        [...path, 'frame'],
        `must be a frame from-pad, one of ${framesOf(file, 'from-pad').join(', ')}; found ${event.frame}`,
      )
    else if (sound.has(event.frame)) checkEvent(event, frame, path, variants, report)
    checkReachable(file, name, event, report)
  }
  checkGrades(file, report)
  checkOverlaps(file, report)
}

function checkEvent(event: EventFile, frame: FrameFile, path: string[], variants: readonly string[], report: Report) {
  const type = event.match?.[TYPE_FIELD]
  const sizes = fieldSizes(frame, variants, type)
  if (frame.kind === 'table' && !Object.keys(frame.types!).some(code => code.toUpperCase() === type?.toUpperCase())) {
    return report(path, `must match type, one of ${Object.keys(frame.types!).join(', ')}; found ${type ?? 'none'}`)
  }
  for (const part of ['match', 'starts'] as const) {
    for (const [field, text] of Object.entries(event[part] ?? {})) {
      const length = parseBytes(text).length
      const size = sizes[field]
      const bytes =
        part === 'starts' && size ? { min: Math.max(length, size.min), max: Math.max(length, size.max) } : undefined
      checkFits(sizes, field, bytes ?? { min: length, max: length }, [...path, part, field], report)
      checkAllowed(frame, field, text, [...path, part, field], report)
    }
  }
  for (const [field, text] of Object.entries(event.masks ?? {})) {
    const matched = event.match?.[field] ?? event.starts?.[field]
    if (matched === undefined) report([...path, 'masks', field], 'masks a field that is not matched')
    else if (parseBytes(matched).length !== parseBytes(text).length) {
      report([...path, 'masks', field], 'must have as many bytes as what it masks')
    }
  }
  for (const [field, size] of Object.entries(event.sizes ?? {})) {
    checkFits(sizes, field, { min: size, max: size }, [...path, 'sizes', field], report)
  }
  for (const [field, text] of Object.entries(event.answer?.replace ?? {})) {
    const length = parseBytes(text).length
    checkFits(sizes, field, { min: length, max: length }, [...path, 'answer', 'replace', field], report)
    const isFixed = sizes[field]?.min === sizes[field]?.max || event.sizes?.[field] === length
    if (!isFixed)
      report([...path, 'answer', 'replace', field], 'must have the size of what it replaces: say it in sizes')
  }
  if (event.answer && frame.kind !== 'fields') report([...path, 'answer'], 'only a frame with fields can be sent back')
  if ((event.line === undefined) === (frame.kind === 'line')) {
    report([...path, 'line'], frame.kind === 'line' ? 'is required for a line frame' : 'needs a line frame')
  }
  checkTables(event, frame, sizes, path, report)
}

function checkAllowed(frame: FrameFile, field: string, text: string, path: (string | number)[], report: Report) {
  const allowed = frame.layout?.find(({ name }) => name === field)?.oneOf
  if (allowed !== undefined && !parseBytes(allowed).includes(parseBytes(text)[0]!)) {
    report(path, `can never be: ${text} is none of the bytes of the field, ${allowed}`)
  }
}

type Table = 'grades' | 'staffKeys' | 'codes'
const TABLES: Partial<Record<EventFile['gives'], { table: Table; isRequired: boolean }>> = {
  key: { table: 'grades', isRequired: true },
  keys: { table: 'grades', isRequired: true },
  'staff-key': { table: 'staffKeys', isRequired: true },
  error: { table: 'codes', isRequired: false },
  status: { table: 'codes', isRequired: false },
}

function checkTables(event: EventFile, frame: FrameFile, sizes: FieldSizes, path: string[], report: Report) {
  const wanted = TABLES[event.gives]
  for (const table of ['grades', 'staffKeys', 'codes'] as const) {
    if (table !== wanted?.table && event[table]) {
      report([...path, table], `means nothing for an event that gives ${event.gives}`)
    }
  }
  if (event.pressed && event.gives !== 'keys') report([...path, 'pressed'], 'belongs to an event that gives keys')
  if (event.encoding && event.gives !== 'text') report([...path, 'encoding'], 'belongs to an event that gives text')
  if (wanted?.isRequired && !event[wanted.table])
    report(path, `an event that gives ${event.gives} needs ${wanted.table}`)
  const size = rawBytes(event, frame, sizes, path, report)
  if (wanted && event[wanted.table] && size === undefined && !hasHole(event) && frame.kind !== 'byte') {
    return report(path, 'needs value: the field that holds the raw value')
  }
  const table = wanted && event[wanted.table]
  for (const text of Object.keys(table ?? {}))
    checkRaw(event, frame, text, size, [...path, wanted!.table, text], report)
}

function hasHole(event: EventFile): boolean {
  return event.line !== undefined && /\{(decimal|hex)\}/.test(event.line)
}

/** The bytes that a raw value of this event has; undefined where it is no bytes, or has none. */
function rawBytes(
  event: EventFile,
  frame: FrameFile,
  sizes: FieldSizes,
  path: string[],
  report: Report,
): { min: number; max: number } | undefined {
  const { value } = event
  if (!value) return frame.kind === 'byte' ? { min: 1, max: 1 } : undefined
  if (frame.kind === 'line') return void report([...path, 'value'], 'means nothing for a line: its hole is the value')
  const field = sizes[value.field]
  if (!field)
    return void report([...path, 'value', 'field'], notAmong('field with a value', value.field, Object.keys(sizes)))
  if (value.byte && (value.at !== undefined || value.size !== undefined)) {
    report([...path, 'value', 'byte'], 'and at or size exclude each other')
  }
  const exact = event.sizes?.[value.field]
  const whole = exact === undefined ? field : { min: exact, max: exact }
  const first = value.at ?? 0
  if (value.byte) return { min: 1, max: 1 }
  if (first + (value.size ?? 1) > whole.max)
    report([...path, 'value'], `reaches past the ${whole.max} bytes of the field`)
  if (value.size !== undefined) return { min: value.size, max: value.size }
  if (event.gives !== 'text' && whole.min - first > 6)
    report([...path, 'value', 'size'], 'at most 6 bytes are a number')
  return { min: Math.max(1, whole.min - first), max: whole.max - first }
}

function checkRaw(
  event: EventFile,
  frame: FrameFile,
  text: string,
  size: { min: number; max: number } | undefined,
  path: string[],
  report: Report,
) {
  const bytes = parseBytes(text)
  const as = event.value?.as ?? 'big'
  const raw = rawOfText(text)
  if (bytes.length > 4) return report(path, 'a raw value has at most 4 bytes')
  if (size && as === 'big' && event.gives !== 'keys' && (bytes.length < size.min || bytes.length > size.max)) {
    report(
      path,
      `must have ${size.min === size.max ? size.min : `${size.min} to ${size.max}`} bytes, found ${bytes.length}`,
    )
  }
  if (frame.kind === 'byte' && (raw < Number.parseInt(frame.first!, 16) || raw > Number.parseInt(frame.last!, 16))) {
    report(path, `can never be: the frame holds ${frame.first} to ${frame.last}, found ${text}`)
  }
  if (event.value && as === 'big') checkAllowed(frame, event.value.field, text, path, report)
  if (event.gives === 'keys' && (raw === 0 || (raw & (raw - 1)) !== 0))
    report(path, `must be one bit: 01, 02, 04, …; found ${text}`)
}

/** An event that nothing can bring about would make a profile look richer than its pad. */
function checkReachable(file: ProfileFile, name: string, event: EventFile, report: Report) {
  const isExpected = Object.values(file.commands).some(
    ({ expects }) => expects?.events?.includes(name) || expects?.refusals?.includes(name),
  )
  const needsAsking =
    event.solicited || event.gives === 'acknowledgement' || file.frames[event.frame]?.believed === 'while-requested'
  if (needsAsking && !isExpected) report(['events', name], 'can never come: no command expects it')
}

/** A grade on two keys would let a site believe that two different presses are one. */
function checkGrades(file: ProfileFile, report: Report) {
  const seen = new Map<string, string>()
  const tables: [string[], Record<string, string>][] = Object.entries(file.events).map(([name, { grades }]) => [
    ['events', name, 'grades'],
    grades ?? {},
  ])
  if (file.board) tables.push([['board', 'grades'], file.board.grades])
  for (const [path, grades] of tables) {
    const raws = new Set<number>()
    for (const [text, meaning] of Object.entries(grades)) {
      const raw = rawOfText(text)
      if (raws.has(raw)) report([...path, text], 'the same raw value stands here twice')
      raws.add(raw)
      if (!(GRADES as readonly string[]).includes(meaning)) continue
      const other = seen.get(meaning)
      if (other !== undefined) report([...path, text], `${meaning} is already the meaning of ${other}`)
      seen.set(meaning, text)
    }
  }
  if (seen.size === 0 && file.kind !== 'output') report(['events'], 'no key has a grade')
  const keys = ratingKeys(file)
  const { levels } = file.capabilities ?? {}
  if (levels !== undefined && levels !== keys) {
    report(['capabilities', 'levels'], `must be the number of rating keys in the tables, ${keys}; found ${levels}`)
  }
}

function checkOverlaps(file: ProfileFile, report: Report) {
  const events = Object.entries(file.events)
  for (const [i, [name, event]] of events.entries()) {
    for (const [otherName, other] of events.slice(0, i)) {
      if (event.frame === other.frame && !isApart(event, other)) {
        report(['events', name], `matches frames that ${otherName} also matches`)
      }
    }
  }
}

function isApart(a: EventFile, b: EventFile): boolean {
  if (a.line !== undefined && b.line !== undefined)
    return areLinesApart(parseLinePattern(a.line), parseLinePattern(b.line))
  const bytesOf = (event: EventFile, field: string) => event.match?.[field] ?? event.starts?.[field]
  const fields = new Set([...Object.keys(a.match ?? {}), ...Object.keys(a.starts ?? {})])
  const isBytesApart = [...fields].some(field => {
    const [x, y] = [bytesOf(a, field), bytesOf(b, field)]
    if (x === undefined || y === undefined) return false
    if (a.match?.[field] && b.match?.[field] && x.length !== y.length) return true
    const [p, q] = [parseBytes(x), parseBytes(y)]
    const [m, n] = [a.masks?.[field], b.masks?.[field]].map(mask => (mask ? parseBytes(mask) : null))
    return p.some((byte, i) => i < q.length && ((byte ^ q[i]!) & (m?.[i] ?? 255) & (n?.[i] ?? 255)) !== 0)
  })
  return isBytesApart || [...fields, ...Object.keys(a.sizes ?? {})].some(field => areSizesApart(a, b, field))
}

function areSizesApart(a: EventFile, b: EventFile, field: string): boolean {
  const sizeOf = (event: EventFile) =>
    event.sizes?.[field] ?? (event.match?.[field] ? parseBytes(event.match[field]).length : undefined)
  const [x, y] = [sizeOf(a), sizeOf(b)]
  return x !== undefined && y !== undefined && x !== y
}

function areLinesApart(a: LinePattern, b: LinePattern): boolean {
  if (a.hole === null && b.hole === null) return a.before !== b.before
  if (a.hole === null) return !couldBe(b, a.before)
  if (b.hole === null) return !couldBe(a, b.before)
  const isPrefix = a.before.startsWith(b.before) || b.before.startsWith(a.before)
  const isSuffix = a.after.endsWith(b.after) || b.after.endsWith(a.after)
  return !isPrefix || !isSuffix
}

function couldBe({ before, hole, after }: LinePattern, text: string): boolean {
  if (text.length < before.length + after.length || !text.startsWith(before) || !text.endsWith(after)) return false
  const inside = text.slice(before.length, text.length - after.length)
  return hole === 'any' || (hole === 'hex' ? /^[0-9A-Fa-f]+$/ : /^[0-9]+$/).test(inside)
}
