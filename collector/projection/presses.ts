import type { Kysely } from 'kysely'
import type { RatingRow, Tables } from '#collector/store/tables.ts'
import { noteOddity, type Touched } from './projected.ts'
import { endPrompt, findPrompt, unknownPrompt } from './prompt-rows.ts'
import { restand } from './restand.ts'

/** A citizen's press: kept whatever it turns out to be worth. */
export async function applyPress(
  trx: Kysely<Tables>,
  press: Omit<RatingRow, 'standing'>,
  touched: Touched,
): Promise<void> {
  const known = await findPrompt(trx, press.box, press.prompt)
  const prompt = known ?? unknownPrompt(press.box, press.prompt)
  if (prompt.position === null) await noteOddity(trx, press, `${press.kind}-without-prompt`)
  if (press.fault !== null) await noteOddity(trx, press, press.fault)
  await trx
    .insertInto('ratings')
    .values({ ...press, standing: 'no-prompt' })
    .execute()
  if (prompt.outcome === null) await endPrompt(trx, prompt, press.position, press.at, 'rated')
  else if (prompt.outcome !== 'rated') await noteOddity(trx, press, `${press.kind}-after-end`)
  else if (press.kind === 'rating') await noteOddity(trx, press, 'second-rating')
  touched.ratings.add(press.position)
  await restand(trx, prompt, touched)
}
