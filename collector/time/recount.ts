import type { Kysely } from 'kysely'
import { dayOf } from '#collector/projection/day.ts'
import type { Tables } from '#collector/store/tables.ts'
import { instantOf } from './instant.ts'
import type { Mark } from './segments.ts'
import { countOn, promptsOfMark } from './time-rows.ts'

type Day = ReturnType<typeof dayOf>

const isSame = (a: { day: number | null; day_sure: 0 | 1 | null }, b: Day) =>
  a.day === b.day && a.day_sure === b.day_sure

/** Counts the prompts of a stretch on the days that are right now. Days are in order, so few statements do it. */
export async function recount(trx: Kysely<Tables>, mark: Mark, next: Mark | undefined): Promise<void> {
  let run: { first: number; last: number; day: Day } | undefined

  async function end() {
    if (run) await countOn(trx, { mark: mark.position, ...run }, run.day)
    run = undefined
  }

  for (const prompt of await promptsOfMark(trx, mark.position)) {
    const day = dayOf(instantOf(prompt, mark, next))
    if (isSame(prompt, day)) {
      await end()
      continue
    }
    if (run && !isSame(run.day, day)) await end()
    run = { first: run?.first ?? prompt.position, last: prompt.position, day }
  }
  await end()
}
