import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RowPlan, Subject } from './measurement.ts'
import { judge, measure } from './rows.ts'
import type { Workplace } from './workplace.ts'

const text = { zh: '某项', en: 'something' }
const plan = (better: RowPlan['better'], goal: number | null): RowPlan => ({
  name: 'something',
  title: text,
  against: text,
  unit: 'ms',
  better,
  goal,
})
const place = {} as Workplace

test('a row tells the medians, their ratio, and whether it keeps to the goal', () => {
  expect(judge(plan('lower', 2), [9, 3, 4], [2, 1, 50])).toEqual({
    name: 'something',
    value: 4,
    unit: 'ms',
    reference: 2,
    ratio: 2,
    goal: 2,
    ok: true,
  })
})

test.each([
  ['lower', 1.9, true],
  ['lower', 2.1, false],
  ['higher', 1.9, false],
  ['higher', 2.1, true],
] as const)('when %s is better, a ratio of %d against a goal of 2 is met: %s', (better, ratio, isMet) => {
  expect(judge(plan(better, 2), [ratio], [1]).ok).toBe(isMet)
})

test('a goal is judged on what was measured, not on what is printed', () => {
  const row = judge(plan('lower', 2), [2.00004], [1])
  expect(row).toMatchObject({ ratio: 2, ok: false })
})

test('without a goal there is no verdict, without a visible reference no ratio', () => {
  expect(judge(plan('lower', null), [1], [1])).toMatchObject({ ratio: 1, goal: null, ok: null })
  expect(judge(plan('lower', 2), [1], [0])).toMatchObject({ ratio: null, goal: 2, ok: null })
})

/** A subject that writes down what it is asked. */
function scripted(asked: string[], failAt?: string): Subject {
  const take = (what: string, figures: number[]) => {
    asked.push(what)
    return what === failAt ? Promise.reject(new Error(what)) : Promise.resolve(figures)
  }
  return {
    ours: round => take(`ours ${round}`, [round, 10 * round]),
    reference: round => take(`reference ${round}`, [1, 10]),
    close() {
      asked.push('close')
      return Promise.resolve()
    },
  }
}

test('every round of ours is followed by one of the reference, and each row gets its own figures', async () => {
  const asked: string[] = []
  const rows = [plan('lower', 2), { ...plan('lower', 2), name: 'other' }]
  const result = await measure({ rows, prepare: () => Promise.resolve(scripted(asked)) }, { rounds: 3, place })
  expect(asked).toEqual(['ours 1', 'reference 1', 'ours 2', 'reference 2', 'ours 3', 'reference 3', 'close'])
  expect(result.map(({ name, value, reference }) => [name, value, reference])).toEqual([
    ['something', 2, 1],
    ['other', 20, 10],
  ])
})

test('what was set up is closed also when a round fails', async () => {
  const asked: string[] = []
  const subject = scripted(asked, 'reference 1')
  const failing = measure({ rows: [plan('lower', 2)], prepare: () => Promise.resolve(subject) }, { rounds: 2, place })
  await expect(failing).rejects.toThrow('reference 1')
  expect(asked).toEqual(['ours 1', 'reference 1', 'close'])
})

test('the order in which rounds come does not matter', () => {
  const figures = fc.array(fc.double({ min: 0.001, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 9 })
  fc.assert(
    fc.property(figures, figures, (ours, references) => {
      const sorted = (values: number[]) => values.toSorted((a, b) => b - a)
      const row = judge(plan('lower', 1), ours, references)
      expect(judge(plan('lower', 1), sorted(ours), sorted(references))).toEqual(row)
    }),
  )
})
