import { isConstant } from './columns.ts'
import { findFixed } from './find-fixed.ts'
import type { FoundFrame, FoundFrames } from './find-frames.ts'
import { findLine } from './find-line.ts'
import { findStuffed, stuffingDoubt } from './find-stuffed.ts'
import { findVariable } from './find-variable.ts'
import type { FoundLayout } from './findings.ts'

/** The ways to read the frames, the most telling first. Empty where no layout of a profile holds them all. */
export function findLayouts({ pressed, others }: FoundFrames): FoundLayout[] {
  const lengths = new Set(pressed.map(({ bytes }) => bytes.length))
  const line = findLine(pressed, others)
  const stuffed = findStuffed(pressed, others)
  const variable = findVariable(pressed, others)
  const [length] = lengths
  const fixed = lengths.size === 1 ? findFixed(pressed, othersLike(pressed, others, length!)) : null
  const doubt = stuffed ? null : stuffingDoubt(pressed)
  const asOnTheLine = [variable, fixed].map(layout =>
    layout && doubt ? { ...layout, doubts: [...layout.doubts, doubt] } : layout,
  )
  return [line, stuffed, ...asOnTheLine].filter((layout): layout is FoundLayout => layout !== null)
}

/** Frames of the same length and beginning: the same kind of frame with another content. */
function othersLike(pressed: readonly FoundFrame[], others: readonly FoundFrame[], length: number): FoundFrame[] {
  const [first] = pressed
  const isHead = isConstant(pressed, 0)
  return others.filter(({ bytes }) => bytes.length === length && (!isHead || bytes[0] === first!.bytes[0]))
}
