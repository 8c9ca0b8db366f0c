import { type Kysely, sql } from 'kysely'
import type { Tables } from '#collector/store/tables.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'

/** How an entry names its kind, to the byte; other text may hold the same bytes, so what is found is decoded. */
const KIND_DIGEST = Buffer.concat([Buffer.of(0x64), Buffer.from('kind'), Buffer.of(0x66), Buffer.from('digest')])

/**
 * Where the day began that has no digest yet: at the newest digests, which are the first entries of their
 * day. Looks back through the collector's own batches of that day, not through the evidence.
 */
export async function findOpenDay(db: Kysely<Tables>): Promise<number> {
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    const found = await db
      .selectFrom('batches')
      .innerJoin('evidence', 'evidence.position', 'batches.first_position')
      .select(['batches.first_position', 'evidence.bytes'])
      .where('batches.box', '=', COLLECTOR_NAME)
      .where('batches.first_position', '<', before)
      .where(sql<number>`instr(evidence.bytes, ${KIND_DIGEST})`, '>', 0)
      .orderBy('batches.first_position', 'desc')
      .limit(1)
      .executeTakeFirst()
    if (!found) return 1
    const entry = decodeEntry(found.bytes)
    if (entry.ok && entry.value.kind === 'digest') return found.first_position
    before = found.first_position
  }
}
