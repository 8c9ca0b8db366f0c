import type { Kysely } from 'kysely'
import type { Counters } from './counters.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { HealthView } from './schemas.ts'
import { lastPosition } from './store/evidence.ts'
import type { StoreWatch } from './store/store-watch.ts'
import type { Tables } from './store/tables.ts'

/** How the collector is, in numbers. `ok` when nothing needs a person. */
export async function readHealth(deps: {
  db: Kysely<Tables>
  fleet: Pick<Fleet, 'all'>
  counters: Counters
  watch: Pick<StoreWatch, 'isRefusing'>
  isLinkUp(): boolean
}): Promise<HealthView> {
  const { db } = deps
  const count = async (table: 'quarantine' | 'oddities') => {
    const row = await db
      .selectFrom(table)
      .select(eb => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow()
    return row.n
  }
  const cursor = await db.selectFrom('projection_cursor').select('position').executeTakeFirstOrThrow()
  const isRefusing = deps.watch.isRefusing()
  return {
    ok: deps.isLinkUp() && !isRefusing,
    broker: deps.isLinkUp() ? 'up' : 'down',
    store: isRefusing ? 'refusing' : 'writing',
    behind: (await lastPosition(db)) - cursor.position,
    boxes: { enrolled: await countEnrolled(db), online: deps.fleet.all().filter(state => state.online).length },
    quarantined: await count('quarantine'),
    oddities: await count('oddities'),
    counters: deps.counters.values(),
  }
}

async function countEnrolled(db: Kysely<Tables>): Promise<number> {
  const query = db
    .selectFrom('boxes')
    .select(eb => eb.fn.countAll<number>().as('n'))
    .where('key', 'is not', null)
  return (await query.executeTakeFirstOrThrow()).n
}
