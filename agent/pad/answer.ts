import { buildFrame, putChecksum } from './build-frame.ts'
import type { ByteList } from './bytes.ts'
import { stepsOf } from './field-step.ts'
import type { Frame, Layout } from './frame.ts'
import { fieldBytes, fieldStart, fieldsOf, type Match } from './match.ts'

/**
 * Makes the answer to a frame: the same frame with some fields replaced and its checksums computed anew. The
 * replacements have the sizes of what they replace (checked when the profile was loaded), so that nothing moves.
 */
export function createAnswer(
  frame: Frame,
  layout: Layout,
  replace: Readonly<Record<string, ByteList>>,
  address: number | null,
) {
  // Escapes move what stands behind them, and what is repeated has to be repeated again.
  if ((frame.kind === 'fields' && frame.stuffing) || isRepeating(layout, replace)) {
    return (match: Match) => buildFrame(frame, { ...fieldsOf(match), ...replace }, address)
  }
  const replaced = Object.entries(replace).map(([name, bytes]) => ({
    index: layout.fields.findIndex(field => field.name === name),
    bytes: Uint8Array.from(bytes),
  }))
  const sums = stepsOf(layout).flatMap((step, index) => (step.is === 'checksum' ? [{ step, index }] : []))

  return (match: Match): Uint8Array => {
    const answer = match.bytes.slice(match.base, match.base + match.size)
    for (const { index, bytes } of replaced) answer.set(bytes, fieldStart(match, index) - match.base)
    for (const { step, index } of sums) {
      const { checksum } = step
      const from = fieldStart(match, step.from) - match.base
      const to = fieldStart(match, step.to) - match.base + fieldBytes(match, step.to)
      putChecksum(
        answer,
        fieldStart(match, index) - match.base,
        step,
        checksum.size,
        checksum.valueOf(answer, from, to),
      )
    }
    return answer
  }
}

function isRepeating(layout: Layout, replace: Readonly<Record<string, ByteList>>): boolean {
  return layout.fields.some(field => field.is === 'repeat' && replace[layout.fields[field.of]!.name] !== undefined)
}
