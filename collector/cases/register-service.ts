import type { Kysely } from 'kysely'
import { entryTime } from '#collector/entry-time.ts'
import type { Ingest } from '#collector/ingest/ingest.ts'
import type { RegisteredView, ServiceBody, ServiceView } from '#collector/schemas.ts'
import type { EvidenceRow, ServiceRow, Tables } from '#collector/store/tables.ts'
import type { Clock } from '#protocol/clock.ts'
import { decodeEntry, type EntryBody } from '#protocol/entry.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { viewServices } from './service-views.ts'

export interface Registered {
  service: RegisteredView
  isNew: boolean
}

/** Takes what a business system registers, once per (case, service): a repeat must say the same. */
export type RegisterService = (body: ServiceBody, source: string) => Promise<Result<Registered>>

export function createRegisterService(deps: {
  db: Kysely<Tables>
  clock: Clock
  ingest: Pick<Ingest, 'write'>
}): RegisterService {
  const { db, ingest } = deps
  return async (body, source) => {
    const entry = { kind: 'case', time: entryTime(deps.clock), body: entryBody(body, source) } as const
    const registers = { case_number: body.case, service: body.service }
    const written = await ingest.write({ entry, registers })
    if (!written.ok) return written
    const { position, isNew } = written.value
    const row = await db.selectFrom('evidence').selectAll().where('position', '=', position).executeTakeFirstOrThrow()
    const kept = registrationOf(row)
    const differing = isNew ? [] : differences(kept, entry.body)
    if (differing.length > 0) {
      return fail('service-differs', `already registered with another value of: ${differing.join(', ')}`)
    }
    const [view] = await viewServices(db, [serviceRow(row, kept)])
    const { rating: _rating, ...service } = view!
    return ok({ service, isNew })
  }
}

/**
 * A service that is registered and not projected yet: the registration itself says what it holds. So whoever
 * registered one can ask for it at once, however far the projections lag.
 */
export async function findRegistered(
  db: Kysely<Tables>,
  caseNumber: string,
  service: number,
): Promise<ServiceView | undefined> {
  const row = await db
    .selectFrom('registrations')
    .innerJoin('evidence', 'evidence.position', 'registrations.position')
    .selectAll('evidence')
    .where('registrations.case_number', '=', caseNumber)
    .where('registrations.service', '=', service)
    .executeTakeFirst()
  if (!row) return undefined
  const [view] = await viewServices(db, [serviceRow(row, registrationOf(row))])
  return view
}

function entryBody(body: ServiceBody, source: string): EntryBody<'case'> {
  const { servedAt, ...rest } = body
  return { ...rest, source, ...(servedAt ? { servedAt: Date.parse(servedAt) } : {}) }
}

function registrationOf(row: EvidenceRow): EntryBody<'case'> {
  const decoded = decodeEntry(row.bytes)
  if (!decoded.ok || decoded.value.kind !== 'case') throw new Error(`evidence ${row.position} registers no service`)
  return decoded.value.body
}

/** Names of what differs; who registers it does not matter. */
function differences(kept: EntryBody<'case'>, given: EntryBody<'case'>): string[] {
  return (['item', 'window', 'clerk', 'servedAt'] as const).filter(name => kept[name] !== given[name])
}

function serviceRow(row: EvidenceRow, body: EntryBody<'case'>): ServiceRow {
  return {
    case_number: body.case,
    service: body.service,
    position: row.position,
    source: body.source,
    item: body.item ?? null,
    window: body.window ?? null,
    clerk: body.clerk ?? null,
    served_at: body.servedAt ?? null,
    registered_at: row.received_at,
  }
}
