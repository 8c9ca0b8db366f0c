import { parseBytes } from './bytes.ts'
import type { CommandFile, ParameterFile } from './command-schema.ts'
import { compileParameters } from './compile-parameter.ts'
import { framesOf } from './event-relations.ts'
import { checkFits, fieldSizes } from './field-sizes.ts'
import { INTENTS, type ProfileFile } from './profile-schema.ts'
import { notAmong, type Report } from './report.ts'
import type { StepFile } from './run-schema.ts'
import { parseTemplate, templateSizes } from './template.ts'

type Path = (string | number)[]

/** Finds what in one command cannot be written, or would not fit its frame. */
export function checkCommand(
  file: ProfileFile,
  name: string,
  command: CommandFile,
  sound: ReadonlySet<string>,
  variants: readonly string[],
  report: Report,
) {
  const path = ['commands', name]
  if ((INTENTS as readonly string[]).includes(name))
    report(path, `has the name of an intent; those are ${INTENTS.join(', ')}`)
  const frame = file.frames[command.frame]
  if (!frame) return report([...path, 'frame'], notAmong('frame', command.frame, framesOf(file, 'to-pad')))
  if (frame.direction !== 'to-pad') {
    return report(
      [...path, 'frame'],
      `must be a frame to-pad, one of ${framesOf(file, 'to-pad').join(', ')}; found ${command.frame}`,
    )
  }
  if (!sound.has(command.frame)) return
  let isSound = true
  const found: Report = (at, message) => {
    isSound = false
    report(at, message)
  }
  for (const [key, parameter] of Object.entries(command.parameters ?? {})) {
    checkParameter(file, command, parameter, [...path, 'parameters', key], found)
  }
  checkUse(command, path, found)
  if (!isSound) return
  const { segments } = command
  const parameters = compileParameters(command, segments ? { [segments.of]: segments.bytesMax } : {})
  const sizes = fieldSizes(frame, variants, templateType(command))
  for (const [field, text] of Object.entries(command.fields)) {
    const size = templateSizes(parseTemplate(text), parameters)
    checkFits(sizes, field, size, [...path, 'fields', field], report)
  }
  for (const field of Object.keys(sizes)) {
    if (command.fields[field] === undefined) report([...path, 'fields'], `does not say what is in ${field}`)
  }
}

/** Of a frame by table the first byte, where the command says it as a constant. */
function templateType({ fields }: CommandFile): string | undefined {
  return fields['type']
}

/** Every hole is a declared parameter, each is used once, and only one part of a field varies in a way that cannot be told apart. */
function checkUse(command: CommandFile, path: Path, report: Report) {
  const used = new Set<string>()
  for (const [field, text] of Object.entries(command.fields)) {
    const at = [...path, 'fields', field]
    const names = parseTemplate(text).filter(part => typeof part === 'string')
    for (const name of names) {
      if (!command.parameters?.[name]) {
        report(at, `uses a parameter that is not declared: ${name}; ${declared(command)}`)
      }
      if (used.has(name)) report(at, `uses a parameter twice: ${name}`)
      used.add(name)
    }
    const texts = names.filter(name => command.parameters?.[name]?.as === 'text')
    if (texts.length > 1) report(at, `holds more than one text: ${texts.join(', ')}; give each a field of its own`)
  }
  for (const name of Object.keys(command.parameters ?? {})) {
    if (!used.has(name)) report([...path, 'parameters', name], 'is declared but not used')
  }
  const segmented = command.segments?.of
  if (segmented !== undefined && command.parameters?.[segmented]?.as !== 'text') {
    report([...path, 'segments', 'of'], notAmong('text', segmented, textsOf(command)))
  }
  if (command.segments && command.expects?.echo) report([...path, 'segments'], 'cannot be answered by an echo')
}

function textsOf({ parameters }: CommandFile): string[] {
  return Object.entries(parameters ?? {}).flatMap(([name, { as }]) => (as === 'text' ? [name] : []))
}

function declared({ parameters }: CommandFile): string {
  const names = Object.keys(parameters ?? {})
  return names.length === 0 ? 'none is' : `declared: ${names.join(', ')}`
}

type Key = Exclude<keyof ParameterFile, 'as' | 'meaning' | 'default'>
const NUMBER: Key[] = ['bytes', 'min', 'max', 'scale', 'blank']
const BELONGS: Record<NonNullable<ParameterFile['as']>, { needs: Key[]; may: Key[] }> = {
  number: { needs: ['min', 'max'], may: [...NUMBER, 'endian'] },
  digits: { needs: ['min', 'max'], may: NUMBER },
  bcd: { needs: ['min', 'max'], may: NUMBER },
  decimal: { needs: ['min', 'max'], may: NUMBER },
  'seven-bit': { needs: ['min', 'max'], may: NUMBER },
  text: {
    needs: ['bytesMax'],
    may: ['encoding', 'padWith', 'terminator', 'escapes', 'escapesIn', 'sevenBit'],
  },
  encoding: { needs: ['codes'], may: [] },
  'size-of': { needs: ['of'], may: ['bytes', 'coded', 'endian'] },
  'segment-number': { needs: [], may: ['bytes', 'coded', 'min'] },
  'segment-count': { needs: [], may: ['bytes', 'coded'] },
}
const BASES = { number: 256, digits: 10, bcd: 100, decimal: 10, 'seven-bit': 128 } as const

function checkParameter(file: ProfileFile, command: CommandFile, parameter: ParameterFile, path: Path, report: Report) {
  const { as = 'number' } = parameter
  const { needs, may } = BELONGS[as]
  for (const key of needs) if (parameter[key] === undefined) report(path, `as ${as} needs ${key}`)
  for (const key of Object.keys(parameter)) {
    if (['as', 'meaning', 'default'].includes(key) || needs.includes(key as Key) || may.includes(key as Key)) continue
    report([...path, key], `means nothing as ${as}`)
  }
  if (as === 'text') return checkText(file, command, parameter, path, report)
  if (as === 'encoding') return checkEncodings(file, parameter, path, report)
  if (as === 'size-of') {
    if (command.parameters?.[parameter.of ?? '']?.as !== 'text')
      report([...path, 'of'], notAmong('text', parameter.of, textsOf(command)))
    return
  }
  if (as === 'segment-number' || as === 'segment-count') {
    if (!command.segments) report(path, `as ${as} needs segments in the command`)
    return
  }
  checkNumber(parameter, BASES[as], path, report)
}

function checkNumber(parameter: ParameterFile, base: number, path: Path, report: Report) {
  const { min = 0, max = 0, default: value, blank, scale, as } = parameter
  const bytes = parameter.bytes ?? (as === 'decimal' ? 10 : 1)
  const limit = base ** bytes - 1
  const most = Math.round((max * (scale?.wire ?? 1)) / (scale?.value ?? 1))
  if (most > limit) report([...path, 'max'], `does not fit ${bytes} bytes: at most ${limit} on the line, found ${most}`)
  if (min > max) report([...path, 'min'], 'must not be above max')
  if (typeof value === 'string') report([...path, 'default'], `must be a number, found ${JSON.stringify(value)}`)
  else if (value !== undefined && (value < min || value > max)) {
    report([...path, 'default'], `must be from ${min} to ${max}, found ${value}`)
  }
  if (blank !== undefined && as === 'decimal' && !parameter.bytes) report([...path, 'blank'], 'needs a fixed size')
}

function checkText(file: ProfileFile, command: CommandFile, parameter: ParameterFile, path: Path, report: Report) {
  const { padWith, bytesMax, escapes, encoding = file.text?.encoding } = parameter
  if (padWith && bytesMax! % parseBytes(padWith).length !== 0) {
    report([...path, 'padWith'], `does not fill ${bytesMax} bytes evenly`)
  }
  if (encoding?.startsWith('utf-16') && bytesMax! % 2 !== 0) report([...path, 'bytesMax'], 'must be even for UTF-16')
  if (escapes && encoding?.startsWith('utf-16')) report([...path, 'escapes'], 'are of bytes; UTF-16 has none alone')
  if (escapes && !parameter.escapesIn && /^(gb|big5)/.test(encoding ?? '')) {
    report(path, 'must say escapesIn: whether the second byte of a double-byte character is escaped too')
  }
  const { segments } = command
  if (segments && command.parameters?.[segments.of] === parameter && segments.bytesMax > bytesMax!) {
    report([...path, 'bytesMax'], 'is less than one segment')
  }
}

function checkEncodings(file: ProfileFile, { codes }: ParameterFile, path: Path, report: Report) {
  const sizes = new Set(Object.values(codes ?? {}).map(code => parseBytes(code as string).length))
  if (sizes.size > 1) report([...path, 'codes'], 'must all have the same number of bytes')
  for (const encoding of [file.text?.encoding, ...(file.text?.encodings ?? [])]) {
    if (encoding && codes && !(encoding in codes)) report([...path, 'codes'], `has no code for ${encoding}`)
  }
}

/** Finds steps that name what is not there, or leave a parameter without any value. */
export function checkIntents(file: ProfileFile, report: Report) {
  for (const [intent, steps] of Object.entries(file.intents)) {
    for (const [i, step] of ((steps ?? []) as StepFile[]).entries()) {
      checkStep(file, intent, step, ['intents', intent, i], report)
    }
  }
  for (const part of ['poll', 'health'] as const) {
    const send = file[part]?.send
    // That there is no such command has been said.
    if (send !== undefined && file.commands[send]) checkStep(file, part, { send }, [part, 'send'], report)
  }
}

/** What the box gives by itself with an intent. */
const GIVEN: Readonly<Record<string, readonly string[]>> = { clerk: ['name', 'number'] }

function checkStep(file: ProfileFile, intent: string, step: StepFile, path: Path, report: Report) {
  const command = file.commands[step.send]
  if (!command) return report([...path, 'send'], notAmong('command', step.send, Object.keys(file.commands)))
  for (const [name, value] of Object.entries(step.with ?? {})) {
    const parameter = command.parameters?.[name]
    if (!parameter)
      report(
        [...path, 'with', name],
        notAmong(`parameter of ${step.send}`, name, Object.keys(command.parameters ?? {})),
      )
    else checkValue(parameter, value, [...path, 'with', name], report)
  }
  for (const [name, parameter] of Object.entries(command.parameters ?? {})) {
    const isGiven = step.with?.[name] !== undefined || GIVEN[intent]?.includes(name)
    const needsValue = ['number', 'digits', 'bcd', 'decimal', 'seven-bit', 'text'].includes(parameter.as ?? 'number')
    if (needsValue && !isGiven && parameter.default === undefined && parameter.blank === undefined) {
      report(path, `must give ${name}: the parameter has neither default nor blank`)
    }
  }
}

function checkValue(parameter: ParameterFile, value: number | string, path: Path, report: Report) {
  const { as = 'number', min = 0, max = 0 } = parameter
  if (as === 'text') return
  if (typeof value !== 'number') report(path, `must be a number, found ${JSON.stringify(value)}`)
  else if (value < min || value > max) report(path, `must be from ${min} to ${max}, found ${value}`)
}
