import type { Kysely } from 'kysely'
import type { BoxRow, RatingRow, Tables } from '#collector/store/tables.ts'
import { createTimeBooks } from '#collector/time/time-books.ts'
import type { EntryOf } from '#protocol/entry.ts'
import { COLLECTOR_NAME, DEFAULT_HALL } from '#protocol/names.ts'
import { unreachable } from '#protocol/result.ts'
import { createEpochBook } from './epoch-book.ts'
import { applyAcceptance, applyFinding, applyGap, applyKey, applyRevocation } from './incidents.ts'
import { applyPress } from './presses.ts'
import { type ProjectedEntry, type Touched, touchNothing, touchService } from './projected.ts'
import { applyOutcome, applyPrompt } from './prompts.ts'
import { createSlice, type Slice } from './slice.ts'
import { type BoxHead, createSliceRows } from './slice-rows.ts'

/** Derives every projection from entries in position order; the one function for live and for rebuild. */
export interface Applier {
  /** How the entries are cut into calls makes no difference to what comes out. Call inside a transaction. */
  apply(trx: Kysely<Tables>, items: readonly ProjectedEntry[]): Promise<Touched>
}

/** For one store. */
export function createApplier(): Applier {
  const rows = createSliceRows()
  const books = createTimeBooks()
  return {
    async apply(trx, items) {
      const known = await rows.readKnown(trx, items)
      const touched = touchNothing()
      const slice = createSlice(known, rows, touched)
      const epochs = createEpochBook(known.epochs, touched)
      const times = await books.open(trx, items)
      const heads = new Map<string, BoxHead>()
      for (const item of items) {
        const { box, epoch, seq, receivedAtMs } = item
        if (box === COLLECTOR_NAME) {
          await applyEntry(trx, item, slice)
          continue
        }
        const { instant, isAnchorRefused } = times.note(item)
        if (isAnchorRefused) slice.noteOddity(item, 'anchor-contradicts')
        await applyEntry(trx, { ...item, instant }, slice)
        epochs.note(item)
        heads.set(box, { box, epoch, seq, received_at: receivedAtMs })
        touched.boxes.add(box)
      }
      await slice.save(trx)
      await times.save(trx)
      await rows.writeEpochs(trx, epochs.changed())
      await rows.writeHeads(trx, [...heads.values()])
      const last = items.at(-1)
      if (last) await moveCursor(trx, last)
      return touched
    },
  }
}

async function moveCursor(trx: Kysely<Tables>, { position, hash }: ProjectedEntry) {
  await trx.updateTable('projection_cursor').set({ position, hash }).where('id', '=', 1).execute()
}

async function applyEntry(trx: Kysely<Tables>, item: ProjectedEntry, slice: Slice): Promise<void> {
  const { entry } = item
  const { touched } = slice
  switch (entry.kind) {
    case 'prompt':
      return applyPrompt(slice, item, entry)
    case 'rating':
    case 'correction':
      return applyPress(slice, pressRow(item, entry))
    case 'outcome':
      return applyOutcome(slice, item, entry)
    case 'case':
      return applyCase(slice, item, entry)
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

function applyCase(slice: Slice, item: ProjectedEntry, { body }: EntryOf<'case'>) {
  const { case: case_number, service } = body
  slice.addService({
    case_number,
    service,
    position: item.position,
    source: body.source,
    item: body.item ?? null,
    window: body.window ?? null,
    clerk: body.clerk ?? null,
    served_at: body.servedAt ?? null,
    registered_at: item.receivedAtMs,
  })
  touchService(slice.touched, case_number, service)
  slice.restand({ box: item.box, prompt: new Uint8Array(), case_number, service })
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
