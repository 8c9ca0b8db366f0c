import type { Chunk } from './trace.ts'

/** Bytes that came without a pause between them. */
export interface Group {
  readonly atMs: number
  readonly endMs: number
  readonly bytes: Uint8Array
  /** The longest pause inside it. */
  readonly gapMsMax: number
}

/** Joins chunks with less than `gapMs` between them. */
export function groupsOf(chunks: readonly Chunk[], gapMs: number): Group[] {
  const groups: { atMs: number; endMs: number; parts: Uint8Array[]; gapMsMax: number }[] = []
  for (const { atMs, bytes } of chunks) {
    if (bytes.length === 0) continue
    const last = groups.at(-1)
    if (last && atMs - last.endMs < gapMs) {
      last.gapMsMax = Math.max(last.gapMsMax, atMs - last.endMs)
      last.endMs = atMs
      last.parts.push(bytes)
    } else groups.push({ atMs, endMs: atMs, parts: [bytes], gapMsMax: 0 })
  }
  return groups.map(({ parts, ...group }) => ({ ...group, bytes: Uint8Array.from(Buffer.concat(parts)) }))
}
