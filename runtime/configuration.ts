import type Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import { Default } from 'typebox/value'
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { ok, type Result } from '#protocol/result.ts'
import { oneLine, readableProblems, type SchemaProblem, UNKNOWN_NAME } from '#protocol/schema-errors.ts'
import { dataOf, type FileFault, fileFault, PROBLEMS_MAX, readText } from './yaml-text.ts'

export type { FileFault, FileProblem } from './yaml-text.ts'

/**
 * Reads a YAML file against one schema: types, defaults and ranges live there. Unknown keys are errors.
 * The value is frozen. `overrides` are dotted paths to texts (from the environment) that win over the file.
 */
export function loadYaml<S extends TSchema>(
  file: string,
  schema: S,
  overrides: ReadonlyMap<string, string> = new Map(),
): Result<Type.Static<S>, FileFault> {
  const text = readText(file)
  return text.ok ? parseYaml(text.value, schema, file, overrides) : text
}

/** The same for a text at hand; `file` is only its name in problems. */
export function parseYaml<S extends TSchema>(
  text: string,
  schema: S,
  file = 'text',
  overrides: ReadonlyMap<string, string> = new Map(),
): Result<Type.Static<S>, FileFault> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false })
  const parsed = dataOf(file, document, lines)
  if (!parsed.ok) return parsed
  const overridden = withOverrides(parsed.value ?? {}, schema, overrides)
  const value = Default(schema, overridden)
  const compiled = compiledOf(schema)
  if (compiled.Check(value)) return ok(deepFreeze(value) as Type.Static<S>)
  const problems = problemsOf(schema, value).map(({ path, message }) => {
    const dotted = path.join('.')
    const isOverridden = overrides.has(dotted)
    const { line, col } = isOverridden ? { line: 0, col: 0 } : lines.linePos(offsetOf(document, path))
    const where = isOverridden ? ' (from the environment)' : ''
    return { path: dotted, line, column: col, message: `${message}${found(value, schema, path, message)}${where}` }
  })
  return fileFault(
    'file-not-valid',
    file,
    problems.sort((a, b) => a.line - b.line || a.column - b.column),
  )
}

/** Making a check ready takes longer than checking a file, and every profile of a box has the same schema. */
const compiledSchemas = new WeakMap<TSchema, ReturnType<typeof Compile>>()

/** The check of a schema, made once. */
export function compiledOf(schema: TSchema): ReturnType<typeof Compile> {
  const known = compiledSchemas.get(schema) ?? Compile(schema)
  compiledSchemas.set(schema, known)
  return known
}

/** Everything in which a value does not keep to its schema, with what is allowed in each place. */
export function problemsOf(schema: TSchema, value: unknown): SchemaProblem[] {
  return readableProblems(
    allErrors(() => compiledOf(schema).Errors(value)),
    schema,
  )
}

/** TypeBox stops at eight errors unless told otherwise, and can only be told globally. */
function allErrors<T>(collect: () => T): T {
  const { maxErrors } = Settings.Get()
  Settings.Set({ maxErrors: PROBLEMS_MAX })
  try {
    return collect()
  } finally {
    Settings.Set({ maxErrors })
  }
}

function withOverrides(root: unknown, schema: TSchema, overrides: ReadonlyMap<string, string>): unknown {
  if (!isRecord(root)) return root
  for (const [path, text] of overrides) {
    const names = path.split('.')
    const last = names.pop()!
    let at: unknown = root
    for (const name of names) {
      if (!isRecord(at)) break
      at[name] ??= {}
      at = at[name]
    }
    // What stands in the way is not a group of settings: the check against the schema will say so.
    if (isRecord(at)) at[last] = scalarOf(text, schemaAt(schema, path.split('.')))
  }
  return root
}

/** The environment holds text only: a text setting takes it as it is ("007"), others read it as YAML would. */
function scalarOf(text: string, schema: TSchema | undefined): unknown {
  const { type } = (schema ?? {}) as { type?: string }
  if (type === 'string') return text
  const document = parseDocument(text)
  return document.errors.length === 0 && isScalar(document.contents) ? document.contents.toJSON() : text
}

function schemaAt(schema: TSchema | undefined, path: string[]): TSchema | undefined {
  return path.reduce<TSchema | undefined>((at, name) => {
    const { properties, items } = (at ?? {}) as { properties?: Record<string, TSchema>; items?: TSchema }
    return items ?? (properties && Object.hasOwn(properties, name) ? properties[name] : undefined)
  }, schema)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** `PREFIX_A_B=…` overrides `a.b`: the environment wins over the file. Names are upper case, as `environmentName` says. */
export function overridesFromEnvironment(schema: TSchema, prefix: string, env: NodeJS.ProcessEnv): Map<string, string> {
  const overrides = new Map<string, string>()
  for (const path of leafPaths(schema)) {
    const value = env[environmentName(prefix, path)]
    if (value !== undefined) overrides.set(path, value)
  }
  return overrides
}

export function environmentName(prefix: string, path: string): string {
  return `${prefix}_${path.replaceAll('.', '_').replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase()
}

/** Dotted paths of every scalar setting of a schema of nested objects. */
export function leafPaths(schema: TSchema, prefix = ''): string[] {
  const { properties, type } = schema as { properties?: Record<string, TSchema>; type?: string }
  if (!properties) return prefix && type !== 'array' && type !== 'object' ? [prefix] : []
  return Object.entries(properties).flatMap(([name, child]) => leafPaths(child, prefix ? `${prefix}.${name}` : name))
}

/**
 * What stands there now; cut, and left out where the schema says `writeOnly` (a password, a key), and under a name
 * that the schema does not know: it may be that of a password, misspelt.
 */
function found(value: unknown, schema: TSchema, path: string[], message: string): string {
  if (message.startsWith(UNKNOWN_NAME)) return ''
  let at = value
  for (const part of path) at = (at as Record<string, unknown> | undefined)?.[part]
  const isSecret = (schemaAt(schema, path) as { writeOnly?: boolean } | undefined)?.writeOnly === true
  return at === undefined || typeof at === 'object' || isSecret ? '' : `, found ${oneLine(JSON.stringify(at), 60)}`
}

/** Where in the text a path stands, or its nearest parent that exists. */
function offsetOf(document: Document, path: string[]): number {
  let node: Node | null | undefined = document.contents
  let offset = node?.range?.[0] ?? 0
  for (const part of path) {
    if (isMap(node)) {
      const pair = node.items.find(item => isPair(item) && isScalar(item.key) && String(item.key.value) === part)
      if (!pair) break
      offset = (pair.key as Node).range?.[0] ?? offset
      node = pair.value as Node | null
    } else if (isSeq(node)) {
      node = node.items[Number(part)] as Node | undefined
      offset = node?.range?.[0] ?? offset
    } else break
  }
  return offset
}

function deepFreeze(value: unknown): unknown {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child)
    Object.freeze(value)
  }
  return value
}
