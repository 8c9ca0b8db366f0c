import { isUtf8 } from 'node:buffer'
import { readFileSync, statSync } from 'node:fs'
import { type Document, isScalar, type LineCounter, type Node, visit } from 'yaml'
import { ok, type Result } from '#protocol/result.ts'
import { oneLine } from '#protocol/schema-errors.ts'

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

/** A person wrote it; what is bigger is the wrong file. */
const FILE_BYTES_MAX = 1024 * 1024
/** How many problems are listed; a file with more is another kind of file. */
export const PROBLEMS_MAX = 100
/** Enough for any file a person writes; a "billion laughs" file multiplies far beyond. */
const ALIASES_MAX = 100

/** The text of a file a person wrote: a regular file of bounded size, in UTF-8. */
export function readText(file: string): Result<string, FileFault> {
  const refuse = (message: string) => fileFault('file-not-readable', file, [{ path: '', line: 0, column: 0, message }])
  let bytes: Uint8Array
  try {
    const found = statSync(file)
    if (!found.isFile()) return refuse('is not a file')
    if (found.size > FILE_BYTES_MAX) return refuse(`has ${found.size} bytes, at most ${FILE_BYTES_MAX} are read`)
    bytes = readFileSync(file)
  } catch (error) {
    return refuse(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? error}`)
  }
  if (!isUtf8(bytes)) return refuse('is not UTF-8 text (saved as GBK, perhaps); save it as UTF-8')
  return ok(new TextDecoder().decode(bytes))
}

/** What the text says as plain data, or everything wrong with it as YAML. */
export function dataOf(file: string, document: Document.Parsed, lines: LineCounter): Result<unknown, FileFault> {
  const problems = [...document.errors, ...document.warnings].map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0])
    return { path: '', line, column: col, message }
  })
  // The library's own search for a name given twice takes time with the square of their number.
  visit(document, {
    Map(_, { items }) {
      const names = new Set<unknown>()
      for (const { key } of items) {
        const { line, col } = lines.linePos((key as Node | null)?.range?.[0] ?? 0)
        const add = (message: string) => problems.push({ path: '', line, column: col, message })
        if (!isScalar(key)) add('the name of a setting must be plain text')
        else if (names.has(key.value)) add(`${oneLine(String(key.value), 40)} is given twice`)
        else names.add(key.value)
      }
    },
  })
  if (problems.length > 0) return fileFault('file-not-valid', file, problems)
  try {
    return ok(document.toJS({ maxAliasCount: ALIASES_MAX }))
  } catch (error) {
    // Aliases are followed only here: one without its anchor, or so many that the text would explode.
    if (!(error instanceof ReferenceError)) throw error
    return fileFault('file-not-valid', file, [{ path: '', line: 0, column: 0, message: error.message }])
  }
}

export function fileFault(
  code: FileFault['code'],
  file: string,
  problems: FileProblem[],
): { ok: false; error: FileFault } {
  const detail = problems
    .slice(0, PROBLEMS_MAX)
    .map(p => `${file}${p.line ? `:${p.line}:${p.column}` : ''}${p.path ? `  ${p.path}` : ''}  ${p.message}`)
    .join('\n')
  return { ok: false, error: { code, detail, problems } }
}
