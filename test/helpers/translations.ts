import { expect } from 'vitest'

/** Expects the same texts in both languages, none empty or left untranslated; `maySame` says which may be alike. */
export function expectTranslated(
  messages: Record<'zh-CN' | 'en', object>,
  maySame: (text: string) => boolean = () => false,
): void {
  const zh = flat(messages['zh-CN'])
  const en = new Map(flat(messages.en))
  expect([...en.keys()]).toEqual(zh.map(([key]) => key))
  for (const [key, text] of zh) {
    expect([key, text !== '' && (maySame(text) || en.get(key) !== text)]).toEqual([key, true])
  }
  for (const [key, text] of en) {
    expect([key, text !== '' && (key === 'language' || !/\p{Script=Han}/u.test(text))]).toEqual([key, true])
  }
}

function flat(value: object, path = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, text]) =>
    typeof text === 'string' ? [[`${path}${key}`, text] as [string, string]] : flat(text, `${path}${key}.`),
  )
}
