import type { Kysely } from 'kysely'
import type { GapView } from '#collector/schemas.ts'
import type { Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import type { OpenGap } from './gap-list.ts'

const LIST_MAX = 500

export function viewOpenGap(gap: OpenGap, isClosed: boolean): GapView {
  const { box, epoch, from, to, sinceMs, attempts } = gap
  return { box, epoch, from, to, state: isClosed ? 'filled' : 'open', sinceMs, attempts, explained: false }
}

/** Entries that will never come, newest first: given up, or lost with the end of a journal. */
export async function listLostEntries(db: Kysely<Tables>, boxes?: readonly string[]): Promise<GapView[]> {
  const lost = [...(await listGivenUp(db, boxes)), ...(await listLostTails(db, boxes))]
  return lost.sort((a, b) => b.sinceMs - a.sinceMs).slice(0, LIST_MAX)
}

async function listGivenUp(db: Kysely<Tables>, boxes: readonly string[] | undefined): Promise<GapView[]> {
  let query = db.selectFrom('gaps').selectAll().orderBy('position', 'desc').limit(LIST_MAX)
  if (boxes) query = query.where('box', 'in', boxes)
  return (await query.execute()).map(row => ({
    box: row.box,
    epoch: toHex(row.epoch),
    from: row.from_seq,
    to: row.to_seq,
    state: 'given-up',
    sinceMs: row.at,
    explained: row.explained_by !== null,
    ...(row.explained_by !== null ? { by: row.explained_by } : {}),
    ...(row.note !== null ? { note: row.note } : {}),
  }))
}

async function listLostTails(db: Kysely<Tables>, boxes: readonly string[] | undefined): Promise<GapView[]> {
  let query = db
    .selectFrom('epochs as next')
    .leftJoin('epochs as ended', join =>
      join.onRef('ended.box', '=', 'next.box').onRef('ended.epoch', '=', 'next.previous'),
    )
    .select(['next.box', 'next.previous', 'next.ended_seq', 'next.began_at', 'ended.last_seq'])
    .where('next.missing', '>', 0)
    .orderBy('next.position', 'desc')
    .limit(LIST_MAX)
  if (boxes) query = query.where('next.box', 'in', boxes)
  // What came of it after all, against the order of things, is no longer missing.
  const rows = (await query.execute()).filter(row => row.ended_seq! > (row.last_seq ?? 0))
  return rows.map(row => ({
    box: row.box,
    epoch: toHex(row.previous!),
    from: (row.last_seq ?? 0) + 1,
    to: row.ended_seq!,
    state: 'tail-lost',
    sinceMs: row.began_at,
    // The box itself said how its journal ended; whether that is so, somebody must still look.
    explained: true,
  }))
}
