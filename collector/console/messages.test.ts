import { expect, test } from 'vitest'
import { REFUSAL_CODES } from '#collector/ingest/check-batch.ts'
import { FINDING_CODES } from '#protocol/entry.ts'
import { GRADE_LABELS, GRADES } from '#protocol/grades.ts'
import { expectTranslated } from '#test/helpers/translations.ts'
import { MESSAGES } from './messages.ts'

test('no text of the page is empty or left untranslated', () => {
  // What is only signs and placeholders is the same in both.
  expectTranslated(MESSAGES, text => !/[\p{L}]/u.test(text.replaceAll(/\{\w+\}/g, '')))
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
