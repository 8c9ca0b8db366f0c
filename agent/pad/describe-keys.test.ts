import { expect, test } from 'vitest'
import { describeKeys } from './describe-keys.ts'
import { shipped } from './fixtures/profiles.ts'

const linesOf = (...args: Parameters<typeof shipped>) => describeKeys(shipped(...args)).map(({ en }) => en)

test('every raw value is told with its place on the scale, the best first, and which way the values run', () => {
  expect(linesOf('generic-pj06')).toEqual([
    '01  Very satisfied (1 of 5, best)',
    '02  Satisfied (2 of 5)',
    '03  Fairly satisfied (3 of 5)',
    '04  Dissatisfied (4 of 5)',
    '05  Very dissatisfied (5 of 5, worst)',
    '06  the pad gave up waiting; no rating',
    'from the best face to the worst the raw values rise',
  ])
})

test('a scale that a site has turned round is seen', () => {
  const grades = { '01': 'very-dissatisfied', '02': 'dissatisfied', '04': 'satisfied', '05': 'very-satisfied' } as const
  expect(linesOf('generic-pj06', { grades }).at(-1)).toMatch(/fall$/)
  expect(linesOf('generic-rs485-four-key').at(-1)).toMatch(/fall$/)
  expect(linesOf('generic-pj06', { grades: { '01': 'satisfied', '02': 'very-satisfied' } }).at(-1)).toMatch(/no order/)
})

test('a board and an output are told too', () => {
  expect(linesOf('arduino-firmata-five')).toHaveLength(6)
  expect(linesOf('syn6288')).toEqual([])
})
