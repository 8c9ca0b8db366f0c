import type { Kysely } from 'kysely'
import type { PromptRow, Tables } from '#collector/store/tables.ts'
import type { Outcome } from '#protocol/grades.ts'
import { type Touched, touchService } from './projected.ts'

export async function endPrompt(
  trx: Kysely<Tables>,
  prompt: PromptRow,
  position: number,
  atWallMs: number,
  outcome: Outcome,
  reason?: string,
): Promise<void> {
  await savePrompt(trx, { ...prompt, outcome, reason: reason ?? null, ended_position: position, ended_at: atWallMs })
}

export function touchPrompt(touched: Touched, { case_number, service }: Pick<PromptRow, 'case_number' | 'service'>) {
  if (case_number !== null && service !== null) touchService(touched, case_number, service)
}

export function findPrompt(trx: Kysely<Tables>, box: string, prompt: Uint8Array): Promise<PromptRow | undefined> {
  return trx.selectFrom('prompts').selectAll().where('box', '=', box).where('prompt', '=', prompt).executeTakeFirst()
}

export function unknownPrompt(box: string, prompt: Uint8Array): PromptRow {
  return {
    box,
    prompt,
    position: null,
    window: null,
    origin: null,
    case_number: null,
    service: null,
    clerk: null,
    opened_at: null,
    outcome: null,
    reason: null,
    ended_position: null,
    ended_at: null,
    day: null,
    day_of: null,
  }
}

export async function savePrompt(trx: Kysely<Tables>, row: PromptRow) {
  const { box: _box, prompt: _prompt, ...changes } = row
  await trx
    .insertInto('prompts')
    .values(row)
    .onConflict(conflict => conflict.columns(['box', 'prompt']).doUpdateSet(changes))
    .execute()
}
