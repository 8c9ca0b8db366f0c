import { expect, test } from 'vitest'
import { createEntryTimes } from './entry-times.ts'

test('the newest entries are remembered, those of long ago and of the run before are not', () => {
  const times = createEntryTimes()
  for (let seq = 1000; seq < 3000; seq++) times.made(seq, seq * 10)
  expect(times.notAfter(2999)).toBe(29_990)
  expect(times.notAfter(2999 - 499)).toBe(25_000)
  expect(times.notAfter(1000)).toBeUndefined()
  expect(times.notAfter(999)).toBeUndefined()
})
