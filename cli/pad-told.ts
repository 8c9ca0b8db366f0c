import { formatBytes } from '#agent/pad/bytes.ts'
import type { PadOutput } from '#agent/pad/codec.ts'
import { describeOutputs } from '#agent/pad/describe-output.ts'
import type { Profile } from '#agent/pad/profile.ts'

/**
 * Whether bytes may hold what somebody typed or scanned, which is nobody's business here: a text, and from a pad
 * that sends texts also what is left of a broken one.
 */
export function isPersonal(profile: Profile, output: PadOutput): boolean {
  if (output.kind === 'frame') return output.event.kind === 'text'
  return output.reason !== 'echo' && output.reason !== 'filler' && profile.events.some(({ gives }) => gives === 'text')
}

/** An output in the words of a golden file, with its bytes; of what is personal only the length. */
export function tellOutput(profile: Profile, output: PadOutput): { hex: string; meaning: string } {
  if (isPersonal(profile, output)) {
    const what = output.kind === 'frame' ? 'text' : `garbage ${output.reason}`
    return { hex: '··', meaning: `${what}, ${output.bytes.length} bytes, not shown` }
  }
  return { hex: formatBytes(output.bytes), meaning: describeOutputs(profile, [output]) }
}
