import type { Kysely } from 'kysely'
import type { Tables } from '#collector/store/tables.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { COLLECTOR_NAME, DEFAULT_HALL } from '#protocol/names.ts'
import type { BoxCertificate } from './enrolments.ts'

/**
 * Every enrolment that stands, as the evidence has it: the projection may be behind, and a batch must be
 * checked against the key that was the latest when it was committed.
 */
export async function findEnrolments(db: Kysely<Tables>): Promise<BoxCertificate[]> {
  const projected = await db.selectFrom('boxes').select(['box', 'key', 'hall']).execute()
  const known = projected.flatMap(({ box, key, hall }) => (key ? [{ box, key, hall: hall ?? DEFAULT_HALL }] : []))
  const ahead = await db
    .selectFrom('evidence')
    .select(['box', 'bytes'])
    .where('position', '>', eb => eb.selectFrom('projection_cursor').select('position').where('id', '=', 1))
    .orderBy('position')
    .execute()
  const later = ahead.flatMap(({ box: chain, bytes }) => {
    if (chain !== COLLECTOR_NAME) return []
    const entry = decodeEntry(bytes)
    if (!entry.ok || entry.value.kind !== 'enrolment') return []
    const { box, key, hall = DEFAULT_HALL } = entry.value.body
    return [{ box, key, hall }]
  })
  return [...known, ...later]
}
