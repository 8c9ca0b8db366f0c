import { expect, test } from 'vitest'
import { firstLanguage } from './language.ts'

test('the language is the one chosen before, else the first of the browser that we speak, else Chinese', () => {
  expect(firstLanguage('en', ['zh-CN'])).toBe('en')
  expect(firstLanguage(null, ['fr-FR', 'en-GB', 'zh-CN'])).toBe('en')
  expect(firstLanguage(null, ['zh-Hans-CN'])).toBe('zh-CN')
  expect(firstLanguage('klingon', ['fr-FR'])).toBe('zh-CN')
})
