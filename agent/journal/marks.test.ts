import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMarks, type Mark } from './marks.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const START = 1_790_000_000_000

test('what was committed ninety days before the collector was last heard is older than ninety days, and no later', () => {
  const marks = createMarks([])
  expect(marks.olderThan(0)).toBe(0)
  for (let day = 0; day < 200; day++) marks.receipted(100 + day, START + day * DAY_MS)
  expect(marks.olderThan(90 * DAY_MS)).toBe(100 + 109)
  expect(marks.olderThan(300 * DAY_MS)).toBe(0)
})

test('four marks a day are enough, however many receipts come', () => {
  const marks = createMarks([])
  const kept: Mark[] = []
  for (let minute = 0; minute < 3 * 1440; minute++) {
    const mark = marks.receipted(minute + 1, START + minute * 60_000)
    if (mark) kept.push(mark)
  }
  expect(kept.length).toBeLessThanOrEqual(12)
  const again = createMarks(kept)
  again.receipted(3 * 1440, START + 3 * DAY_MS)
  marks.receipted(3 * 1440, START + 3 * DAY_MS)
  expect(again.olderThan(DAY_MS)).toBeGreaterThan(1000)
  expect(again.olderThan(DAY_MS)).toBe(marks.olderThan(DAY_MS))
})

test('a collector whose clock was far ahead makes nothing older once it is right again', () => {
  const marks = createMarks([])
  const stored = [marks.receipted(1, START), marks.receipted(2, START + 4000 * DAY_MS)] as Mark[]
  marks.receipted(3, START + HOUR_MS)
  expect(marks.olderThan(90 * DAY_MS)).toBe(0)
  expect(createMarks(stored).olderThan(90 * DAY_MS)).toBe(0)
})

test('whatever the collector’s clock does, what is said to be old had its receipt at least so long before by that clock', () => {
  const receipt = fc.record({ entries: fc.integer({ min: 0, max: 5 }), hours: fc.integer({ min: -3, max: 60 }) })
  fc.assert(
    fc.property(fc.array(receipt, { maxLength: 60, size: 'max' }), fc.integer({ min: 0, max: 20 }), (steps, days) => {
      let stored: Mark[] = []
      let marks = createMarks(stored)
      const said: Mark[] = []
      let [seq, at] = [0, START]
      for (const [i, { entries, hours }] of steps.entries()) {
        seq += entries
        at += hours * HOUR_MS
        if (seq === 0) continue
        said.push({ seq, at })
        const mark = marks.receipted(seq, at)
        if (mark) stored = [...stored, mark]
        const old = marks.olderThan(days * DAY_MS)
        if (old > 0) expect(said.some(one => one.seq >= old && at - one.at >= days * DAY_MS)).toBe(true)
        // As after a restart.
        if (i % 7 === 6) marks = createMarks(stored)
      }
    }),
  )
})
