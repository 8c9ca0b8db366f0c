import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clockTime, newest, spacedHex } from './frames.ts'

test('bytes stand in pairs as in the manual', () => {
  expect(spacedHex('aa02100113')).toBe('AA 02 10 01 13')
  expect(spacedHex('AA 02')).toBe('AA 02')
  expect(spacedHex('')).toBe('')
})

test('no byte is lost or changed by spacing it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40, size: 'max' }), bytes => {
      const spaced = spacedHex(Buffer.from(bytes).toString('hex'))
      expect([...Buffer.from(spaced.replaceAll(' ', ''), 'hex')]).toEqual([...bytes])
    }),
  )
})

test('a time of day has all its digits', () => {
  expect(clockTime(new Date(2025, 10, 24, 9, 5, 3, 7).getTime())).toBe('09:05:03.007')
})

test('the newest come first, and what came in the same millisecond keeps its order of coming', () => {
  const items = [
    { atMs: 1, n: 'a' },
    { atMs: 3, n: 'b' },
    { atMs: 3, n: 'c' },
    { atMs: 2, n: 'd' },
  ]
  expect(newest(items, 3).map(({ n }) => n)).toEqual(['c', 'b', 'd'])
})
