import { formatBytes } from '#agent/pad/bytes.ts'
import { createPadCodec } from '#agent/pad/codec.ts'
import { describeOutputs } from '#agent/pad/describe-output.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { Press } from './heard.ts'
import type { Chunk } from './trace.ts'

/** Lines of a golden file for what was heard, each different one once, with pauses and pieces as they came. */
export function draftGolden(profile: Profile, presses: readonly Press[]): string {
  const seen = new Set<string>()
  const lines: string[] = []
  const addresses = new Map<number | null, Press[]>()
  for (const press of presses) addresses.set(press.address, [...(addresses.get(press.address) ?? []), press])
  for (const [address, own] of addresses) {
    if (profile.address && address !== null && address !== profile.address.default) lines.push(`= address ${address}`)
    for (const [i, { chunks, key }] of own.entries()) {
      const codec = createPadCodec(profile, address !== null && profile.address ? { address } : {})
      const outputs = replay(profile, chunks, codec)
      const what = writtenAs(chunks)
      if (what === '' || seen.has(what)) continue
      seen.add(what)
      lines.push(`< ${what}  ${describeOutputs(profile, outputs)}  heard, face ${key + 1}, press ${i + 1}`)
    }
  }
  return `# ${profile.id}. Every line is what the pad sent while it was learnt, with its pauses.\n# sign, what  outputs  source\n\n${lines.join('\n')}\n`
}

/** What a codec makes of bytes at the times they came. */
export function replay(profile: Profile, chunks: readonly Chunk[], codec = createPadCodec(profile)) {
  const outputs = chunks.flatMap(({ bytes }, i) => {
    const isStill = i > 0 && gapMsBefore(chunks, i) >= codec.silenceMs
    return [...(isStill ? codec.silence() : []), ...codec.receive(bytes, true)]
  })
  return [...outputs, ...codec.silence()]
}

function writtenAs(chunks: readonly Chunk[]): string {
  if (chunks.length === 0) return ''
  const parts = chunks.map(({ bytes }, i) => {
    const gapMs = i === 0 ? 0 : gapMsBefore(chunks, i)
    return `${gapMs > 0 ? `(${gapMs}ms) ` : ''}${formatBytes(bytes)}`
  })
  return `${parts.join(' ')} (silence)`
}

/** In whole milliseconds, as a golden file writes pauses. */
function gapMsBefore(chunks: readonly Chunk[], i: number): number {
  return Math.round(chunks[i]!.atMs - chunks[i - 1]!.atMs)
}
