import { GRADES } from '#protocol/grades.ts'
import { numberOf, parseBytes } from './bytes.ts'
import { checkFrame, type Report } from './frame-relations.ts'
import { BYTE_FIELD } from './profile.ts'
import { type CommandFile, type EventFile, type FrameFile, INTENTS, type ProfileFile } from './profile-schema.ts'
import { checkRun } from './run-relations.ts'
import { parseTemplate, type Template, templateSize } from './template.ts'

/** What is wrong between parts of a file that are each well formed. */
export interface RelationProblem {
  path: (string | number)[]
  message: string
}

/** Finds everything in a profile that fits the schema and still cannot work. */
export function checkRelations(file: ProfileFile): RelationProblem[] {
  const problems: RelationProblem[] = []
  const report: Report = (path, message) => problems.push({ path, message })
  for (const [name, frame] of Object.entries(file.frames)) checkFrame(name, frame, report)
  // Everything after this leans on frames that are sound.
  if (problems.length > 0) return problems
  checkRun(file, report)
  checkAddress(file, report)
  checkLine(file, report)
  for (const [name, event] of Object.entries(file.events)) checkEvent(file, name, event, report)
  checkGrades(file, report)
  checkOverlaps(file, report)
  for (const [name, command] of Object.entries(file.commands)) checkCommand(file, name, command, report)
  if (problems.length === 0) checkIntents(file, report)
  return problems
}

function checkAddress(file: ProfileFile, report: Report) {
  const hasField = Object.values(file.frames).some(frame => frame.layout?.some(({ is }) => is === 'address'))
  if (hasField && !file.address) report(['frames'], 'a frame has an address field, but the profile has no address')
  if (!file.address) {
    if (file.site?.includes('address')) report(['site'], 'lists address, but the profile has none')
    return
  }
  if (!hasField) report(['address'], 'no frame has an address field')
  const { default: value, min = 0, max = 255 } = file.address
  if (value < min || value > max) report(['address', 'default'], `must be from ${min} to ${max}, found ${value}`)
}

function checkLine(file: ProfileFile, report: Report) {
  const others = file.line.baudAlternatives ?? []
  if (file.site?.includes('baud') && others.length === 0)
    report(['site'], 'lists baud, but the line has no alternatives')
  for (const [i, baud] of others.entries()) {
    if (baud === file.line.baud || others.indexOf(baud) !== i) report(['line', 'baudAlternatives', i], 'is there twice')
  }
}

function checkEvent(file: ProfileFile, name: string, event: EventFile, report: Report) {
  const path = ['events', name]
  const sizes = frameSizes(file, event.frame, 'from-pad', [...path, 'frame'], report)
  if (!sizes) return
  for (const [part, entries] of Object.entries({ match: event.match, replace: event.answer?.replace })) {
    const at = part === 'match' ? [...path, 'match'] : [...path, 'answer', 'replace']
    for (const [field, text] of Object.entries(entries ?? {})) {
      checkFits(sizes, field, parseBytes(text).length, [...at, field], report)
    }
  }
  for (const [field, size] of Object.entries(event.sizes ?? {})) {
    checkFits(sizes, field, size, [...path, 'sizes', field], report)
  }
  if (event.answer && file.frames[event.frame]!.kind === 'byte') {
    report([...path, 'answer'], 'a bare byte cannot be answered with a copy')
  }
  checkTable(event, sizes, path, report)
}

function checkTable(event: EventFile, sizes: FieldSizes, path: string[], report: Report) {
  const tables: Partial<Record<EventFile['gives'], 'grades' | 'staffKeys'>> = {
    key: 'grades',
    'staff-key': 'staffKeys',
  }
  const wanted = tables[event.gives]
  for (const table of Object.values(tables)) {
    if (table === wanted && !event[table]) report(path, `an event that gives ${event.gives} needs ${table}`)
    if (table !== wanted && event[table])
      report([...path, table], `means nothing for an event that gives ${event.gives}`)
  }
  if (!wanted) return
  if (!event.value) return report(path, 'needs value: the field that holds the raw value')
  const size = sizes[event.value.field]
  if (!size) return report([...path, 'value', 'field'], `is no field with a value: ${event.value.field}`)
  const expected = event.value.byte ? { min: 1, max: 1 } : (exactSize(event) ?? size)
  for (const text of Object.keys(event[wanted] ?? {})) {
    const length = parseBytes(text).length
    if (length < expected.min || length > expected.max) {
      report([...path, wanted, text], `must have ${expected.min} to ${expected.max} bytes`)
    }
  }
}

function exactSize(event: EventFile) {
  const size = event.sizes?.[event.value?.field ?? '']
  return size === undefined ? undefined : { min: size, max: size }
}

/** A grade on two keys would let a site believe that two different presses are one. */
function checkGrades(file: ProfileFile, report: Report) {
  const seen = new Map<string, string>()
  for (const [name, event] of Object.entries(file.events)) {
    const raws = new Set<number>()
    for (const [text, meaning] of Object.entries(event.grades ?? {})) {
      const path = ['events', name, 'grades', text]
      const raw = numberOf(parseBytes(text))
      if (raws.has(raw)) report(path, 'the same raw value stands here twice')
      raws.add(raw)
      if (!(GRADES as readonly string[]).includes(meaning)) continue
      const other = seen.get(meaning)
      if (other !== undefined) report(path, `${meaning} is already the meaning of ${other}`)
      seen.set(meaning, text)
    }
  }
  if (seen.size === 0 && (file.kind ?? 'pad') === 'pad') report(['events'], 'no key has a grade')
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
  const differs = <V>(x: Record<string, V> = {}, y: Record<string, V> = {}, isOther: (x: V, y: V) => boolean) =>
    Object.keys(x).some(key => y[key] !== undefined && isOther(x[key]!, y[key]!))
  return (
    differs(a.match, b.match, (x, y) => x.toUpperCase() !== y.toUpperCase()) ||
    differs(a.sizes, b.sizes, (x, y) => x !== y)
  )
}

function checkCommand(file: ProfileFile, name: string, command: CommandFile, report: Report) {
  const path = ['commands', name]
  if ((INTENTS as readonly string[]).includes(name)) report(path, 'has the name of an intent')
  const sizes = frameSizes(file, command.frame, 'to-pad', [...path, 'frame'], report)
  if (!sizes) return
  if (file.frames[command.frame]!.kind === 'byte') return report([...path, 'frame'], 'must be a frame with fields')
  const parameters = Object.fromEntries(
    Object.entries(command.parameters ?? {}).map(([key, { bytes = 1 }]) => [key, { size: bytes }]),
  )
  const used = new Set<string>()
  for (const [field, text] of Object.entries(command.fields)) {
    const at = [...path, 'fields', field]
    const template: Template = parseTemplate(text)
    const names = template.filter(part => typeof part === 'string')
    for (const parameter of names) {
      if (!parameters[parameter]) report(at, `uses a parameter that is not declared: ${parameter}`)
      if (used.has(parameter)) report(at, `uses a parameter twice: ${parameter}`)
      used.add(parameter)
    }
    if (names.every(parameter => parameters[parameter])) {
      checkFits(sizes, field, templateSize(template, parameters), at, report)
    }
  }
  for (const field of Object.keys(sizes)) {
    if (command.fields[field] === undefined) report([...path, 'fields'], `does not say what is in ${field}`)
  }
  for (const key of Object.keys(parameters)) {
    if (!used.has(key)) report([...path, 'parameters', key], 'is declared but not used')
  }
  checkParameters(command, path, report)
}

function checkParameters(command: CommandFile, path: string[], report: Report) {
  for (const [name, parameter] of Object.entries(command.parameters ?? {})) {
    const at = [...path, 'parameters', name]
    const { as = 'number', bytes = 1, min, max, default: value, blank } = parameter
    const limit = (as === 'digits' ? 10 : 256) ** bytes - 1
    if (max > limit) report([...at, 'max'], `does not fit ${bytes} bytes: at most ${limit}`)
    if (min > max) report([...at, 'min'], 'must not be above max')
    if (value !== undefined && (value < min || value > max)) report([...at, 'default'], `must be from ${min} to ${max}`)
    if (blank !== undefined && parseBytes(blank).length !== 1) report([...at, 'blank'], 'must be one byte')
  }
}

function checkIntents(file: ProfileFile, report: Report) {
  for (const [intent, steps] of Object.entries(file.intents)) {
    for (const [i, step] of (steps ?? []).entries()) {
      const path = ['intents', intent, i]
      const command = file.commands[step.send]
      if (!command) {
        report([...path, 'send'], `is no command: ${step.send}`)
        continue
      }
      for (const [name, value] of Object.entries(step.with ?? {})) {
        const parameter = command.parameters?.[name]
        if (!parameter) report([...path, 'with', name], `is no parameter of ${step.send}`)
        else if (typeof value === 'string') report([...path, 'with', name], 'must be a number')
        else if (value < parameter.min || value > parameter.max) {
          report([...path, 'with', name], `must be from ${parameter.min} to ${parameter.max}, found ${value}`)
        }
      }
      for (const [name, parameter] of Object.entries(command.parameters ?? {})) {
        if (step.with?.[name] === undefined && parameter.default === undefined && parameter.blank === undefined) {
          report(path, `must give ${name}: the parameter has neither default nor blank`)
        }
      }
    }
  }
}

type FieldSizes = Record<string, { min: number; max: number }>

/** The fields of a frame that carry values, with how many bytes they can have. */
function frameSizes(
  file: ProfileFile,
  name: string,
  direction: FrameFile['direction'],
  path: (string | number)[],
  report: Report,
): FieldSizes | undefined {
  const frame = file.frames[name]
  if (!frame) return void report(path, `is no frame: ${name}`)
  if (frame.direction !== direction) return void report(path, `must be a frame ${direction}`)
  if (frame.kind === 'byte') return { [BYTE_FIELD]: { min: 1, max: 1 } }
  const sizes: FieldSizes = {}
  for (const field of frame.layout ?? []) {
    if (field.is === 'value') sizes[field.name] = { min: field.size!, max: field.size! }
    if (field.is === 'rest') sizes[field.name] = { min: frame.restBytesMin ?? 0, max: frame.restBytesMax! }
  }
  return sizes
}

function checkFits(sizes: FieldSizes, field: string, length: number, path: (string | number)[], report: Report) {
  const size = sizes[field]
  if (!size) return report(path, `is no field with a value: ${field}`)
  if (length < size.min || length > size.max) {
    report(path, `must have ${size.min === size.max ? size.min : `${size.min} to ${size.max}`} bytes, found ${length}`)
  }
}
