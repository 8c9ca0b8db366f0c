import { expect, test } from 'vitest'
import { ago, isClockWrong, isUncertain, percent, registerExample, size, when } from './format.ts'

const noonMs = new Date(2025, 10, 24, 12, 0, 0).getTime()

test('a time of today is a time of day, another one has its date', () => {
  expect(when(new Date(2025, 10, 24, 9, 5, 3).getTime(), noonMs)).toBe('09:05:03')
  expect(when(new Date(2025, 10, 23, 23, 59, 59).getTime(), noonMs)).toBe('2025-11-23 23:59:59')
})

test.each([
  [5, '现在'],
  [59, '现在'],
  [60, '1分钟前'],
  [3 * 3600 + 1, '3小时前'],
  [26 * 3600, '昨天'],
  [-20, '现在'],
])('%i seconds ago reads %s', (seconds, text) => {
  expect(ago(noonMs - seconds * 1000, noonMs, 'zh-CN')).toBe(text)
})

test('sizes and shares are for people', () => {
  expect([size(900), size(4096)]).toEqual(['900 B', '4.0 KiB'])
  expect([percent(1, 3), percent(0, 5), percent(0, 0)]).toEqual(['33%', '0%', '–'])
})

test('the example registers a service at the address of this page', () => {
  const example = registerExample('http://127.0.0.1:8640')
  expect(example).toContain('http://127.0.0.1:8640/v1/services')
  const body: unknown = JSON.parse(/-d '(.*)'/.exec(example)?.[1] ?? '')
  expect(body).toMatchObject({ case: expect.any(String), service: 1 })
})

test('a time is certain when its bounds are close, and has a beginning', () => {
  const atMs = noonMs
  expect(isUncertain({ earliestMs: atMs - 60_000, latestMs: atMs + 60_000 })).toBe(false)
  expect(isUncertain({ earliestMs: atMs - 60_000, latestMs: atMs + 60_001 })).toBe(true)
  expect(isUncertain({ earliestMs: null, latestMs: atMs })).toBe(true)
  expect([isClockWrong({ atMs, wallMs: atMs + 120_000 }), isClockWrong({ atMs, wallMs: 0 })]).toEqual([false, true])
})
