import { createHash } from 'node:crypto'
import { basename, join, resolve } from 'node:path'
import { Default } from 'typebox/value'
import { LineCounter, parseDocument } from 'yaml'
import { ok, type Result } from '#protocol/result.ts'
import { compiledOf, parseYaml, problemsOf } from '#runtime/configuration.ts'
import { type FileFault, type FileProblem, fileFault, readText } from '#runtime/yaml-text.ts'
import { BYTES_PATTERN } from './bytes.ts'
import { compileProfile } from './compile-profile.ts'
import { LINE_PATTERN } from './event-schema.ts'
import { TYPE_FIELDS_PATTERN } from './frame-schema.ts'
import type { Profile } from './profile.ts'
import { completeFile, type ProfileFile, ProfileFileSchema, type WrittenFile } from './profile-schema.ts'
import { checkRelations, type RelationProblem } from './relations.ts'
import { notAmong } from './report.ts'
import { NAME_PATTERN } from './schema-words.ts'
import { applySite, checkSite, hashOfMeaning, notValid, type SiteFault } from './site.ts'
import type { SiteOverrides } from './site-schema.ts'
import { TEMPLATE_PATTERN } from './template.ts'
import { applyVariant, type Change, changesBetween, idleChanges, variantChain } from './variant.ts'

export type { SiteFault }
export const PROFILE_FILE = 'profile.yaml'
export const GOLDEN_FILE = 'golden.txt'

export type ProfileFault = FileFault | SiteFault

interface Origin {
  path: string
  /** What the profile's id has to be. */
  folder: string
  hash: string
}

/**
 * Reads the profile in a folder, with what this installation sets differently.
 *
 * Gives back all problems at once with line and column, those of all variants too, or a frozen profile that every
 * command and event can be made from. A faulty profile is its own pad's trouble: the caller goes on without that pad.
 */
export function loadProfile(folder: string, overrides: SiteOverrides = {}): Result<Profile, ProfileFault> {
  const read = readProfile(folder)
  return read.ok ? parseProfile(read.value.text, read.value.origin, overrides) : read
}

/** The golden frames that lie beside a profile. */
export function readGolden(folder: string): Result<{ path: string; text: string }, FileFault> {
  const path = join(folder, GOLDEN_FILE)
  const text = readText(path)
  return text.ok ? ok({ path, text: text.value }) : text
}

/** The profile of a folder as it is in force, and every place where that differs from the file without variant and site. */
export function effectiveProfile(
  folder: string,
  overrides: SiteOverrides = {},
): Result<{ file: ProfileFile; changes: Change[] }, ProfileFault> {
  const read = readProfile(folder)
  if (!read.ok) return read
  const parsed = parseChecked(read.value.text, read.value.origin)
  if (!parsed.ok) return parsed
  const inForce = fileInForce(parsed.value, overrides)
  if (!inForce.ok) return inForce
  const file = inForce.value.site
  return ok({ file, changes: changesBetween(completeFile(parsed.value), file) })
}

/**
 * Puts problems that showed only in use into their places of the profile's file; with a variant, where that brings
 * them about. The profile of the folder must be sound.
 */
export function placeProblems(folder: string, problems: readonly RelationProblem[], variant?: string): FileProblem[] {
  const read = readProfile(folder)
  const parsed = read.ok ? parseChecked(read.value.text, read.value.origin) : read
  if (!read.ok || !parsed.ok) return problems.map(({ path, message }) => unplaced(path, message))
  const own = variant === undefined ? problems : problems.map(one => inVariant(parsed.value, variant, one))
  return placed(read.value.text, own)
}

const unplaced = (path: RelationProblem['path'], message: string) => ({
  path: path.join('.'),
  line: 0,
  column: 0,
  message,
})

/** The same for text that is already there. */
export function parseProfile(
  text: string,
  origin: Origin,
  overrides: SiteOverrides = {},
): Result<Profile, ProfileFault> {
  const parsed = parseChecked(text, origin)
  if (!parsed.ok) return parsed
  const inForce = fileInForce(parsed.value, overrides)
  if (!inForce.ok) return inForce
  const { file, site } = inForce.value
  return ok(compileProfile(site, hashOfMeaning(origin.hash, file, site, overrides.variant), overrides))
}

function readProfile(folder: string): Result<{ text: string; origin: Origin }, FileFault> {
  const path = join(folder, PROFILE_FILE)
  const text = readText(path)
  if (!text.ok) return text
  const hash = createHash('sha256').update(text.value).digest('hex')
  return ok({ text: text.value, origin: { path, folder: basename(resolve(folder)), hash } })
}

/** The file as written, once it and each of its variants have been found to be sound. */
function parseChecked(text: string, origin: Origin): Result<WrittenFile, FileFault> {
  const parsed = parseYaml(text, ProfileFileSchema, origin.path)
  if (!parsed.ok) return fileFault(parsed.error.code, origin.path, parsed.error.problems.map(explainPattern))
  const file = parsed.value
  const problems = checkRelations(completeFile(file))
  if (file.id !== origin.folder) {
    problems.push({ path: ['id'], message: `must be the name of the folder, ${origin.folder}; found ${file.id}` })
  }
  const known = new Set(problems.map(({ path, message }) => `${path.join('.')} ${message}`))
  for (const name of Object.keys(file.variants ?? {})) {
    for (const problem of checkVariant(file, name)) {
      // What is wrong without the variant too has been said.
      if (!known.has(`${problem.path.join('.')} ${problem.message}`)) problems.push(inVariant(file, name, problem))
    }
  }
  if (problems.length > 0) return fileFault('file-not-valid', origin.path, placed(text, problems))
  return ok(file)
}

function checkVariant(file: WrittenFile, name: string): RelationProblem[] {
  const own = file.variants![name]!
  if (own.extends !== undefined && !file.variants![own.extends]) {
    return [
      { path: ['variants', name, 'extends'], message: notAmong('variant', own.extends, Object.keys(file.variants!)) },
    ]
  }
  const chain = variantChain(file, name)
  if (file.variants![chain[0]!]!.extends !== undefined) {
    return [{ path: ['variants', name, 'extends'], message: 'leads back to itself' }]
  }
  const base = own.extends === undefined ? file : applyVariant(file, own.extends)
  const idle = idleChanges(base, own.changes ?? {}).map(path => ({
    path: ['variants', name, 'changes', ...path],
    message: 'says what holds without it',
  }))
  const changed = checked(applyVariant(file, name))
  return [...idle, ...(Array.isArray(changed) ? changed : checkRelations(completeFile(changed), chain))]
}

/** What a variant has made of the file, against the schema again. */
function checked(changed: unknown): WrittenFile | RelationProblem[] {
  const value = Default(ProfileFileSchema, structuredClone(changed))
  if (compiledOf(ProfileFileSchema).Check(value)) return value as WrittenFile
  return problemsOf(ProfileFileSchema, value).map(({ path, message }) => ({ path, message: hinted(message) }))
}

/** A problem in the place of the variant that brought it about, where one did. */
function inVariant(file: WrittenFile, name: string, { path, message }: RelationProblem): RelationProblem {
  for (const variant of variantChain(file, name).reverse()) {
    let at: unknown = file.variants?.[variant]?.changes
    for (const part of path) at = (at as Record<string, unknown> | undefined)?.[part]
    if (at !== undefined) return { path: ['variants', variant, 'changes', ...path], message }
  }
  return { path, message: `${message} (in the variant ${name})` }
}

function fileInForce(
  written: WrittenFile,
  overrides: SiteOverrides,
): Result<{ file: ProfileFile; site: ProfileFile }, SiteFault> {
  const allowed = checkSite(written, overrides)
  if (!allowed.ok) return allowed
  const { variant } = overrides
  const names = Object.keys(written.variants ?? {})
  if (variant !== undefined && !names.includes(variant)) {
    return notValid(written, `variant must be one of ${names.join(', ')}, found ${variant}`)
  }
  const file = completeFile(variant === undefined ? written : (applyVariant(written, variant) as WrittenFile))
  // Without settings of its own the site has what has been checked.
  if (Object.keys(overrides).length === 0) return ok({ file, site: file })
  const site = applySite(file, overrides)
  if (!site.ok) return site
  const problems = checkRelations(site.value, variant === undefined ? [] : variantChain(written, variant))
  if (problems.length === 0) return ok({ file, site: site.value })
  return notValid(written, problems.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '))
}

function placed(text: string, problems: readonly RelationProblem[]): FileProblem[] {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const found = problems.map(({ path, message }) => {
    const { line, col } = lines.linePos(offsetOf(document, path))
    return { path: path.join('.'), line, column: col, message }
  })
  return found.sort((a, b) => a.line - b.line || a.column - b.column)
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
  [TEMPLATE_PATTERN]: `must be bytes in hex, {parameters} and 'text' such as "13 {seconds} 'ok'", in quotes`,
  [LINE_PATTERN]: 'must be text with at most one of {decimal}, {hex} and {any}, such as "BTN{decimal}"',
  [TYPE_FIELDS_PATTERN]: 'must be names of fields such as "page component/2 text/rest"',
}

function explainPattern(problem: FileProblem): FileProblem {
  return { ...problem, message: hinted(problem.message) }
}

/** The same for what a name must be. */
const NAME_HINTS: Record<string, string> = {
  [NAME_PATTERN]: 'be of small letters, digits and single hyphens, such as "key-2"',
  [BYTES_PATTERN]: 'be bytes in hex, such as "0A", in quotes',
  '^[0-9A-Fa-f]{2}$': 'be one byte in hex, such as "0A", in quotes',
}

function hinted(message: string): string {
  for (const [pattern, hint] of Object.entries(PATTERN_HINTS)) {
    const quoted = `must match pattern "${pattern}"`
    if (message.startsWith(quoted)) return hint + message.slice(quoted.length)
  }
  for (const [pattern, hint] of Object.entries(NAME_HINTS)) {
    const asked = `a name here must match ${pattern}`
    if (message.endsWith(asked)) return `${message.slice(0, -asked.length)}a name here must ${hint}`
  }
  return message
}
