import { createHash } from 'node:crypto'
import { basename, join, resolve } from 'node:path'
import { LineCounter, parseDocument } from 'yaml'
import { fail, ok, type Result } from '#protocol/result.ts'
import { parseYaml } from '#runtime/configuration.ts'
import { type FileFault, type FileProblem, fileFault, readText } from '#runtime/yaml-text.ts'
import { BYTES_PATTERN } from './bytes.ts'
import { compileProfile, type Profile } from './profile.ts'
import {
  completeFile,
  type ProfileFile,
  ProfileFileSchema,
  type SiteOverrides,
  TEMPLATE_PATTERN,
} from './profile-schema.ts'
import { checkRelations } from './relations.ts'

export const PROFILE_FILE = 'profile.yaml'
export const GOLDEN_FILE = 'golden.txt'

export interface SiteFault {
  code: 'site-setting-not-allowed' | 'site-setting-not-valid'
  detail: string
}
export type ProfileFault = FileFault | SiteFault

/**
 * Reads the profile in a folder, with what this installation sets differently.
 *
 * Gives back all problems at once with line and column, or a frozen profile that every command and event can
 * be made from. A faulty profile is its own pad's trouble: the caller goes on without that pad.
 */
export function loadProfile(folder: string, overrides: SiteOverrides = {}): Result<Profile, ProfileFault> {
  const path = join(folder, PROFILE_FILE)
  const text = readText(path)
  if (!text.ok) return text
  const hash = createHash('sha256').update(text.value).digest('hex')
  return parseProfile(text.value, { path, folder: basename(resolve(folder)), hash }, overrides)
}

/** The golden frames that lie beside a profile. */
export function readGolden(folder: string): Result<{ path: string; text: string }, FileFault> {
  const path = join(folder, GOLDEN_FILE)
  const text = readText(path)
  return text.ok ? ok({ path, text: text.value }) : text
}

/** The same for text that is already there; `folder` is what the profile's id has to be. */
export function parseProfile(
  text: string,
  origin: { path: string; folder: string; hash: string },
  overrides: SiteOverrides = {},
): Result<Profile, ProfileFault> {
  const parsed = parseYaml(text, ProfileFileSchema, origin.path)
  if (!parsed.ok) return fileFault(parsed.error.code, origin.path, parsed.error.problems.map(explainPattern))
  const file = completeFile(parsed.value)
  const relations = checkRelations(file)
  if (file.id !== origin.folder) {
    relations.push({ path: ['id'], message: `must be the name of the folder, ${origin.folder}; found ${file.id}` })
  }
  if (relations.length > 0) return fileFault('file-not-valid', origin.path, placed(text, relations))
  const site = applySite(file, overrides)
  return site.ok ? ok(compileProfile(site.value, hashWithGrades(file, site.value, origin.hash), overrides)) : site
}

/**
 * Names what a press means here. The entry that says what drives a window carries it, so a site that gives the
 * keys another order than the profile shows at the centre, as a profile nobody published.
 */
function hashWithGrades(file: ProfileFile, site: ProfileFile, hash: string): string {
  const [own, changed] = [gradesOf(file), gradesOf(site)]
  return own === changed ? hash : createHash('sha256').update(`${hash}\n${changed}`).digest('hex')
}

function gradesOf({ events }: ProfileFile): string {
  const lines = Object.entries(events).flatMap(([event, { grades = {} }]) =>
    Object.entries(grades).map(([raw, grade]) => `${event} ${upper(raw)} ${grade}`),
  )
  return lines.sort().join('\n')
}

function applySite(file: ProfileFile, overrides: SiteOverrides): Result<ProfileFile, SiteFault> {
  const allowed: readonly string[] = file.site ?? []
  const refused = Object.keys(overrides).filter(name => !allowed.includes(name))
  if (refused.length > 0) {
    const list = allowed.length > 0 ? allowed.join(', ') : 'none'
    return fail('site-setting-not-allowed', `${file.id}: ${refused.join(', ')} cannot be set here; allowed: ${list}`)
  }
  const bauds = [file.line.baud, ...(file.line.baudAlternatives ?? [])]
  const baud = overrides.baud ?? file.line.baud
  if (!bauds.includes(baud)) return notValid(file, `baud must be one of ${bauds.join(', ')}, found ${baud}`)
  const address = overrides.address ?? file.address?.default ?? 0
  const { min = 0, max = 255 } = file.address ?? {}
  if (address < min || address > max) return notValid(file, `address must be from ${min} to ${max}, found ${address}`)
  const changed: ProfileFile = {
    ...file,
    line: { ...file.line, baud, baudAlternatives: bauds.filter(other => other !== baud) },
    behaviour: overrides.echo ? { ...file.behaviour, echo: overrides.echo } : file.behaviour,
    events: overrides.grades ? withGrades(file, overrides.grades) : file.events,
  }
  const known = Object.values(file.events).flatMap(event => Object.keys(event.grades ?? {}).map(upper))
  const unknown = Object.keys(overrides.grades ?? {}).filter(raw => !known.includes(upper(raw)))
  if (unknown.length > 0) return notValid(file, `grades names raw values this pad does not have: ${unknown.join(', ')}`)
  const problems = checkRelations(changed)
  if (problems.length === 0) return ok(changed)
  return notValid(file, problems.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '))
}

function withGrades(file: ProfileFile, grades: NonNullable<SiteOverrides['grades']>): ProfileFile['events'] {
  const wanted = new Map(Object.entries(grades).map(([raw, grade]) => [upper(raw), grade]))
  return Object.fromEntries(
    Object.entries(file.events).map(([name, event]) => {
      if (!event.grades) return [name, event]
      const own = Object.fromEntries(
        Object.entries(event.grades).map(([raw, grade]) => [raw, wanted.get(upper(raw)) ?? grade]),
      )
      return [name, { ...event, grades: own }]
    }),
  )
}

const upper = (raw: string) => raw.toUpperCase()

function notValid(file: ProfileFile, detail: string) {
  return fail('site-setting-not-valid', `${file.id}: ${detail}`)
}

function placed(text: string, problems: { path: (string | number)[]; message: string }[]): FileProblem[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  return problems.map(({ path, message }) => {
    const { line, col } = lines.linePos(offsetOf(document, path))
    return { path: path.join('.'), line, column: col, message }
  })
}

/** Where the value at a path begins, or that of its nearest parent that is written there. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: (string | number)[]): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as { range?: [number, number, number] } | undefined
    if (node?.range) return node.range[0]
  }
  return 0
}

const PATTERN_HINTS: Record<string, string> = {
  [BYTES_PATTERN]: 'must be bytes in hex such as "FF 68", in quotes',
  [TEMPLATE_PATTERN]: 'must be bytes in hex and {parameters} such as "13 {seconds}", in quotes',
}

function explainPattern(problem: FileProblem): FileProblem {
  for (const [pattern, hint] of Object.entries(PATTERN_HINTS)) {
    const quoted = `must match pattern "${pattern}"`
    if (problem.message.startsWith(quoted)) return { ...problem, message: hint + problem.message.slice(quoted.length) }
  }
  return problem
}
