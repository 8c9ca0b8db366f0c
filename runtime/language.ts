/** A sentence in both languages, Chinese first. */
export interface Text {
  zh: string
  en: string
}

export type Language = keyof Text

/** The language of a person at a terminal: Chinese only if the locale says so. */
export function languageOfLocale(env: NodeJS.ProcessEnv): Language {
  const locale = env['LC_ALL'] || env['LC_MESSAGES'] || env['LANG'] || ''
  return /^zh/i.test(locale) ? 'zh' : 'en'
}

/** The language of an HTTP client (RFC 9110 section 12.5.4): Chinese unless English is preferred. */
export function languageOfHeader(acceptLanguage: string | undefined): Language {
  const ranked = (acceptLanguage ?? '')
    .split(',')
    .map(part => {
      const [tag = '', ...params] = part.trim().split(';')
      const q = params.map(p => p.trim()).find(p => p.startsWith('q='))
      return { tag: tag.toLowerCase(), q: q ? Number(q.slice(2)) : 1 }
    })
    .filter(({ tag, q }) => /^(zh|en)\b/.test(tag) && q > 0)
    .sort((a, b) => b.q - a.q)
  return ranked[0]?.tag.startsWith('en') ? 'en' : 'zh'
}
