import { GRADES } from '#protocol/grades.ts'
import type { ProfileFile } from './profile-schema.ts'

/** How many keys of a pad give a rating, or would if the site said which. */
export function ratingKeys({ events, board }: Pick<ProfileFile, 'events' | 'board'>): number {
  const tables = [...Object.values(events).map(({ grades }) => grades), board?.grades]
  const meanings = tables.flatMap(table => Object.values<string>(table ?? {}))
  return meanings.filter(meaning => meaning === 'unmapped' || (GRADES as readonly string[]).includes(meaning)).length
}
