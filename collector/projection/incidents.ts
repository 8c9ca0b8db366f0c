import type { Kysely } from 'kysely'
import type { Tables } from '#collector/store/tables.ts'
import type { EntryOf } from '#protocol/entry.ts'
import type { ProjectedEntry, Touched } from './projected.ts'

/** What the collector wrote of keys, gaps and contradictions, as tables to ask. */

const UNREVOKED = { revoked_position: null, revoked_at: null, serial: null, reason: null }

export async function applyKey(trx: Kysely<Tables>, item: ProjectedEntry, { body }: EntryOf<'enrolment'>) {
  await trx
    .insertInto('box_keys')
    .values({ position: item.position, box: body.box, key: body.key, ...UNREVOKED })
    .execute()
}

/** Marks the key that is revoked; a certificate whose key is not known here is noted by itself. */
export async function applyRevocation(
  trx: Kysely<Tables>,
  item: ProjectedEntry,
  { body }: EntryOf<'revocation'>,
  touched: Touched,
) {
  const revoked = {
    revoked_position: item.position,
    revoked_at: body.at,
    serial: body.serial,
    reason: body.reason,
  }
  touched.boxes.add(body.box)
  const marked = body.key
    ? await trx
        .updateTable('box_keys')
        .set(revoked)
        .where('box', '=', body.box)
        .where('key', '=', body.key)
        .where('revoked_position', 'is', null)
        .executeTakeFirst()
    : undefined
  if (!marked?.numUpdatedRows) {
    await trx
      .insertInto('box_keys')
      .values({ position: item.position, box: body.box, key: body.key ?? null, ...revoked })
      .execute()
  }
}

export async function applyGap(trx: Kysely<Tables>, item: ProjectedEntry, { body }: EntryOf<'gap'>, touched: Touched) {
  const explanation =
    body.reason === 'explained' ? { explained_by: body.by ?? null, note: body.note ?? null } : undefined
  await trx
    .insertInto('gaps')
    .values({
      box: body.box,
      epoch: body.epoch,
      from_seq: body.from,
      to_seq: body.to,
      previous: body.previous,
      position: item.position,
      at: item.receivedAtMs,
      explained_by: null,
      note: null,
      ...explanation,
    })
    .onConflict(conflict => {
      const once = conflict.columns(['box', 'epoch', 'from_seq'])
      return explanation ? once.doUpdateSet(explanation) : once.doNothing()
    })
    .execute()
  touched.boxes.add(body.box)
  touched.gaps.add(body.box)
}

export async function applyFinding(
  trx: Kysely<Tables>,
  item: ProjectedEntry,
  { body }: EntryOf<'finding'>,
  touched: Touched,
) {
  await trx
    .insertInto('findings')
    .values({ ...body, position: item.position, at: item.receivedAtMs })
    .onConflict(conflict => conflict.columns(['box', 'code', 'epoch']).doNothing())
    .execute()
  touched.boxes.add(body.box)
}

export async function applyAcceptance(trx: Kysely<Tables>, item: ProjectedEntry, { body }: EntryOf<'acceptance'>) {
  await trx
    .insertInto('acceptances')
    .values({
      box: body.box,
      batch: body.batch,
      epoch: body.epoch,
      first_seq: body.first,
      last_seq: body.last,
      accepted_by: body.by,
      reason: body.reason,
      position: item.position,
    })
    .onConflict(conflict => conflict.columns(['box', 'batch']).doNothing())
    .execute()
}
