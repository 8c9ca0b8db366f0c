import type { SiteOverrides } from '#agent/pad/site-schema.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'

export const SET_OPTION = '--set <setting=value>'
export const SET_HELP: Text = {
  zh: '现场设置，可多次给出，如 address=2、grades.01=satisfied',
  en: 'a setting of the site, may be given again: address=2, grades.01=satisfied',
}

/** For commander: `--set` may be given again. */
export const addSetting = (text: string, before: string[]) => [...before, text]

/**
 * The site settings that `--variant` and `--set name=value` ask for; a dot leads into a map (`grades.01=satisfied`).
 * Whether the profile allows them is for `loadProfile` to say.
 */
export function siteOverrides(options: {
  variant?: string
  set?: readonly string[]
}): Result<SiteOverrides, { code: 'setting-not-valid'; detail: string }> {
  const overrides: Record<string, unknown> = {}
  for (const text of options.set ?? []) {
    const [, name, key, value] = /^(\w+)(?:\.([\w -]+))?=(.+)$/.exec(text) ?? []
    if (name === undefined) return fail('setting-not-valid', `--set takes name=value or name.key=value, found ${text}`)
    const typed = /^(0|[1-9]\d*)$/.test(value!) ? Number(value) : value
    const map = typeof overrides[name] === 'object' ? overrides[name] : {}
    overrides[name] = key === undefined ? typed : { ...map, [key]: typed }
  }
  return ok({ ...overrides, ...(options.variant !== undefined && { variant: options.variant }) })
}
