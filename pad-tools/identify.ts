import { createChecksum } from '#agent/pad/checksum.ts'
import { createPadCodec, type PadCodec, type PadOutput } from '#agent/pad/codec.ts'
import { frameOf, type Profile } from '#agent/pad/profile.ts'
import type { Chunk } from './trace.ts'

export const CONFIDENCES = ['high', 'medium', 'low', 'none'] as const
export type Confidence = (typeof CONFIDENCES)[number]

/** What speaks for and against one profile. */
export interface Evidence {
  readonly profile: string
  readonly baud: number
  readonly framesUnderstood: number
  readonly framesUnknown: number
  readonly bytesUnderstood: number
  readonly garbageBytes: number
  /** The harmless query that was answered; null where none was, or the profile has none. */
  readonly answered: string | null
  readonly confidence: Confidence
}

/** A query that was sent, and what came then. */
export interface Asked {
  readonly command: string
  readonly answer: readonly Chunk[]
}

/** Bytes of a frame that must be what they are, from which a frame is no accident. */
const PROOF_BYTES_HIGH = 3
const SHARE_HIGH = 0.9
const SHARE_MEDIUM = 0.6

/** Weighs one profile against what a port brought: unasked, and in answer to its own harmless query. Pure. */
export function weigh(profile: Profile, heard: readonly Chunk[], asked?: Asked): Evidence {
  const codec = createPadCodec(profile)
  const outputs = hear(codec, heard)
  let answered: string | null = null
  if (asked) {
    const step = codec.single(asked.command)
    codec.sent(step.bytes, step)
    const answers = hear(codec, asked.answer)
    if (answers.some(output => output.kind === 'frame' && output.completes?.how === 'answered'))
      answered = asked.command
    outputs.push(...answers)
  }
  const tally = { framesUnderstood: 0, framesUnknown: 0, bytesUnderstood: 0, garbageBytes: 0, proofBytes: 0 }
  for (const output of outputs) count(profile, output, tally)
  const { proofBytes, ...counts } = tally
  return {
    profile: profile.id,
    baud: profile.line.baud,
    ...counts,
    answered,
    confidence: confidenceOf(tally, answered),
  }
}

function hear(codec: PadCodec, chunks: readonly Chunk[]): PadOutput[] {
  const outputs = chunks.flatMap(({ atMs, bytes }, i) => {
    const isStill = i > 0 && atMs - chunks[i - 1]!.atMs >= codec.silenceMs
    return [...(isStill ? codec.silence() : []), ...codec.receive(bytes, true)]
  })
  return [...outputs, ...codec.silence()]
}

interface Tally {
  framesUnderstood: number
  framesUnknown: number
  bytesUnderstood: number
  garbageBytes: number
  proofBytes: number
}

function count(profile: Profile, output: PadOutput, tally: Tally) {
  if (output.kind === 'garbage') {
    if (output.reason !== 'filler' && output.reason !== 'echo') tally.garbageBytes += output.bytes.length
    return
  }
  if (output.rule === undefined || isUnknownKey(profile, output)) {
    tally.framesUnknown += 1
    return
  }
  tally.framesUnderstood += 1
  tally.bytesUnderstood += output.bytes.length
  tally.proofBytes = Math.max(tally.proofBytes, proofOf(profile, output.rule))
}

/** A value that no table names. One that the site has yet to give a grade is named there. */
function isUnknownKey(profile: Profile, { event, rule }: Extract<PadOutput, { kind: 'frame' }>): boolean {
  if (event.kind !== 'key-unmapped') return false
  const { raw } = event
  return !profile.events.some(one => one.name === rule && one.keys.some(key => key.raw === raw))
}

/** Bytes that had to be what they were; a checksum counts double, because noise does not get it right. */
function proofOf(profile: Profile, name: string): number {
  const rule = profile.events.find(event => event.name === name)!
  const frame = frameOf(profile, rule.frame)
  const matched = rule.match.reduce((sum, { bytes }) => sum + bytes.length, 0)
  switch (frame.kind) {
    case 'byte':
      return 0
    case 'line':
      return frame.end.length + (rule.line ? rule.line.before.length + rule.line.after.length : 0)
    case 'table':
      return (
        matched + Math.max(...frame.types.map(layout => layout?.fields.find(({ is }) => is === 'constant')?.size ?? 0))
      )
    case 'start-bit':
      return matched
    default:
      return frame.layout.fields.reduce((sum, field) => {
        if (field.is === 'constant') return sum + field.size
        return field.is === 'checksum' ? sum + 2 * createChecksum(field.algorithm, field.crc ?? undefined).size : sum
      }, matched)
  }
}

function confidenceOf(tally: Tally, answered: string | null): Confidence {
  if (tally.framesUnderstood === 0) return 'none'
  const share = tally.bytesUnderstood / (tally.bytesUnderstood + tally.garbageBytes)
  const isProven = tally.proofBytes >= PROOF_BYTES_HIGH
  if (
    isProven &&
    (answered !== null || (share >= SHARE_HIGH && tally.framesUnderstood >= 2 && tally.framesUnknown === 0))
  )
    return 'high'
  return isProven && share >= SHARE_MEDIUM ? 'medium' : 'low'
}

/** The best first; profiles for which nothing speaks come last, in the order of their names. */
export function rank(evidences: readonly Evidence[]): Evidence[] {
  return [...evidences].sort(
    (a, b) =>
      CONFIDENCES.indexOf(a.confidence) - CONFIDENCES.indexOf(b.confidence) ||
      Number(b.answered !== null) - Number(a.answered !== null) ||
      a.garbageBytes + a.framesUnknown - b.garbageBytes - b.framesUnknown ||
      b.bytesUnderstood - a.bytesUnderstood ||
      a.profile.localeCompare(b.profile),
  )
}
