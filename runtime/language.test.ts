import fc from 'fast-check'
import { expect, test } from 'vitest'
import { languageOfHeader, languageOfLocale } from './language.ts'

test.each([
  [{}, 'en'],
  [{ LANG: 'zh_CN.UTF-8' }, 'zh'],
  [{ LANG: 'zh_TW' }, 'zh'],
  [{ LANG: 'C.UTF-8' }, 'en'],
  [{ LANG: 'de_DE.UTF-8' }, 'en'],
  [{ LANG: 'en_US.UTF-8', LC_MESSAGES: 'zh_CN.UTF-8' }, 'zh'],
  [{ LANG: 'zh_CN.UTF-8', LC_MESSAGES: 'en_US.UTF-8' }, 'en'],
  [{ LANG: 'zh_CN.UTF-8', LC_MESSAGES: 'zh_CN', LC_ALL: 'C' }, 'en'],
  [{ LANG: 'zh_CN.UTF-8', LC_ALL: '' }, 'zh'],
] as const)('a terminal with %j is spoken to in %s', (env, language) => {
  expect(languageOfLocale(env)).toBe(language)
})

test.each([
  [undefined, 'zh'],
  ['', 'zh'],
  ['*', 'zh'],
  ['fr-FR,fr;q=0.9', 'zh'],
  ['en', 'en'],
  ['EN-us', 'en'],
  ['zh-CN,zh;q=0.9,en;q=0.8', 'zh'],
  ['en-US,en;q=0.9,zh-CN;q=0.8', 'en'],
  ['zh;q=0.5, en;q=0.6', 'en'],
  ['en;q=0.6,zh;q=0.6', 'en'],
  ['en;q=0', 'zh'],
  ['en;q=0,zh;q=0.1', 'zh'],
  ['zh;q=0,en;q=0.1', 'en'],
  ['en; q=0.1 , zh ; q=0.2', 'zh'],
  ['en;q=rubbish', 'zh'],
  ['english', 'zh'],
  [';;;,,,=', 'zh'],
] as const)('a client that accepts %j gets %s', (header, language) => {
  expect(languageOfHeader(header)).toBe(language)
})

test('whatever a client sends, it gets one of the two', () => {
  const part = fc.constantFrom('en', 'zh', '*', ';q=', '0.5', ',', ';', ' ', '-', 'CN')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), parts => {
      expect(['zh', 'en']).toContain(languageOfHeader(parts.join('')))
    }),
  )
})
