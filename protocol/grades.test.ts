import { expect, test } from 'vitest'
import { GRADE_LABELS, GRADES, isBad } from './grades.ts'

test('the five grades stand best first, and the last two are bad', () => {
  expect(GRADES.map(grade => GRADE_LABELS[grade].zh)).toEqual(['非常满意', '满意', '基本满意', '不满意', '非常不满意'])
  expect(GRADES.filter(isBad)).toEqual(['dissatisfied', 'very-dissatisfied'])
})
