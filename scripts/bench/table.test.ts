import { expect, test } from 'vitest'
import type { RowPlan } from './measurement.ts'
import { formatTable, width } from './table.ts'

const plan: RowPlan = {
  name: 'drain',
  title: { zh: '补传速度', en: 'draining' },
  against: { zh: '直接发布', en: 'publishing' },
  unit: 'entries/s',
  better: 'higher',
  goal: 0.4,
}
const row = { name: 'drain', value: 12_345.6, unit: 'entries/s', reference: 30_000, ratio: 0.4115, goal: 0.4, ok: true }

test('a Chinese character takes two columns of a terminal, a sign of comparison one', () => {
  expect(width('参照，÷ ≤ a')).toBe(11)
})

test('the columns of a table stand under their heads, in Chinese too', () => {
  for (const language of ['zh', 'en'] as const) {
    const none = { ...row, name: 'a-longer-name', ratio: null, goal: null, ok: null }
    const lines = formatTable(
      [
        { plan, row },
        { plan, row: none },
      ],
      language,
    ).split('\n')
    const ends = [language === 'zh' ? '参照' : 'reference', '30000', '30000'].map((cell, i) => {
      const line = lines[i]!
      return width(line.slice(0, line.indexOf(cell) + cell.length))
    })
    expect(new Set(ends).size).toBe(1)
  }
})

test('a table says which way a goal bounds, and leaves out what is not there', () => {
  const text = formatTable(
    [
      { plan, row },
      { plan: { ...plan, goal: null }, row: { ...row, goal: null, ok: null } },
    ],
    'en',
  )
  expect(text).toMatch(/draining ÷ publishing +12346 entries\/s +30000 +0\.411 +≥ 0\.4 +yes/)
  expect(text).toMatch(/0\.411 +— +—$/)
})
