import { nearestName } from '#protocol/nearest-name.ts'

/** Takes one problem and the path of the place it stands in. */
export type Report = (path: (string | number)[], message: string) => void

/** What is said of a name that should be one of a list: what it is not, what was meant perhaps, and the list. */
export function notAmong(what: string, written: string | undefined, names: readonly string[]): string {
  const near = nearestName(written ?? '', names)
  const meant = near === undefined ? '' : ` (did you mean ${near}?)`
  return `is no ${what}: ${written}${meant}; ${names.length === 0 ? 'there is none' : `there are ${names.join(', ')}`}`
}
