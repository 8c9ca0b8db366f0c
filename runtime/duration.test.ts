import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { DurationSchema, durationMs } from './duration.ts'

const schema = Compile(DurationSchema({ title: 'Wait' }))

test.each([
  ['0ms', 0],
  ['40ms', 40],
  ['30s', 30_000],
  ['5min', 300_000],
  ['12h', 43_200_000],
  ['90d', 7_776_000_000],
])('%s is %i ms', (text, ms) => {
  expect(schema.Check(text)).toBe(true)
  expect(durationMs(text)).toBe(ms)
})

test.each(['', '5', 's', '1.5s', '-1s', '5 s', '5S', '5m', '1h30min', '999999999s', '1s\n'])(
  '%j is no duration',
  text => {
    expect(schema.Check(text)).toBe(false)
  },
)

test('whatever the schema takes can be counted exactly', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[0-9]{1,8}(ms|s|min|h|d)$/), text => {
      expect(Number.isSafeInteger(durationMs(text))).toBe(true)
    }),
  )
})
