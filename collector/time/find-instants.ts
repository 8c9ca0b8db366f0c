import type { Kysely } from 'kysely'
import type { Tables } from '#collector/store/tables.ts'
import { type Instant, instantOf } from './instant.ts'

/** When entries were made, by all that is known now: prompts, ratings and corrections that are projected. */
export async function findInstants(db: Kysely<Tables>, positions: readonly number[]): Promise<Map<number, Instant>> {
  if (positions.length === 0) return new Map()
  const rows = await db.selectFrom('instants').selectAll().where('position', 'in', positions).execute()
  const marks = await findMarks(
    db,
    rows.map(({ mark }) => mark),
  )
  const nexts = await findMarks(
    db,
    [...marks.values()].flatMap(({ next }) => next ?? []),
  )
  return new Map(
    rows.map(row => {
      const mark = marks.get(row.mark)!
      return [row.position, instantOf(row, mark, mark.next === null ? undefined : nexts.get(mark.next))]
    }),
  )
}

async function findMarks(db: Kysely<Tables>, positions: readonly number[]) {
  const wanted = [...new Set(positions)]
  const found = wanted.length
    ? await db.selectFrom('time_marks').selectAll().where('position', 'in', wanted).execute()
    : []
  return new Map(found.map(mark => [mark.position, mark]))
}
