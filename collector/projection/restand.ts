import type { Kysely } from 'kysely'
import type { PromptRow, Standing, Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import type { Touched } from './projected.ts'
import { touchPrompt } from './prompt-rows.ts'
import { type Press, standings } from './standing.ts'

/** The presses that decide together: of one (case, service), or of one prompt without a case. */
export type Place = Pick<PromptRow, 'box' | 'prompt' | 'case_number' | 'service'>

/** Decides anew what every press of a place is worth. */
export async function restand(trx: Kysely<Tables>, place: Place, touched: Touched): Promise<void> {
  const presses = await pressesOf(trx, place)
  const decided = standings(presses, presses.length > 0 && (await isRegistered(trx, place)))
  for (const press of presses) {
    const standing = decided.get(press.position)!
    if (standing === press.standing) continue
    await trx.updateTable('ratings').set({ standing }).where('position', '=', press.position).execute()
    touched.ratings.add(press.position)
  }
  touchPrompt(touched, place)
}

async function pressesOf(trx: Kysely<Tables>, place: Place): Promise<(Press & { standing: Standing })[]> {
  const query = trx
    .selectFrom('ratings')
    .innerJoin('prompts', join =>
      join.onRef('prompts.box', '=', 'ratings.box').onRef('prompts.prompt', '=', 'ratings.prompt'),
    )
    .select([
      'ratings.position',
      'ratings.box',
      'ratings.prompt',
      'ratings.kind',
      'ratings.standing',
      'prompts.outcome',
      'prompts.position as opened',
      'prompts.case_number',
    ])
    .orderBy('ratings.position')
  const { case_number, service, box, prompt } = place
  const rows =
    case_number !== null && service !== null
      ? await query.where('prompts.case_number', '=', case_number).where('prompts.service', '=', service).execute()
      : await query.where('prompts.box', '=', box).where('prompts.prompt', '=', prompt).execute()
  return rows.map(row => ({
    position: row.position,
    prompt: `${row.box} ${toHex(row.prompt)}`,
    kind: row.kind,
    standing: row.standing,
    isPromptKnown: row.opened !== null,
    isPromptRated: row.outcome === 'rated',
    hasCase: row.case_number !== null,
  }))
}

async function isRegistered(trx: Kysely<Tables>, { case_number, service }: Place): Promise<boolean> {
  if (case_number === null || service === null) return false
  const row = await trx
    .selectFrom('services')
    .select('position')
    .where('case_number', '=', case_number)
    .where('service', '=', service)
    .executeTakeFirst()
  return row !== undefined
}
