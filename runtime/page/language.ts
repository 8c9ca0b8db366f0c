import { createI18n } from 'vue-i18n'

export type PageLanguage = 'zh-CN' | 'en'

const STORED_AS = 'chuangping.language'

/** The language to begin with: the one chosen before, else the browser's, else Chinese. */
export function firstLanguage(stored: string | null, preferred: readonly string[]): PageLanguage {
  if (stored === 'zh-CN' || stored === 'en') return stored
  const known = preferred.find(tag => /^(zh|en)\b/i.test(tag))
  return known?.toLowerCase().startsWith('en') ? 'en' : 'zh-CN'
}

/** A page's translations in the reader's language. */
export function createLanguage<Messages extends Record<PageLanguage, Record<string, unknown>>>(messages: Messages) {
  const locale = firstLanguage(localStorage.getItem(STORED_AS), navigator.languages)
  document.documentElement.lang = locale
  return createI18n({ legacy: false, locale, fallbackLocale: 'zh-CN', messages: messages as never })
}

/** Remembers a choice of language for the next visit. */
export function rememberLanguage(language: PageLanguage): void {
  localStorage.setItem(STORED_AS, language)
  document.documentElement.lang = language
}
