/** What a golden file did not keep, with its place; line 0 where it is something that no line shows. */
export interface GoldenProblem {
  line: number
  column: number
  message: string
  /** In the profile, what it is that no line shows. */
  path?: string[]
}

/** One line of the file: columns are parted by two or more spaces, the last one is the source. */
export interface GoldenLine {
  line: number
  sign: string
  columns: string[]
  /** Where each column begins, counted from 1. */
  at: number[]
}

export function goldenLines(text: string): GoldenLine[] {
  return text.split('\n').flatMap((raw, index) => {
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    const columns = trimmed.slice(1).trim().split(/ {2,}/)
    let from = raw.indexOf(trimmed) + 1
    const at = columns.map(column => {
      const found = raw.indexOf(column, from)
      from = found + column.length
      return found + 1
    })
    return [{ line: index + 1, sign: trimmed[0]!, columns, at }]
  })
}

/** What is said of a line whose outputs are others than it says; where there is no such column, at its beginning. */
export function notKept({ line, at }: GoldenLine, expected: string, found: string): GoldenProblem {
  return { line, column: at[1] ?? at[0] ?? 1, message: `expected "${expected}", found "${found}"` }
}

/** `path  message` of each, as compilers print places; those that no line shows stand in the profile. */
export function describeGolden(problems: readonly GoldenProblem[], file: string): string[] {
  return problems.map(({ line, column, message }) => `${file}${line ? `:${line}:${column}` : ''}  ${message}`)
}
