import type { Kysely } from 'kysely'
import type { BoxRow, RatingRow, Tables } from '#collector/store/tables.ts'
import type { EntryBody, EntryOf } from '#protocol/entry.ts'
import { COLLECTOR_NAME, DEFAULT_HALL } from '#protocol/names.ts'
import { unreachable } from '#protocol/result.ts'
import { createEpochBook } from './epoch-book.ts'
import { applyAcceptance, applyFinding, applyGap, applyKey, applyRevocation } from './incidents.ts'
import { applyPress } from './presses.ts'
import { type ProjectedEntry, type Touched, touchNothing, touchService } from './projected.ts'
import { applyOutcome, applyPrompt } from './prompts.ts'
import { restand } from './restand.ts'

/**
 * Derives every projection from entries in position order; the one function for live and for rebuild.
 * How the entries are cut into calls makes no difference to what comes out.
 */
export async function applyEvidence(trx: Kysely<Tables>, items: readonly ProjectedEntry[]): Promise<Touched> {
  const touched = touchNothing()
  const epochs = createEpochBook(trx, touched)
  const heads = new Map<string, ProjectedEntry>()
  for (const item of items) {
    await applyEntry(trx, item, touched)
    if (item.box === COLLECTOR_NAME) continue
    heads.set(item.box, item)
    await epochs.note(item)
  }
  await epochs.save()
  for (const item of heads.values()) {
    const { box, epoch, seq, receivedAtMs } = item
    await mergeBox(trx, { box, epoch, seq, received_at: receivedAtMs })
    touched.boxes.add(box)
  }
  const last = items.at(-1)
  if (last) {
    const { position, hash } = last
    await trx.updateTable('projection_cursor').set({ position, hash }).where('id', '=', 1).execute()
  }
  return touched
}

async function applyEntry(trx: Kysely<Tables>, item: ProjectedEntry, touched: Touched): Promise<void> {
  const { entry } = item
  switch (entry.kind) {
    case 'prompt':
      return await applyPrompt(trx, item, entry, touched)
    case 'rating':
    case 'correction':
      return await applyPress(trx, pressRow(item, entry), touched)
    case 'outcome':
      return await applyOutcome(trx, item, entry, touched)
    case 'case':
      return await applyCase(trx, item, entry, touched)
    case 'enrolment':
      await applyKey(trx, item, entry)
      return await applyEnrolment(trx, item, entry, touched)
    case 'boot':
      return await mergeBox(trx, { box: item.box, agent: entry.body.agent })
    case 'config':
    case 'pad':
    case 'anchor':
    case 'refused':
    case 'quarantined': // The quarantine follows in the commit itself: it holds bytes that evidence does not.
      return
    case 'digest':
      return await applyDigest(trx, item, entry)
    case 'gap':
      return await applyGap(trx, item, entry, touched)
    case 'finding':
      return await applyFinding(trx, item, entry, touched)
    case 'revocation':
      return await applyRevocation(trx, item, entry, touched)
    case 'acceptance':
      return await applyAcceptance(trx, item, entry)
    default:
      return unreachable(entry)
  }
}

async function applyEnrolment(
  trx: Kysely<Tables>,
  item: ProjectedEntry,
  { body }: EntryOf<'enrolment'>,
  touched: Touched,
) {
  const { box, key, hall = DEFAULT_HALL } = body
  touched.boxes.add(box)
  touched.keys.set(box, { key, hall })
  await mergeBox(trx, { box, key, hall, enrolled_at: item.receivedAtMs })
}

/** One hall and day has one digest: a second one would be our own bug, and its entry tells. */
async function applyDigest(trx: Kysely<Tables>, { position }: ProjectedEntry, { body }: EntryOf<'digest'>) {
  await trx
    .insertInto('digests')
    .values({ ...body, position })
    .onConflict(conflict => conflict.columns(['day', 'hall']).doNothing())
    .execute()
}

async function applyCase(trx: Kysely<Tables>, item: ProjectedEntry, entry: EntryOf<'case'>, touched: Touched) {
  const body: EntryBody<'case'> = entry.body
  await trx
    .insertInto('services')
    .values({
      case_number: body.case,
      service: body.service,
      position: item.position,
      source: body.source,
      item: body.item ?? null,
      window: body.window ?? null,
      clerk: body.clerk ?? null,
      served_at: body.servedAt ?? null,
      registered_at: item.receivedAtMs,
    })
    .onConflict(conflict => conflict.columns(['case_number', 'service']).doNothing())
    .execute()
  touchService(touched, body.case, body.service)
  const nowhere = { box: item.box, prompt: new Uint8Array() }
  await restand(trx, { ...nowhere, case_number: body.case, service: body.service }, touched)
}

function pressRow(item: ProjectedEntry, entry: EntryOf<'rating' | 'correction'>): Omit<RatingRow, 'standing'> {
  const { opened } = item
  if (!opened) throw new Error(`entry ${item.position} is a press and was not given to the opener`)
  const text = opened.ok ? opened.value : undefined
  return {
    position: item.position,
    box: item.box,
    epoch: item.epoch,
    seq: item.seq,
    hash: item.hash,
    prompt: entry.body.prompt,
    kind: entry.kind,
    provenance: entry.body.provenance,
    grade: text?.grade ?? null,
    fault: opened.ok ? null : opened.error.code,
    tags: text?.tags ? JSON.stringify(text.tags) : null,
    words: text?.words ?? null,
    at: entry.time.wall,
    received_at: item.receivedAtMs,
  }
}

async function mergeBox(trx: Kysely<Tables>, known: Pick<BoxRow, 'box'> & Partial<BoxRow>) {
  const { box, ...changes } = known
  const empty: BoxRow = {
    box,
    key: null,
    hall: null,
    enrolled_at: null,
    agent: null,
    epoch: null,
    seq: null,
    received_at: null,
  }
  await trx
    .insertInto('boxes')
    .values({ ...empty, ...changes })
    .onConflict(conflict => conflict.column('box').doUpdateSet(changes))
    .execute()
}
