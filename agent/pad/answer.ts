import { buildFrame, putChecksum } from './build-frame.ts'
import { type ByteList, copyInto, copyOf } from './bytes.ts'
import { type FieldStep, stepsOf } from './field-step.ts'
import type { Frame, Layout } from './frame.ts'
import { fieldsOf, type Match } from './match.ts'

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
  const steps = stepsOf(layout)
  const replaced = Object.entries(replace).map(([name, bytes]) => ({
    step: steps[layout.fields.findIndex(field => field.name === name)]!,
    bytes: Uint8Array.from(bytes),
  }))
  const sums = steps
    .filter(({ is }) => is === 'checksum')
    .map(step => ({ step, first: steps[step.from]!, last: steps[step.to]! }))

  return ({ bytes: all, base, size, restSize }: Match): Uint8Array => {
    const answer = copyOf(all, base, base + size)
    for (const { step, bytes } of replaced) copyInto(answer, startOf(step, restSize), bytes)
    for (const { step, first, last } of sums) {
      const to = startOf(last, restSize) + (last.size < 0 ? restSize : last.size)
      const sum = step.checksum.valueOf(answer, startOf(first, restSize), to)
      putChecksum(answer, startOf(step, restSize), step, step.checksum.size, sum)
    }
    return answer
  }
}

/** Where a field begins in its frame. */
function startOf({ offset, isAfterRest }: FieldStep, restSize: number): number {
  return offset + (isAfterRest ? restSize : 0)
}

function isRepeating(layout: Layout, replace: Readonly<Record<string, ByteList>>): boolean {
  return layout.fields.some(field => field.is === 'repeat' && replace[layout.fields[field.of]!.name] !== undefined)
}
