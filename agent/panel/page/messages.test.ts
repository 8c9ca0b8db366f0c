import { expect, test } from 'vitest'
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
  for (const [key, text] of zh) expect([key, text !== '' && en.get(key) !== text]).toEqual([key, true])
  for (const [key, text] of en) expect([key, key === 'language' || !/\p{Script=Han}/u.test(text)]).toEqual([key, true])
})

test('the language is the one chosen before, else the first of the browser that we speak, else Chinese', () => {
  expect(firstLanguage('en', ['zh-CN'])).toBe('en')
  expect(firstLanguage(null, ['fr-FR', 'en-GB', 'zh-CN'])).toBe('en')
  expect(firstLanguage(null, ['zh-Hans-CN'])).toBe('zh-CN')
  expect(firstLanguage('klingon', ['fr-FR'])).toBe('zh-CN')
})
