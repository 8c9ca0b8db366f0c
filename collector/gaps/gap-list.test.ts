import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Arrival } from '#collector/ingest/work.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createGapList, GAP_RULE, type GapRule } from './gap-list.ts'

const epoch = new Uint8Array(16).fill(9)
const RULE: GapRule = { attemptsMin: 3, lastsMsMin: 1000, pauseMsMax: 10_000 }

function gapAt(committed: number, first: number): Arrival {
  return { box: 'box-1', epoch, first, committed, newest: first, place: 'gap' }
}
const filled = (committed: number): Arrival => ({ ...gapAt(committed, 1), place: 'follows' })
const attempt = (from: number, to: number) => ({ box: 'box-1', epoch, from, to })

describe('a gap', () => {
  test('is open from the first batch behind it, and closed by the entries that fill it', () => {
    const clock = createFakeClock()
    const gaps = createGapList({ clock })
    const since = clock.wallMs()
    gaps.arrived(gapAt(3, 8))
    clock.advance(5000)
    expect(gaps.arrived(gapAt(3, 8))).toMatchObject({ isClosed: false, gap: { attempts: 2 } })
    expect(gaps.open()).toEqual([{ box: 'box-1', epoch: '09'.repeat(16), from: 4, to: 7, sinceMs: since, attempts: 2 }])
    expect(gaps.arrived(filled(5))).toMatchObject({ isClosed: false, gap: { from: 6, to: 7, sinceMs: since } })
    expect(gaps.arrived(filled(9))).toMatchObject({ isClosed: true })
    expect(gaps.open()).toEqual([])
  })

  test('is not filled by what was there before', () => {
    const gaps = createGapList({ clock: createFakeClock() })
    gaps.arrived(gapAt(3, 8))
    expect(gaps.arrived({ ...gapAt(3, 1), place: 'replay' })).toBeUndefined()
    expect(gaps.open()).toMatchObject([{ from: 4, to: 7 }])
  })

  test('of another epoch is another gap', () => {
    const gaps = createGapList({ clock: createFakeClock() })
    gaps.arrived(gapAt(3, 8))
    gaps.arrived({ ...gapAt(0, 2), epoch: new Uint8Array(16) })
    gaps.arrived(filled(7))
    expect(gaps.open()).toMatchObject([{ from: 1, to: 1 }])
  })
})

describe('a gap is given up', () => {
  const cases: [name: string, steps: (number | 'other' | 'progress')[], isPassed: boolean][] = [
    ['at the third of the same, a second after the first', [500, 500], true],
    ['not at the second, however late', [5000], false],
    ['not before it has lasted a second', [300, 300], false],
    ['at the fourth, if the third came too early', [300, 300, 500], true],
    ['not when a pause lies between: then it begins anew', [500, 11_000], false],
    ['once it has lasted since the pause', [500, 11_000, 600, 600], true],
    ['not when the box sent something else meanwhile', [500, 'other', 500], false],
    ['not when some of it came', [500, 'progress', 500], false],
  ]
  test.each(cases)('%s', (_, steps, isPassed) => {
    const clock = createFakeClock()
    const gaps = createGapList({ clock, rule: RULE })
    let committed = 3
    gaps.arrived(gapAt(committed, 8))
    for (const [i, step] of steps.entries()) {
      const isLast = i === steps.length - 1
      if (step === 'other') gaps.arrived(gapAt(committed, 9))
      else if (step === 'progress') gaps.arrived(filled(++committed))
      else clock.advance(step)
      if (typeof step === 'number' && !isLast) gaps.arrived(gapAt(committed, 8))
    }
    expect(gaps.mayPass(attempt(committed + 1, 7))).toBe(isPassed)
  })

  test('by the usual rule only after ten minutes and six times the same', () => {
    const clock = createFakeClock()
    const gaps = createGapList({ clock })
    // As a box repeats itself when nothing it gets is of use: 5, 10, 20 … seconds, at most five minutes.
    let [delayMs, times] = [5000, 1]
    while (!gaps.mayPass(attempt(4, 7))) {
      gaps.arrived(gapAt(3, 8))
      clock.advance(delayMs)
      delayMs = Math.min(delayMs * 2, 300_000)
      times += 1
    }
    expect(times).toBeGreaterThanOrEqual(GAP_RULE.attemptsMin)
    expect(clock.monoMs()).toBeGreaterThan(10 * 60 * 1000)
    expect(clock.monoMs()).toBeLessThan(20 * 60 * 1000)
  })
})

test('whatever a box sends: open is what is missing, and nothing passes that it did not repeat long enough', () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant('gap' as const),
      ahead: fc.integer({ min: 1, max: 2 }),
      waitMs: fc.constantFrom(400, 900, 20_000),
    }),
    fc.record({
      kind: fc.constant('comes' as const),
      entries: fc.integer({ min: 1, max: 3 }),
      waitMs: fc.constant(100),
    }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25, size: 'max' }), steps => {
      const clock = createFakeClock()
      const gaps = createGapList({ clock, rule: RULE })
      let committed = 2
      let missing: { from: number; to: number } | undefined
      let same: { first: number; committed: number; times: number; sinceMonoMs: number; lastMonoMs: number } | undefined
      for (const each of steps) {
        clock.advance(each.waitMs)
        const now = clock.monoMs()
        if (each.kind === 'comes') {
          committed += each.entries
          gaps.arrived(filled(committed))
          same = undefined
          if (missing) missing = committed >= missing.to ? undefined : { from: committed + 1, to: missing.to }
        } else {
          const first = committed + 1 + each.ahead
          const isSame =
            same?.first === first && same.committed === committed && now - same.lastMonoMs <= RULE.pauseMsMax
          const times = isSame ? same!.times + 1 : 1
          const sinceMonoMs = isSame ? same!.sinceMonoMs : now
          const isDue = times >= RULE.attemptsMin && now - sinceMonoMs >= RULE.lastsMsMin
          expect(gaps.mayPass(attempt(committed + 1, first - 1))).toBe(isDue)
          gaps.arrived(gapAt(committed, first))
          same = { first, committed, times, sinceMonoMs, lastMonoMs: now }
          missing = { from: committed + 1, to: first - 1 }
        }
        expect(gaps.open().map(({ from, to }) => ({ from, to }))).toEqual(missing ? [missing] : [])
      }
    }),
    { numRuns: 1000 },
  )
})

test('a box that makes epochs without end does not fill the memory', () => {
  const gaps = createGapList({ clock: createFakeClock() })
  for (let i = 0; i < 1200; i++) {
    const own = new Uint8Array(16)
    new DataView(own.buffer).setUint32(0, i)
    gaps.arrived({ ...gapAt(0, 5), epoch: own })
  }
  expect(gaps.open()).toHaveLength(1000)
})
