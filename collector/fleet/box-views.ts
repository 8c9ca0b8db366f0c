import type { Kysely } from 'kysely'
import type { BoxView } from '#collector/schemas.ts'
import type { BoxRow, Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import type { BoxState, Fleet } from './fleet.ts'

/** Every box that is enrolled, has written, or has said it is there. */
export async function listBoxes(db: Kysely<Tables>, fleet: Pick<Fleet, 'all'>): Promise<BoxView[]> {
  const rows = new Map((await db.selectFrom('boxes').selectAll().execute()).map(row => [row.box, row]))
  const states = new Map(fleet.all().map(state => [state.box, state]))
  const names = [...new Set([...rows.keys(), ...states.keys()])].sort()
  return names.map(box => viewBox(box, rows.get(box), states.get(box)))
}

export async function findBox(db: Kysely<Tables>, fleet: Pick<Fleet, 'get'>, box: string): Promise<BoxView> {
  const row = await db.selectFrom('boxes').selectAll().where('box', '=', box).executeTakeFirst()
  return viewBox(box, row, fleet.get(box))
}

function viewBox(box: string, row: BoxRow | undefined, state: BoxState | undefined): BoxView {
  const seen = [row?.received_at, state?.lastSeenMs].filter(ms => typeof ms === 'number')
  return {
    box,
    enrolled: Boolean(row?.key),
    online: state?.online ?? false,
    agent: state?.agent ?? row?.agent ?? null,
    backlog: state?.backlog ?? null,
    windows: state?.windows ?? [],
    lastSeenMs: seen.length > 0 ? Math.max(...seen) : null,
    committed: row?.epoch && row.seq !== null ? { epoch: toHex(row.epoch), seq: row.seq } : null,
  }
}
