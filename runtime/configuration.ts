import { readFileSync } from 'node:fs'
import type Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Default } from 'typebox/value'
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { ok, type Result } from '#protocol/result.ts'

/** Every problem of a file at once, each with its place, what was found and what is allowed. */
export interface FileFault {
  code: 'file-not-readable' | 'file-not-valid'
  detail: string
  problems: FileProblem[]
}

export interface FileProblem {
  path: string
  line: number
  column: number
  message: string
}

/**
 * Reads a YAML file against one schema: types, defaults and ranges live there. Unknown keys are errors.
 * The value is frozen. `overrides` are dotted paths to YAML scalars (from the environment) that win over the file.
 */
export function loadYaml<S extends TSchema>(
  file: string,
  schema: S,
  overrides: ReadonlyMap<string, string> = new Map(),
): Result<Type.Static<S>, FileFault> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const message = (error as NodeJS.ErrnoException).code ?? String(error)
    return fault('file-not-readable', file, [{ path: '', line: 0, column: 0, message: `cannot be read: ${message}` }])
  }
  return parseYaml(text, schema, file, overrides)
}

export function parseYaml<S extends TSchema>(
  text: string,
  schema: S,
  file = 'text',
  overrides: ReadonlyMap<string, string> = new Map(),
): Result<Type.Static<S>, FileFault> {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  if (document.errors.length > 0) {
    const problems = document.errors.map(error => {
      const { line, col } = lines.linePos(error.pos[0])
      return { path: '', line, column: col, message: error.message }
    })
    return fault('file-not-valid', file, problems)
  }
  for (const [path, scalar] of overrides) {
    document.setIn(path.split('.'), parseDocument(scalar).contents)
  }
  const value = Default(schema, document.toJS() ?? {})
  const compiled = Compile(schema)
  if (compiled.Check(value)) return ok(deepFreeze(value) as Type.Static<S>)
  const problems = readableErrors(compiled.Errors(value)).map(({ path, message }) => {
    const { line, col } = lines.linePos(offsetOf(document, path))
    return { path: path.join('.'), line, column: col, message: `${message}${found(value, path)}` }
  })
  return fault('file-not-valid', file, problems)
}

/** `PREFIX_A_B=…` overrides `a.b`: the environment wins over the file. Names are matched without case. */
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
  const properties = (schema as { properties?: Record<string, TSchema> }).properties
  if (!properties) return prefix && (schema as { type?: string }).type !== 'array' ? [prefix] : []
  return Object.entries(properties).flatMap(([name, child]) => leafPaths(child, prefix ? `${prefix}.${name}` : name))
}

function fault(code: FileFault['code'], file: string, problems: FileProblem[]): { ok: false; error: FileFault } {
  const detail = problems
    .map(p => `${file}${p.line ? `:${p.line}:${p.column}` : ''}${p.path ? `  ${p.path}` : ''}  ${p.message}`)
    .join('\n')
  return { ok: false, error: { code, detail, problems } }
}

interface SchemaError {
  keyword: string
  instancePath: string
  message: string
  params: object
}

function readableErrors(errors: Iterable<SchemaError>): { path: string[]; message: string }[] {
  const seen = new Set<string>()
  const readable: { path: string[]; message: string }[] = []
  for (const error of errors) {
    const path = error.instancePath
      .split('/')
      .slice(1)
      .map(part => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    const params = error.params as Record<string, unknown>
    const add = (at: string[], message: string) => {
      const key = at.join('/')
      if (!seen.has(key)) readable.push({ path: at, message })
      seen.add(key)
    }
    // A key the schema does not know comes twice: as "schema is false" at the key, and by name at its parent.
    if (error.keyword === 'boolean') continue
    if (error.keyword === 'additionalProperties') {
      for (const name of params['additionalProperties'] as string[]) add([...path, name], 'is not a known setting')
    } else if (error.keyword === 'required') {
      for (const name of params['requiredProperties'] as string[]) add([...path, name], 'is required')
    } else if (error.keyword === 'enum') {
      add(path, `must be one of: ${(params['allowedValues'] as unknown[]).join(', ')}`)
    } else {
      add(path, error.message)
    }
  }
  return readable
}

function found(value: unknown, path: string[]): string {
  let at = value
  for (const part of path) at = (at as Record<string, unknown> | undefined)?.[part]
  return at === undefined || typeof at === 'object' ? '' : `, found ${JSON.stringify(at)}`
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
