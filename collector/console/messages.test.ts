import { expect, test } from 'vitest'
import { REFUSAL_CODES } from '#collector/ingest/check-batch.ts'
import { FINDING_CODES } from '#protocol/entry.ts'
import { GRADE_LABELS, GRADES } from '#protocol/grades.ts'
import { firstLanguage } from '#runtime/page/language.ts'
import { MESSAGES } from './messages.ts'

test('no text of the page is empty or left untranslated', () => {
  const flat = (value: object, path = ''): [string, string][] =>
    Object.entries(value).flatMap(([key, text]) =>
      typeof text === 'string' ? [[`${path}${key}`, text] as [string, string]] : flat(text, `${path}${key}.`),
    )
  const zh = flat(MESSAGES['zh-CN'])
  const en = new Map(flat(MESSAGES.en))
  expect([...en.keys()]).toEqual(zh.map(([key]) => key))
  // What is only signs and placeholders is the same in both.
  const isWordless = (text: string) => !/[\p{L}]/u.test(text.replaceAll(/\{\w+\}/g, ''))
  for (const [key, text] of zh) {
    expect([key, text !== '' && (isWordless(text) || en.get(key) !== text)]).toEqual([key, true])
  }
  for (const [key, text] of en) expect([key, key === 'language' || !/\p{Script=Han}/u.test(text)]).toEqual([key, true])
})

test('the language is the one chosen before, else the first of the browser that we speak, else Chinese', () => {
  expect(firstLanguage('en', ['zh-CN'])).toBe('en')
  expect(firstLanguage(null, ['fr-FR', 'en-GB', 'zh-CN'])).toBe('en')
  expect(firstLanguage(null, ['zh-Hans-CN'])).toBe('zh-CN')
  expect(firstLanguage('klingon', ['fr-FR'])).toBe('zh-CN')
})

test('whatever the collector may find, miss or refuse has words', () => {
  for (const texts of [MESSAGES['zh-CN'], MESSAGES.en]) {
    for (const code of FINDING_CODES) expect(texts.boxes.findings).toHaveProperty([code])
    for (const code of FINDING_CODES) expect(texts.boxes.findingsTodo).toHaveProperty([code])
    for (const state of ['open', 'given-up', 'tail-lost']) expect(texts.gaps.states).toHaveProperty([state])
    for (const state of ['open', 'given-up', 'tail-lost']) expect(texts.gaps.todo).toHaveProperty([state])
    for (const code of REFUSAL_CODES) expect(texts.quarantine.codes).toHaveProperty([code])
  }
})

test('the grades are called what they are called everywhere', () => {
  for (const grade of GRADES) {
    const { zh, en } = GRADE_LABELS[grade]
    expect([MESSAGES['zh-CN'].grades[grade], MESSAGES.en.grades[grade]]).toEqual([zh, en])
  }
})
