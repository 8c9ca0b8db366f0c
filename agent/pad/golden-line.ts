/** What a golden file did not keep, with its line; line 0 is about the file as a whole. */
export interface GoldenProblem {
  line: number
  message: string
}

/** One line of the file: columns are parted by two or more spaces, the last one is the source. */
export interface GoldenLine {
  line: number
  sign: string
  columns: string[]
}

export function goldenLines(text: string): GoldenLine[] {
  return text.split('\n').flatMap((raw, index) => {
    const trimmed = raw.trim()
    if (trimmed === '' || trimmed.startsWith('#')) return []
    const columns = trimmed.slice(1).trim().split(/ {2,}/)
    return [{ line: index + 1, sign: trimmed[0]!, columns }]
  })
}
