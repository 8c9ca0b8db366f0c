import { expect, test } from 'vitest'
import { MEASUREMENTS } from './all.ts'
import { helpText, parseOptions } from './options.ts'

function chosen(...args: string[]) {
  const parsed = parseOptions(args, MEASUREMENTS)
  if (!parsed.ok) throw new Error(parsed.error.detail)
  return parsed.value.chosen.flatMap(({ rows }) => [...rows])
}

test('without --only everything is measured, five rounds', () => {
  expect(chosen()).toEqual(MEASUREMENTS.flatMap(({ rows }) => rows.map(row => row.name)))
  expect(parseOptions([], MEASUREMENTS)).toMatchObject({ value: { rounds: 5, isJson: false, isHelp: false } })
})

test('--only takes a group or a single row, several times', () => {
  expect(chosen('--only', 'press')).toEqual(['press-p50', 'press-p99', 'press-p999'])
  expect(chosen('--only', 'press-p99', '--only', 'wire')).toEqual(['press-p99', 'wire-entry', 'wire-rating'])
})

test.each([
  [['--only', 'prss'], /prss.*press.*drain/],
  [['--rounds', '0'], /1–100/],
  [['--rounds', 'many'], /many.*1–100/],
  [['--round', '3'], /--round/],
])('%j is refused with what is allowed', (args, detail) => {
  const parsed = parseOptions(args, MEASUREMENTS)
  expect(parsed.ok ? '' : parsed.error.detail).toMatch(detail)
})

test('a row is known by one name only, and the help names every one in both languages', () => {
  const names = MEASUREMENTS.flatMap(({ rows }) => rows.map(row => row.name))
  expect(new Set(names).size).toBe(names.length)
  for (const language of ['zh', 'en'] as const) {
    for (const name of names) expect(helpText(MEASUREMENTS, language)).toContain(name)
  }
})
