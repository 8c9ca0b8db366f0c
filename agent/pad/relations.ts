import { checkBoard } from './board-relations.ts'
import { parseBytes } from './bytes.ts'
import { checkCommand, checkIntents } from './command-relations.ts'
import { fieldsInForce } from './compile-frame.ts'
import { checkEvents } from './event-relations.ts'
import { checkFrame } from './frame-relations.ts'
import type { FrameFile } from './frame-schema.ts'
import { firstBytes } from './layout-relations.ts'
import type { ProfileFile } from './profile-schema.ts'
import type { Report } from './report.ts'
import { checkRun } from './run-relations.ts'
import type { SiteSetting } from './site-schema.ts'

/** What is wrong between parts of a file that are each well formed. */
export interface RelationProblem {
  path: (string | number)[]
  message: string
}

/**
 * Finds everything in a profile that fits the schema and still cannot work. `variants` are the names of the
 * variant in force and of those it builds on.
 */
export function checkRelations(file: ProfileFile, variants: readonly string[] = []): RelationProblem[] {
  const problems: RelationProblem[] = []
  const report: Report = (path, message) => problems.push({ path, message })
  const sound = new Set<string>()
  for (const [name, frame] of Object.entries(file.frames)) {
    const before = problems.length
    checkFrame(name, frame, variants, report)
    if (problems.length === before) sound.add(name)
  }
  checkBareBytes(file, sound, variants, report)
  checkUsed(file, report)
  if (file.board) checkBoard(file.board, report)
  checkRun(file, report)
  checkAddress(file, report)
  checkLine(file, report)
  checkSite(file, report)
  // What leans on a frame that is not sound would only repeat its trouble.
  checkEvents(file, sound, variants, report)
  const beforeCommands = problems.length
  for (const [name, command] of Object.entries(file.commands)) {
    checkCommand(file, name, command, sound, variants, report)
  }
  if (problems.length === beforeCommands) checkIntents(file, report)
  return problems
}

/** A frame that nothing is made of would take bytes from the line and never say what they mean. */
function checkUsed({ frames, events, commands }: ProfileFile, report: Report) {
  const users = { 'from-pad': Object.values(events), 'to-pad': Object.values(commands) }
  for (const [name, { direction }] of Object.entries(frames)) {
    if (users[direction].some(({ frame }) => frame === name)) continue
    const user = direction === 'from-pad' ? 'event (gives: ignored, where it means nothing)' : 'command'
    report(['frames', name], `is used by nothing: no ${user} has the frame ${name}`)
  }
}

/** A bare byte is whole at once: a frame that begins with the same byte would never be seen. */
function checkBareBytes(file: ProfileFile, sound: ReadonlySet<string>, variants: readonly string[], report: Report) {
  const frames = Object.entries(file.frames).filter(([name]) => sound.has(name))
  for (const [name, frame] of frames) {
    if (frame.kind !== 'byte') continue
    const range = { first: Number.parseInt(frame.first!, 16), last: Number.parseInt(frame.last!, 16) }
    for (const [other, candidate] of frames) {
      if (other === name || candidate.direction !== frame.direction) continue
      const begins = beginnings(candidate, variants)
      if (begins === null || begins.some(byte => byte >= range.first && byte <= range.last)) {
        report(
          ['frames', name],
          `hides ${other}, which can begin with the same byte; ${name} holds ${frame.first} to ${frame.last}`,
        )
      }
    }
  }
}

function beginnings(frame: FrameFile, variants: readonly string[]): readonly number[] | null {
  switch (frame.kind) {
    case 'fields':
      return firstBytes(fieldsInForce(frame.layout!, variants))
    case 'table':
      return Object.keys(frame.types!).map(code => Number.parseInt(code, 16))
    case 'byte':
      return [Number.parseInt(frame.first!, 16), Number.parseInt(frame.last!, 16)]
    case 'start-bit':
      return Object.keys(frame.lengths!).map(code => Number.parseInt(code, 16))
    case 'line':
      return Array.from({ length: 95 }, (_, i) => 0x20 + i)
  }
}

function checkAddress(file: ProfileFile, report: Report) {
  const fields = Object.values(file.frames).flatMap(frame => frame.layout?.filter(({ is }) => is === 'address') ?? [])
  if (fields.length > 0 && !file.address)
    report(['frames'], 'a frame has an address field, but the profile has no address')
  if (!file.address) return
  if (fields.length === 0) report(['address'], 'no frame has an address field')
  const { default: value, min = 0, max = 255 } = file.address
  if (value < min || value > max) report(['address', 'default'], `must be from ${min} to ${max}, found ${value}`)
  const limit = 256 ** Math.min(2, ...fields.map(({ size = 1 }) => size)) - 1
  if (max > limit) report(['address', 'max'], `does not fit the address field: at most ${limit}, found ${max}`)
}

function checkLine(file: ProfileFile, report: Report) {
  const others = file.line.baudAlternatives ?? []
  for (const [i, baud] of others.entries()) {
    if (baud === file.line.baud || others.indexOf(baud) !== i) report(['line', 'baudAlternatives', i], 'is there twice')
  }
}

/** A site setting that could change nothing would mislead whoever sets it. */
function checkSite(file: ProfileFile, report: Report) {
  const hasTexts = Object.values(file.commands).some(({ parameters }) =>
    Object.values(parameters ?? {}).some(({ as }) => as === 'text'),
  )
  const missing: Partial<Record<SiteSetting, string>> = {
    ...(!file.address && { address: 'the profile has none' }),
    ...(!file.line.baudAlternatives?.length && { baud: 'the line has no alternatives' }),
    ...(!file.text?.encodings?.length && { encoding: 'text has no other encodings' }),
    ...(!hasTexts && { textBytes: 'no command has a text' }),
    ...(!Object.keys(file.variants ?? {}).length && { variant: 'there are no variants' }),
  }
  for (const [i, name] of (file.site ?? []).entries()) {
    const why = missing[name]
    if (why) report(['site', i], `lists ${name}, but ${why}`)
    if (file.site!.indexOf(name) !== i) report(['site', i], `lists ${name} twice`)
  }
  if (Object.keys(file.variants ?? {}).length > 0 && !file.site?.includes('variant')) {
    report(['variants'], 'can never be chosen: site does not list variant')
  }
  const texts = file.text?.encodings ?? []
  for (const [i, encoding] of texts.entries()) {
    if (encoding === file.text?.encoding || texts.indexOf(encoding) !== i) {
      report(['text', 'encodings', i], 'is there twice')
    }
  }
  if (hasTexts && !file.text && usesProfileEncoding(file))
    report(['commands'], 'a text needs text: the encoding of the profile')
  const filler = file.behaviour.filler
  if (filler && new Set(parseBytes(filler)).size !== parseBytes(filler).length) {
    report(['behaviour', 'filler'], 'names a byte twice')
  }
}

function usesProfileEncoding(file: ProfileFile): boolean {
  return Object.values(file.commands).some(({ parameters }) =>
    Object.values(parameters ?? {}).some(({ as, encoding }) => as === 'text' && encoding === undefined),
  )
}
