import type { Kysely } from 'kysely'
import { type RevokedSince, revokedSince } from '#collector/fleet/key-spans.ts'
import { UNKNOWN_KEY } from '#collector/opening/opening.ts'
import { sealedTo } from '#collector/opening/reopen.ts'
import type { PoolView, RatingView, ServicePage, ServiceView } from '#collector/schemas.ts'
import {
  POOL_STANDINGS,
  type PoolStanding,
  type RatingRow,
  type ServiceRow,
  type Tables,
} from '#collector/store/tables.ts'
import { findInstants } from '#collector/time/find-instants.ts'
import type { Instant } from '#collector/time/instant.ts'
import { toHex } from '#protocol/codec.ts'

type Db = Kysely<Tables>
/** What is to be said of ratings besides their rows. */
interface Marks {
  /** Ids of opening keys, by the position of the rating. */
  keys: ReadonlyMap<number, string>
  revokedSince: RevokedSince
  /** When they were made, by their positions. */
  instants: ReadonlyMap<number, Instant>
}
type PromptFacts = Pick<Tables['prompts'], 'case_number' | 'service' | 'position' | 'outcome' | 'reason'>
type Worth = RatingRow & Pick<Tables['prompts'], 'case_number' | 'service'>

/** Registered services, newest first, each with its rating or why there is none. */
export async function listServices(db: Db, limit: number, before: number | undefined): Promise<ServicePage> {
  let query = db.selectFrom('services').selectAll().orderBy('position', 'desc').limit(limit)
  if (before !== undefined) query = query.where('position', '<', before)
  const rows = await query.execute()
  const last = rows.at(-1)
  return { services: await viewServices(db, rows), before: rows.length === limit && last ? last.position : null }
}

export async function findService(db: Db, caseNumber: string, service: number): Promise<ServiceView | undefined> {
  const row = await db
    .selectFrom('services')
    .selectAll()
    .where('case_number', '=', caseNumber)
    .where('service', '=', service)
    .executeTakeFirst()
  return row && (await viewServices(db, [row]))[0]
}

/** Ties hang on (case, service) alone, so this also serves a service that is not projected yet. */
export async function viewServices(db: Db, rows: readonly ServiceRow[]): Promise<ServiceView[]> {
  const cases = [...new Set(rows.map(row => row.case_number))]
  if (cases.length === 0) return []
  const prompts = groupByService<PromptFacts>(
    await db
      .selectFrom('prompts')
      .select(['case_number', 'service', 'position', 'outcome', 'reason'])
      .where('case_number', 'in', cases)
      .orderBy('position')
      .execute(),
  )
  const ratings = groupByService<Worth>(
    await db
      .selectFrom('prompts')
      .innerJoin('ratings', join =>
        join.onRef('ratings.box', '=', 'prompts.box').onRef('ratings.prompt', '=', 'prompts.prompt'),
      )
      .selectAll('ratings')
      .select(['prompts.case_number', 'prompts.service'])
      .where('prompts.case_number', 'in', cases)
      .where('ratings.standing', 'in', ['effective', 'not-registered', 'duplicate'])
      .execute(),
  )
  const marks = await marksOf(db, [...ratings.values()].flat())
  return rows.map(row => viewService(row, prompts.get(keyOf(row)) ?? [], ratings.get(keyOf(row)) ?? [], marks))
}

async function marksOf(db: Db, ratings: readonly RatingRow[]): Promise<Marks> {
  const unopened = ratings.filter(({ fault }) => fault === UNKNOWN_KEY).map(({ position }) => position)
  return {
    keys: await sealedTo(db, unopened),
    revokedSince: await revokedSince(
      db,
      ratings.map(({ box }) => box),
    ),
    instants: await findInstants(
      db,
      ratings.map(({ position }) => position),
    ),
  }
}

function viewService(
  row: ServiceRow,
  prompts: readonly PromptFacts[],
  ratings: readonly Worth[],
  marks: Marks,
): ServiceView {
  const rating = ratings.find(({ standing }) => standing !== 'duplicate')
  const { why, reason } = rating ? { why: 'rated' as const } : whyNot(prompts.at(-1))
  return {
    case: row.case_number,
    service: row.service,
    item: row.item,
    window: row.window,
    clerk: row.clerk,
    servedAtMs: row.served_at,
    registeredAtMs: row.registered_at,
    rating: rating ? viewRating(rating, marks) : null,
    duplicates: ratings.filter(({ standing }) => standing === 'duplicate').length,
    why,
    ...(reason ? { reason } : {}),
  }
}

/** The last prompt speaks for a service that has no rating. */
function whyNot(prompt: PromptFacts | undefined): { why: ServiceView['why']; reason?: string | null } {
  if (!prompt) return { why: 'not-prompted' }
  return { why: prompt.outcome ?? 'waiting', reason: prompt.reason }
}

function viewRating(row: RatingRow, marks: Marks): RatingView {
  const openingKey = marks.keys.get(row.position)
  const boxRevokedAtMs = marks.revokedSince(row)
  const { earliest, latest, best } = marks.instants.get(row.position)!
  return {
    grade: row.grade,
    ...(row.fault ? { unopened: row.fault } : {}),
    ...(openingKey ? { openingKey } : {}),
    provenance: row.provenance,
    atMs: best,
    earliestMs: earliest,
    latestMs: latest,
    wallMs: row.at,
    receivedAtMs: row.received_at,
    box: row.box,
    epoch: toHex(row.epoch),
    seq: row.seq,
    hash: toHex(row.hash),
    corrected: row.kind === 'correction',
    ...(boxRevokedAtMs !== undefined ? { boxRevokedAtMs } : {}),
  }
}

/** Ratings that count for no registered service, newest first; with `positions`, only those among them. */
export async function listPool(db: Db, limit: number, positions?: readonly number[]): Promise<PoolView[]> {
  let query = db
    .selectFrom('ratings')
    .leftJoin('prompts', join =>
      join.onRef('prompts.box', '=', 'ratings.box').onRef('prompts.prompt', '=', 'ratings.prompt'),
    )
    .selectAll('ratings')
    .select(['prompts.window', 'prompts.clerk', 'prompts.case_number', 'prompts.service'])
    .where('ratings.standing', 'in', POOL_STANDINGS)
    .orderBy('ratings.position', 'desc')
    .limit(limit)
  if (positions) query = query.where('ratings.position', 'in', positions)
  const rows = await query.execute()
  const marks = await marksOf(db, rows)
  return rows.map(row => ({
    ...viewRating(row, marks),
    prompt: toHex(row.prompt),
    window: row.window,
    clerk: row.clerk,
    ...(row.case_number !== null && row.service !== null ? { case: row.case_number, service: row.service } : {}),
    why: row.standing as PoolStanding,
  }))
}

const keyOf = ({ case_number, service }: { case_number: string | null; service: number | null }) =>
  `${service} ${case_number}`

function groupByService<R extends { case_number: string | null; service: number | null }>(rows: readonly R[]) {
  return Map.groupBy(rows, keyOf)
}
