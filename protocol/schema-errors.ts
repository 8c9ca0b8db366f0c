/** One problem of a value: where (names from the outside in) and what is allowed there. Never what was found. */
export interface SchemaProblem {
  path: string[]
  message: string
}

/** An error as TypeBox reports it. */
export interface SchemaError {
  keyword?: string
  instancePath: string
  message: string
  params: object
}

const NAME_CHARS_MAX = 40

/** Errors of a failed check as sentences for people, one per place, in the order found. */
export function readableProblems(errors: Iterable<SchemaError>): SchemaProblem[] {
  const all = [...errors]
  const choices = choicesByPath(all)
  const problems = new Map<string, SchemaProblem>()
  for (const error of all) {
    for (const { names, message } of explain(error, choices)) {
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

function explain(error: SchemaError, choices: Map<string, string[]>): { names: string[]; message: string }[] {
  const params = error.params as Record<string, unknown>
  const here = (message: string) => [{ names: [], message }]
  switch (error.keyword) {
    // A name the schema does not know comes twice: as "schema is false" at the name, and by name at its parent,
    // where the list of errors may have ended before.
    case 'boolean':
      return here('is not known here')
    case 'additionalProperties':
      return (params['additionalProperties'] as string[]).map(name => ({ names: [name], message: 'is not known here' }))
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

/** A JSON Pointer (RFC 6901) as its names. */
function split(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map(name => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}
