import { GRADE_LABELS, GRADES, type Grade } from '#protocol/grades.ts'
import type { Text } from '#runtime/language.ts'
import { formatBytes } from './bytes.ts'
import type { KeyMeaning } from './grade-table.ts'
import type { Profile } from './profile.ts'

const OTHERS: Record<Exclude<KeyMeaning, Grade>, Text> = {
  declined: { zh: '拒绝评价', en: 'the citizen declines' },
  'no-rating': { zh: '评价器等候超时，不是评价', en: 'the pad gave up waiting; no rating' },
  unmapped: { zh: '未定，由现场设置', en: 'not decided: the site has to say' },
}

/**
 * One line for each raw value, from the best face to the worst, then which way the values run: whoever knows the
 * pad sees at once when a scale has been turned round.
 */
export function describeKeys(profile: Profile): Text[] {
  const keys = [...profile.events.flatMap(rule => rule.keys), ...(profile.board?.keys ?? [])]
  if (keys.length === 0) return []
  const rated = GRADES.flatMap(grade => keys.filter(({ meaning }) => meaning === grade))
  const others = keys.filter(({ meaning }) => meaning in OTHERS)
  const lines = [...rated, ...others].map(({ bytes, meaning }) => {
    const label = meaning in OTHERS ? OTHERS[meaning as 'unmapped'] : rankOf(meaning as Grade)
    return { zh: `${formatBytes(bytes)}  ${label.zh}`, en: `${formatBytes(bytes)}  ${label.en}` }
  })
  return [...lines, directionOf(rated.map(({ raw }) => raw))]
}

/** A grade with its place on the scale: a name alone is read past too easily. */
function rankOf(grade: Grade): Text {
  const place = GRADES.indexOf(grade) + 1
  const { zh, en } = GRADE_LABELS[grade]
  const ends: Partial<Record<number, Text>> = { 1: { zh: '，最好', en: ', best' }, 5: { zh: '，最差', en: ', worst' } }
  return { zh: `${zh}（第 ${place} 档${ends[place]?.zh ?? ''}）`, en: `${en} (${place} of 5${ends[place]?.en ?? ''})` }
}

function directionOf(raws: readonly number[]): Text {
  const isSorted = (sign: number) => raws.every((raw, i) => i === 0 || (raw - raws[i - 1]!) * sign > 0)
  if (isSorted(1)) return { zh: '从最好到最差，原始值递增', en: 'from the best face to the worst the raw values rise' }
  if (isSorted(-1)) return { zh: '从最好到最差，原始值递减', en: 'from the best face to the worst the raw values fall' }
  return { zh: '原始值没有顺序，请逐个核对', en: 'the raw values are in no order: compare each one' }
}
