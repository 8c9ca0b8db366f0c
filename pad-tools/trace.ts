import { formatBytes } from '#agent/pad/bytes.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** Bytes as the line brought or took them, with the time since the recording began. */
export interface Chunk {
  readonly atMs: number
  readonly bytes: Uint8Array
}

/** What a person was asked to do from here on; what is heard until the next mark belongs to it. */
export type TraceMark =
  | { readonly kind: 'key'; readonly key: number }
  | { readonly kind: 'address'; readonly address: number }
  | { readonly kind: 'idle' }

export type TraceLine =
  | ({ readonly kind: 'from-pad' | 'to-pad' } & Chunk)
  | { readonly kind: 'mark'; readonly mark: TraceMark }
  | { readonly kind: 'comment'; readonly text: string }

export interface TraceFault {
  code: 'trace-not-valid'
  detail: string
}

const LINE = /^(\d+(?:\.\d+)?) ([<>]) ?((?:[0-9A-Fa-f]{2}(?: ?[0-9A-Fa-f]{2})*)?)$/

/**
 * Reads a recorded trace: `<ms> < hex` is what the pad sent, `<ms> > hex` what was sent to it, one line per chunk,
 * times not falling. Lines with `#` are comments; among them `# key 1` (the face asked for, 1 is the best),
 * `# address 2` (what the pad is set to) and `# idle` (nobody presses) are marks. All problems come at once.
 */
export function parseTrace(text: string): Result<TraceLine[], TraceFault> {
  const lines: TraceLine[] = []
  const problems: string[] = []
  let lastMs = 0
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '') continue
    if (line.startsWith('#')) {
      lines.push(parseComment(line.slice(1).trim()))
      continue
    }
    const [, ms, sign, hex] = LINE.exec(line) ?? []
    if (ms === undefined) problems.push(`line ${index + 1}: is not "<ms> < hex" or "<ms> > hex"`)
    else if (Number(ms) < lastMs) problems.push(`line ${index + 1}: is earlier than the line before it`)
    else {
      lastMs = Number(ms)
      const bytes = Uint8Array.from(Buffer.from(hex!.replaceAll(' ', ''), 'hex'))
      lines.push({ kind: sign === '<' ? 'from-pad' : 'to-pad', atMs: lastMs, bytes })
    }
  }
  return problems.length > 0 ? fail('trace-not-valid', problems.join('\n')) : ok(lines)
}

function parseComment(text: string): TraceLine {
  const [, what, number] = /^(key|address) (\d{1,5})$/.exec(text) ?? []
  if (what === 'key' && Number(number) > 0) return { kind: 'mark', mark: { kind: 'key', key: Number(number) } }
  if (what === 'address') return { kind: 'mark', mark: { kind: 'address', address: Number(number) } }
  return text === 'idle' ? { kind: 'mark', mark: { kind: 'idle' } } : { kind: 'comment', text }
}

/** The text that `parseTrace` reads back as the same lines; times are whole milliseconds. */
export function formatTrace(lines: readonly TraceLine[]): string {
  return lines.map(line => `${formatLine(line)}\n`).join('')
}

function formatLine(line: TraceLine): string {
  if (line.kind === 'comment') return `# ${line.text}`
  if (line.kind === 'mark') return `# ${formatMark(line.mark)}`
  return `${Math.round(line.atMs)} ${line.kind === 'from-pad' ? '<' : '>'} ${formatBytes(line.bytes)}`
}

function formatMark(mark: TraceMark): string {
  if (mark.kind === 'idle') return 'idle'
  return mark.kind === 'key' ? `key ${mark.key}` : `address ${mark.address}`
}
