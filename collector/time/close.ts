import { backAt, endOf, instantOf, settleMark } from './instant.ts'
import type { Mark } from './segments.ts'

/**
 * How far back an anchor is told: past so many anchors before it, drift has made it say less than those do.
 * So what an anchor costs does not grow with the length of the chain.
 */
export const ANCHORS_BACK = 3

export const isAnchor = (mark: Mark): boolean => mark.own_low !== null

/**
 * Tells the marks before an anchor what follows from it; `marks` are in order and end with that anchor.
 * Returns the index of the first that was told something new.
 */
export function tellBack(marks: readonly Mark[], hasStopped: boolean): number {
  let anchors = 0
  let isStopped = hasStopped
  let i = marks.length - 2
  for (; i >= 0 && anchors < ANCHORS_BACK; i--) {
    const mark = marks[i]!
    // It may have stood still anywhere since the anchor before: nothing counts that drift was added to.
    if (isStopped) mark.is_void = 1
    if (isAnchor(mark)) {
      anchors++
      isStopped = false
    }
    const { low, high } = backAt(mark.mono, marks[i + 1]!)
    const isNew = low !== mark.back_low || high !== mark.back_high
    Object.assign(mark, { back_low: low, back_high: high })
    if (!isNew) break
  }
  return i + 1
}

/** Settles the marks from index `first` on; `marks` are in order, each the one after the other in its chain. */
export function settle(marks: readonly Mark[], first: number): void {
  for (let i = first; i < marks.length; i++) {
    const mark = marks[i]!
    const before = i > 0 ? instantOf(endOf(mark), marks[i - 1]!, mark) : undefined
    Object.assign(mark, settleMark(mark, before, marks[i + 1]))
  }
}
