import type { Kysely } from 'kysely'
import type { Counters } from './counters.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { GapWatch } from './gaps/gap-watch.ts'
import type { HealthView } from './schemas.ts'
import { lastPosition } from './store/evidence.ts'
import type { StoreWatch } from './store/store-watch.ts'
import type { Tables } from './store/tables.ts'

/** How the collector is, in numbers. `ok` when nothing needs a person. */
export async function readHealth(deps: {
  db: Kysely<Tables>
  fleet: Pick<Fleet, 'all'>
  gaps: Pick<GapWatch, 'counts'>
  counters: Counters
  watch: Pick<StoreWatch, 'isRefusing'>
  isLinkUp(): boolean
}): Promise<HealthView> {
  const { db } = deps
  const count = async (table: 'quarantine' | 'oddities' | 'findings') => {
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
    gaps: await deps.gaps.counts(),
    findings: await count('findings'),
    revoked: await countRevoked(db),
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

/** Boxes whose latest key is revoked. */
async function countRevoked(db: Kysely<Tables>): Promise<number> {
  const query = db
    .selectFrom('box_keys')
    .innerJoin('boxes', join => join.onRef('boxes.box', '=', 'box_keys.box').onRef('boxes.key', '=', 'box_keys.key'))
    .select(eb => eb.fn.count<number>('boxes.box').distinct().as('n'))
    .where('box_keys.revoked_position', 'is not', null)
  return (await query.executeTakeFirstOrThrow()).n
}
