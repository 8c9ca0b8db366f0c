import type { Language, Text } from '#runtime/language.ts'
import type { RowPlan } from './measurement.ts'
import type { Row } from './rows.ts'

const HEADS: readonly Text[] = [
  { zh: '名称', en: 'name' },
  { zh: '测什么', en: 'what' },
  { zh: '结果', en: 'value' },
  { zh: '参照', en: 'reference' },
  { zh: '比值', en: 'ratio' },
  { zh: '目标', en: 'goal' },
  { zh: '达标', en: 'met' },
]
const RIGHT = new Set([2, 3, 4, 5])

/** The result as a table for a terminal, columns aligned. */
export function formatTable(rows: readonly { plan: RowPlan; row: Row }[], language: Language): string {
  const lines = [HEADS.map(head => head[language]), ...rows.map(({ plan, row }) => cells(plan, row, language))]
  const widths = HEADS.map((_, column) => Math.max(...lines.map(line => width(line[column]!))))
  return lines
    .map(line => line.map((cell, column) => aligned(cell, widths[column]!, RIGHT.has(column))).join('  '))
    .map(line => line.trimEnd())
    .join('\n')
}

function cells(plan: RowPlan, row: Row, language: Language): string[] {
  const bound = plan.better === 'lower' ? '≤' : '≥'
  const verdicts = { true: { zh: '是', en: 'yes' }, false: { zh: '否', en: 'no' }, null: { zh: '—', en: '—' } } as const
  return [
    row.name,
    `${plan.title[language]} ÷ ${plan.against[language]}`,
    `${figure(row.value)} ${row.unit}`,
    figure(row.reference),
    row.ratio === null ? '—' : figure(row.ratio),
    row.goal === null ? '—' : `${bound} ${row.goal}`,
    verdicts[`${row.ok}`][language],
  ]
}

function figure(value: number): string {
  return value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
}

/** Columns of a terminal: Chinese characters and full-width punctuation take two. */
export function width(text: string): number {
  return [...text].reduce(
    (sum, char) => sum + (/[\u2e80-\ua4cf\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60]/.test(char) ? 2 : 1),
    0,
  )
}

function aligned(text: string, columns: number, isRight: boolean): string {
  const padding = ' '.repeat(columns - width(text))
  return isRight ? padding + text : text + padding
}
