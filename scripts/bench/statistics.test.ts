import fc from 'fast-check'
import { expect, test } from 'vitest'
import { median, quantile } from './statistics.ts'

const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 50 })

test('a quantile is the smallest value that enough values do not exceed', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  expect([0, 0.5, 0.99, 0.999, 1].map(q => quantile(hundred, q))).toEqual([1, 50, 99, 100, 100])
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
      const found = quantile(all, q)
      expect(all).toContain(found)
      expect(all.filter(value => value <= found).length).toBeGreaterThanOrEqual(q * all.length)
      expect(all.filter(value => value < found).length).toBeLessThan(Math.max(1, q * all.length))
    }),
  )
})

test('the median of an even number of values lies between the two in the middle', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(median([10, 1, 100])).toBe(10)
  expect(median([7])).toBe(7)
})

test('there is no quantile of nothing', () => {
  expect(() => quantile([], 0.5)).toThrow('no values')
})
