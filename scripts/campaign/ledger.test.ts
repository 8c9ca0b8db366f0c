import { describe, expect, test } from 'vitest'
import type { Grade } from '#protocol/grades.ts'
import { judge, type PressedKey, type Session } from './ledger.ts'

const thanked = (grade: Grade): PressedKey => ({ grade, isThanked: true, isSure: true })
const unthanked = (grade: Grade): PressedKey => ({ grade, isThanked: false, isSure: true })

const session = (...pressed: PressedKey[]): Session => ({
  box: 'box-1',
  case: 'C1',
  prompt: 'p1',
  pressed,
  unsureThanks: 0,
})
const rated = (...grades: Grade[]) => grades.map(grade => ({ case: 'C1', grade }))
const prompt = (outcome: string | null, more: object = {}) => [{ case: 'C1', prompt: 'p1', outcome, ...more }]
const judged = (
  own: Session,
  ratings: ReturnType<typeof rated>,
  prompts: ReturnType<typeof prompt>,
  isAtRest = true,
) => {
  const { details: _, ...counts } = judge([own], { ratings, prompts }, isAtRest)
  return counts
}
const CLEAN = { lost: 0, doubled: 0, wrong: 0, unbalanced: 0 }

describe('what arrived is compared with what was pressed', () => {
  test('a rating that was thanked for and arrived is clean', () => {
    expect(judged(session(thanked('satisfied')), rated('satisfied'), prompt('rated'))).toEqual(CLEAN)
  })

  test('a press nobody was thanked for may arrive, or not', () => {
    expect(judged(session(unthanked('satisfied')), rated('satisfied'), prompt('rated'))).toEqual(CLEAN)
    expect(judged(session(unthanked('satisfied')), [], prompt('timed-out'))).toEqual(CLEAN)
  })

  test('one that was thanked for and has not arrived is lost, once everything is at rest', () => {
    const own = session(thanked('satisfied'))
    expect(judged(own, [], prompt('timed-out'), false)).toEqual(CLEAN)
    expect(judged(own, [], prompt('timed-out'))).toEqual({ ...CLEAN, lost: 1 })
  })

  test('one that arrived twice is doubled, at every moment', () => {
    const own = session(thanked('satisfied'))
    expect(judged(own, rated('satisfied', 'satisfied'), prompt('rated'), false)).toEqual({ ...CLEAN, doubled: 1 })
  })

  test('another grade than was pressed is wrong, also one that does not open', () => {
    const own = session(thanked('satisfied'))
    expect(judged(own, rated('very-satisfied'), prompt('rated'), false)).toEqual({ ...CLEAN, wrong: 1 })
    const closed = [{ case: 'C1', grade: null }] as never
    expect(judged(own, closed, prompt('rated'), false)).toEqual({ ...CLEAN, wrong: 1 })
  })

  test('a correction comes after what it corrects, and both must arrive when both were thanked for', () => {
    const own = session(thanked('satisfied'), thanked('dissatisfied'))
    expect(judged(own, rated('satisfied', 'dissatisfied'), prompt('rated'))).toEqual(CLEAN)
    expect(judged(own, rated('dissatisfied', 'satisfied'), prompt('rated'))).toEqual({ ...CLEAN, wrong: 1 })
    expect(judged(own, rated('satisfied'), prompt('rated'))).toEqual({ ...CLEAN, lost: 1 })
  })

  test('the same key twice, only the second thanked for: one rating accounts for it', () => {
    const own = session(unthanked('satisfied'), thanked('satisfied'))
    expect(judged(own, rated('satisfied'), prompt('rated'))).toEqual(CLEAN)
  })

  test('thanks for keys that noise touched ask for as many ratings, whichever keys they were', () => {
    const noisy: Session = { ...session({ grade: 'satisfied', isThanked: false, isSure: false }), unsureThanks: 1 }
    expect(judged(noisy, rated('satisfied'), prompt('rated'))).toEqual(CLEAN)
    expect(judged(noisy, [], prompt('timed-out'))).toEqual({ ...CLEAN, lost: 1 })
  })

  test('a rating of a case that nobody was asked about is wrong', () => {
    const stranger = [{ case: 'C9', grade: 'satisfied' as const }]
    expect(judged(session(), stranger, prompt('timed-out'))).toEqual({ ...CLEAN, wrong: 1 })
  })
})

describe('every prompt has exactly one end', () => {
  test('one without an end is waited for, and missed once everything is at rest', () => {
    expect(judged(session(), [], prompt(null), false)).toEqual(CLEAN)
    expect(judged(session(), [], prompt(null))).toEqual({ ...CLEAN, unbalanced: 1 })
  })

  test('an end that its ratings contradict is told', () => {
    const own = session(thanked('satisfied'))
    expect(judged(own, rated('satisfied'), prompt('timed-out'))).toEqual({ ...CLEAN, unbalanced: 1 })
    expect(judged(session(), [], prompt('rated'))).toEqual({ ...CLEAN, unbalanced: 1 })
  })

  test('a prompt the box had confirmed must arrive; one it had not may', () => {
    expect(judged(session(), [], [])).toEqual({ ...CLEAN, unbalanced: 1 })
    const { prompt: _, ...unknown } = session()
    expect(judged(unknown, [], [])).toEqual(CLEAN)
    expect(judged(unknown, [], prompt('cancelled'))).toEqual(CLEAN)
  })

  test('two prompts for one, one for a refusal, or another than was said, are told', () => {
    expect(judged(session(), [], [...prompt('rated'), ...prompt('rated')], false).unbalanced).toBe(1)
    expect(judged({ ...session(), refused: 'no-room' }, [], prompt(null), false).unbalanced).toBe(1)
    expect(judged(session(), [], prompt(null, { prompt: 'p2' }), false).unbalanced).toBe(1)
  })

  test('after an I/O error the prompt may be on disk or not, and if it is, it is closed at the restart', () => {
    const { prompt: _, ...asked } = session()
    const failed = { ...asked, refused: 'out-of-service' }
    expect(judged(failed, [], [])).toEqual(CLEAN)
    expect(judged(failed, [], prompt('cancelled'))).toEqual(CLEAN)
    expect(judged(failed, [], prompt(null)).unbalanced).toBe(1)
  })
})
