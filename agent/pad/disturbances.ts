import { buildFrame } from './build-frame.ts'
import { formatBytes } from './bytes.ts'
import type { PadOutput } from './codec.ts'
import { type Example, exampleFrames } from './examples.ts'
import type { Frame, Layout } from './frame.ts'
import { fieldsOf } from './match.ts'
import { createMatcher, matchWhole } from './matcher.ts'
import { addressOf, frameOf, type Profile } from './profile.ts'
import type { RelationProblem } from './relations.ts'
import { hear, isHeard } from './round-trip.ts'

/**
 * Disturbs one good frame of every event in the ways a line does: cut anywhere, two in one piece, noise before
 * it, a wrong checksum, a length beyond all bounds, a frame that stops. Returns what is not survived.
 */
export function checkDisturbances(profile: Profile): RelationProblem[] {
  const address = addressOf(profile)
  const examples = exampleFrames(profile, address)
  const incoming = profile.frames.filter(({ direction }) => direction === 'from-pad')
  const quiet = quietByte(incoming)
  return examples.flatMap(example => {
    const frame = frameOf(profile, example.rule.frame)
    const trouble = (what: string) => [
      { path: example.path, message: `${what} ${formatBytes(example.bytes)}; it must be ${example.expected}` },
    ]
    return [
      ...(isCutAnywhere(profile, example) ? [] : trouble('is not heard when it comes in two pieces:')),
      ...(isHeardTwice(profile, example) ? [] : trouble('is not heard twice when two come in one piece:')),
      ...(quiet === undefined || isHeardBehind(profile, example, [quiet]) ? [] : trouble('is not heard behind noise:')),
      ...(survivesHalf(profile, example) ? [] : trouble('is not heard after a half one and silence:')),
      ...(isRefused(profile, example, badChecksum(frame, example.bytes))
        ? []
        : trouble('is believed with a wrong checksum:')),
      ...(isRefused(profile, example, oversize(frame, example.bytes, address))
        ? []
        : trouble('is believed beyond its longest size:')),
    ]
  })
}

/** A byte that no frame begins with; undefined where every byte may. */
function quietByte(frames: readonly Frame[]): number | undefined {
  const matchers = frames.map(createMatcher)
  return [0xa5, ...Array.from({ length: 256 }, (_, byte) => byte)].find(
    byte => !matchers.some(matcher => matcher.canBegin(byte)),
  )
}

function isCutAnywhere(profile: Profile, example: Example): boolean {
  for (let at = 1; at < example.bytes.length; at++) {
    const outputs = hear(profile, example, [example.bytes.subarray(0, at), example.bytes.subarray(at)])
    if (outputs.length !== 1 || !isHeard(profile, example, outputs)) return false
  }
  return true
}

function isHeardTwice(profile: Profile, example: Example): boolean {
  if (!example.isUnasked || endsBySilence(profile, example)) return true
  const outputs = hear(profile, example, [Uint8Array.of(...example.bytes, ...example.bytes)])
  return outputs.length === 2 && outputs.every(output => isHeard(profile, example, [output]))
}

function isHeardBehind(profile: Profile, example: Example, noise: number[]): boolean {
  const bytes = Uint8Array.of(...noise, ...example.bytes)
  const outputs = hear(profile, example, [bytes])
  return isHeard(profile, example, outputs) && total(outputs) === bytes.length
}

function survivesHalf(profile: Profile, example: Example): boolean {
  const half = example.bytes.subarray(0, example.bytes.length >> 1)
  const silent = hear(profile, { ...example, prepare: codec => silence(example, codec, half) }, [example.bytes])
  return isHeard(profile, example, silent)
}

function silence(example: Example, codec: Parameters<Example['prepare']>[0], half: Uint8Array) {
  codec.receive(half, true)
  codec.silence()
  example.prepare(codec)
}

/** Null is a disturbance that this kind of frame cannot have. */
function isRefused(profile: Profile, example: Example, bytes: Uint8Array | null): boolean {
  if (bytes === null) return true
  const outputs = hear(profile, example, [bytes])
  const isWhole = outputs.some(output => output.kind === 'frame' && output.bytes.length === bytes.length)
  return !isWhole && total(outputs) === bytes.length
}

function badChecksum(frame: Frame, bytes: Uint8Array): Uint8Array | null {
  const checksum = frame.kind === 'fields' && frame.layout.fields.find(({ is }) => is === 'checksum')
  const match = matchWhole(frame, bytes)
  // With stuffing the checksum is not where the layout says.
  if (!checksum || !match || frame.stuffing) return null
  const at = checksum.offset + (checksum.isAfterRest ? match.restSize : 0)
  return bytes.with(at, bytes[at]! ^ 0x01)
}

function oversize(frame: Frame, bytes: Uint8Array, address: number | null): Uint8Array | null {
  if (frame.kind !== 'fields') return null
  const rest = frame.layout.fields[frame.layout.restAt]
  const match = matchWhole(frame, bytes)
  if (!rest || !match || !fitsLength(frame.layout)) return null
  const long = new Array<number>(frame.layout.restBytesMax + 1).fill(0x41)
  return buildFrame(frame, { ...fieldsOf(match), [rest.name]: long }, address)
}

/** Whether a length can even say that the rest is one byte longer than allowed. */
function fitsLength(layout: Layout): boolean {
  return layout.fields.every(
    field =>
      field.is !== 'length' ||
      !field.isRestCounted ||
      ((field.countedBytes + layout.restBytesMax + 1) / field.unitBytes + field.adjust <
        (field.isDecimal ? 10 : 256) ** field.size &&
        field.unitBytes === 1),
  )
}

function endsBySilence(profile: Profile, { rule }: Example): boolean {
  const frame = frameOf(profile, rule.frame)
  return frame.kind === 'fields' && frame.layout.fields.some(field => field.is === 'rest' && field.ends === 'silence')
}

function total(outputs: readonly PadOutput[]): number {
  return outputs.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
