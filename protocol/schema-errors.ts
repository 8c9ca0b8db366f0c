import { nearestName } from './nearest-name.ts'

/** One problem of a value: where (names from the outside in) and what is allowed there. Never what was found. */
export interface SchemaProblem {
  path: string[]
  message: string
}

/** An error as TypeBox reports it. */
export interface SchemaError {
  keyword?: string
  instancePath: string
  /** Where in the schema, as a JSON Pointer behind a `#`. */
  schemaPath?: string
  message: string
  params: object
}

/** How a problem begins that is about a name the schema does not know. */
export const UNKNOWN_NAME = 'is not known here'

const NAME_CHARS_MAX = 40

/**
 * Errors of a failed check as sentences for people, one per place, in the order found. With the schema that was
 * checked against, a name it does not know comes with the names it knows; for people who write files, not for peers.
 */
export function readableProblems(errors: Iterable<SchemaError>, schema?: object): SchemaProblem[] {
  const all = [...errors]
  const choices = choicesByPath(all)
  const problems = new Map<string, SchemaProblem>()
  for (const error of all) {
    for (const { names, message } of explain(error, choices, schema)) {
      const path = [...split(error.instancePath), ...names]
      const place = path.join('/')
      if (!problems.has(place)) problems.set(place, { path, message })
    }
  }
  return [...problems.values()]
}

/** The first few problems as one sentence. Never the value itself, and no name longer than a line can bear. */
export function describeErrors(errors: Iterable<SchemaError>): string {
  const problems = readableProblems(errors)
    .slice(0, 5)
    .map(({ path, message }) => `/${path.map(name => oneLine(name, NAME_CHARS_MAX)).join('/')} ${message}`)
  return problems.join('; ')
}

/** Text that may come from anybody, fit for one line of a log: cut, and without control or invisible characters. */
export function oneLine(text: string, charsMax: number): string {
  const clean = text.slice(0, charsMax).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '?')
  return text.length > charsMax ? `${clean}…` : clean
}

function explain(
  error: SchemaError,
  choices: Map<string, string[]>,
  schema: object | undefined,
): { names: string[]; message: string }[] {
  const params = error.params as Record<string, unknown>
  const here = (message: string) => [{ names: [], message }]
  // What a name must be fails at the name itself, and once more at its parent.
  if (error.schemaPath?.endsWith('/propertyNames') && error.keyword !== 'propertyNames') {
    return here(`${UNKNOWN_NAME}${allowedFor(split(error.instancePath).at(-1) ?? '', parentOf(error), schema)}`)
  }
  switch (error.keyword) {
    // A name the schema does not know comes twice: as "schema is false" at the name, and by name at its parent,
    // where the list of errors may have ended before.
    case 'boolean':
      return here(`${UNKNOWN_NAME}${allowedFor(split(error.instancePath).at(-1) ?? '', parentOf(error), schema)}`)
    case 'additionalProperties':
      return (params['additionalProperties'] as string[]).map(name => ({
        names: [name],
        message: `${UNKNOWN_NAME}${allowedFor(name, error.schemaPath ?? '', schema)}`,
      }))
    case 'propertyNames':
      return (params['propertyNames'] as string[]).map(name => ({
        names: [name],
        message: `${UNKNOWN_NAME}${allowedFor(name, error.schemaPath ?? '', schema)}`,
      }))
    case 'required':
      return (params['requiredProperties'] as string[]).map(name => ({ names: [name], message: 'is required' }))
    case 'enum':
      return here(`must be one of: ${(params['allowedValues'] as unknown[]).join(', ')}`)
    case 'const': {
      const allowed = choices.get(error.instancePath)!
      return here(allowed.length > 1 ? `must be one of: ${allowed.join(', ')}` : `must be ${allowed[0]}`)
    }
    default:
      return here(error.message)
  }
}

/** A choice between literals fails once per literal; a reader wants them in one sentence. */
function choicesByPath(errors: SchemaError[]): Map<string, string[]> {
  const choices = new Map<string, string[]>()
  for (const { keyword, instancePath, params } of errors) {
    if (keyword !== 'const') continue
    const allowed = String((params as { allowedValue: unknown }).allowedValue)
    choices.set(instancePath, [...(choices.get(instancePath) ?? []), allowed])
  }
  return choices
}

/** The schema that a part of it, the one that failed, belongs to. */
function parentOf({ schemaPath = '' }: SchemaError): string {
  return schemaPath.slice(0, Math.max(0, schemaPath.lastIndexOf('/')))
}

/** What could have been meant by an unknown name, and all that is allowed in its place. */
function allowedFor(name: string, schemaPath: string, schema: object | undefined): string {
  if (!schema) return ''
  const place = split(schemaPath).reduce<unknown>(
    (at, part) => (at as Record<string, unknown> | undefined)?.[part],
    schema,
  ) as { properties?: object; propertyNames?: { enum?: string[] }; patternProperties?: object } | undefined
  const names = place?.propertyNames?.enum ?? Object.keys(place?.properties ?? {})
  if (names.length === 0) {
    const patterns = Object.keys(place?.patternProperties ?? {})
    return patterns.length === 0 ? '' : `; a name here must match ${patterns.join(' or ')}`
  }
  const near = nearestName(name, names)
  return `${near === undefined ? '' : ` (did you mean ${near}?)`}; allowed: ${names.join(', ')}`
}

/** A JSON Pointer (RFC 6901) as its names. */
function split(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}
