import type { Kysely } from 'kysely'
import type { Tables } from '#collector/store/tables.ts'
import type { EntryOf } from '#protocol/entry.ts'
import { dayOf } from './day.ts'
import { noteOddity, type ProjectedEntry, type Touched, touchService } from './projected.ts'
import { endPrompt, findPrompt, savePrompt, touchPrompt, unknownPrompt } from './prompt-rows.ts'
import { restand } from './restand.ts'

/** An opened prompt. Its end may already be known: then the row waits for this one. */
export async function applyPrompt(
  trx: Kysely<Tables>,
  item: ProjectedEntry,
  { body, time }: EntryOf<'prompt'>,
  touched: Touched,
): Promise<void> {
  const known = await findPrompt(trx, item.box, body.prompt)
  if (known && known.position !== null) return await noteOddity(trx, item, 'prompt-repeated')
  const opened = {
    position: item.position,
    window: body.window,
    origin: body.origin,
    case_number: body.for?.case ?? null,
    service: body.for?.service ?? null,
    clerk: body.clerk ?? null,
    opened_at: time.wall,
    ...dayOf(time, item.receivedAtMs),
  }
  await savePrompt(trx, { ...(known ?? unknownPrompt(item.box, body.prompt)), ...opened })
  if (known) await restand(trx, { ...known, ...opened }, touched)
  if (body.for) touchService(touched, body.for.case, body.for.service)
}

/** Every end but `rated`. The first end of a prompt is its outcome; what contradicts it is only noted. */
export async function applyOutcome(
  trx: Kysely<Tables>,
  item: ProjectedEntry,
  { body, time }: EntryOf<'outcome'>,
  touched: Touched,
): Promise<void> {
  const prompt = (await findPrompt(trx, item.box, body.prompt)) ?? unknownPrompt(item.box, body.prompt)
  if (prompt.position === null) await noteOddity(trx, item, 'outcome-without-prompt')
  if (prompt.outcome !== null) return await noteOddity(trx, item, 'second-outcome')
  await endPrompt(trx, prompt, item.position, time.wall, body.outcome, body.reason)
  touchPrompt(touched, prompt)
}
