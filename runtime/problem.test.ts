import { expect, test } from 'vitest'
import { createProblem } from './problem.ts'

const CATALOGUE = {
  'case-missing': {
    status: 400,
    title: { zh: '缺少办件编号', en: 'No case number' },
    remedy: { zh: '请输入办件编号', en: 'Give a case number' },
  },
}

test('a problem is an RFC 9457 document in the language of the reader', () => {
  expect(createProblem(CATALOGUE, 'case-missing', 'zh', 'at /case')).toEqual({
    type: 'urn:chuangping:problem:case-missing',
    title: '缺少办件编号',
    status: 400,
    code: 'case-missing',
    detail: 'at /case',
    remedy: '请输入办件编号',
  })
  expect(createProblem(CATALOGUE, 'case-missing', 'en')).not.toHaveProperty('detail')
})

test('a code that is not in the catalogue is our own mistake', () => {
  expect(() => createProblem(CATALOGUE, 'other', 'en')).toThrow('not in the catalogue')
  expect(() => createProblem(CATALOGUE, 'constructor', 'en')).toThrow('not in the catalogue')
})
