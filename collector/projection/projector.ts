import type { Kysely } from 'kysely'
import type { Opening } from '#collector/opening/opening.ts'
import { lastPosition, readEvidence } from '#collector/store/evidence.ts'
import { type EvidenceRow, PROJECTION_TABLES, type Tables } from '#collector/store/tables.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import type { Clock } from '#protocol/clock.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { type Applier, createApplier } from './apply.ts'
import type { ProjectedEntry, Touched } from './projected.ts'

/** Entries of one transaction: a hundredth of a second, for which a batch that comes out of silence may wait. */
const SLICE_ENTRIES = 128
/** The same where nobody waits. */
const REBUILD_SLICE_ENTRIES = 500
/** Receipts go first, but tables are never further behind than this: then slices and commits take turns. */
const BEHIND_MS_MAX = 2000
const GIVE_WAY_MS = 10
/**
 * Committed entries held decoded in memory. When more wait they are read back from the store: to decode one again
 * costs a twentieth of projecting it, to hold thousands costs whoever waits for a receipt.
 */
const TAIL_ENTRIES_MAX = 1000

export type Committed = Omit<ProjectedEntry, 'opened'>

/** Follows the evidence in position order, behind the receipts. */
export interface Projector {
  /** Takes entries just committed, so that they are not decoded again. */
  committed(items: readonly Committed[]): void
  /** Resolves when everything committed before the call is projected. Until then it gives way to nobody. */
  caughtUp(): Promise<void>
  stop(): Promise<void>
}

export function createProjector(deps: {
  db: Kysely<Tables>
  clock: Pick<Clock, 'monoMs' | 'after'>
  opening: Opening
  /** Whether boxes wait for receipts, or are about to. */
  areReceiptsDue(): boolean
  onProjected(touched: Touched): void
  /** The store refused a write: says how long to wait, and logs it. Rethrows what is no refusal. */
  onRefused(error: unknown): Promise<void>
}): Projector {
  const { db, clock } = deps
  const applier = createApplier()
  let tail: Committed[] = []
  let running: Promise<void> | undefined
  let isStopped = false
  let isWanted = false
  let isUrgent = false
  let behindSinceMonoMs: number | undefined
  let goOn = () => {}
  let cursor: number | undefined

  async function run() {
    while (isWanted && !isStopped) {
      isWanted = false
      await drain()
    }
    isUrgent = false
    // In the same breath as the check, or entries committed in between would wait for the next ones.
    running = undefined
  }

  async function drain() {
    while (!isStopped) {
      await giveWay()
      if (isStopped) return
      try {
        const slice = await nextSlice()
        if (slice.length === 0) {
          behindSinceMonoMs = undefined
          return
        }
        const touched = await projectSlice(db, applier, deps.opening, slice)
        cursor = slice.at(-1)!.position
        deps.onProjected(touched)
      } catch (error) {
        await deps.onRefused(error)
      }
    }
  }

  /** Turns of the event loop for whoever waits, and as long as receipts are due. */
  async function giveWay() {
    behindSinceMonoMs ??= clock.monoMs()
    await turns()
    while (!isUrgent && !isStopped && deps.areReceiptsDue() && clock.monoMs() - behindSinceMonoMs < BEHIND_MS_MAX) {
      await pause()
      // A pause that was over long ago says nothing: what came meanwhile has to be heard first.
      await turns()
    }
  }

  function pause() {
    return new Promise<void>(resolve => {
      const cancel = clock.after(GIVE_WAY_MS, resolve)
      goOn = () => {
        cancel()
        resolve()
      }
    })
  }

  async function nextSlice(): Promise<Committed[]> {
    cursor ??= await readCursor(db)
    const from = cursor
    tail = tail.filter(item => item.position > from)
    if (tail[0]?.position === from + 1) return tail.slice(0, SLICE_ENTRIES)
    return (await readEvidence(db, from, SLICE_ENTRIES)).map(decodeRow)
  }

  async function follow(): Promise<void> {
    isWanted = true
    running ??= run()
    await running
  }

  return {
    committed(items) {
      if (tail.length + items.length > TAIL_ENTRIES_MAX) tail = []
      else tail.push(...items)
      void follow()
    },
    async caughtUp() {
      isUrgent = true
      goOn()
      await follow()
    },
    async stop() {
      isStopped = true
      goOn()
      await running
    },
  }
}

/** One in which a broker of this process hears a box, and one in which it passes on what it heard. */
async function turns() {
  await new Promise(setImmediate)
  await new Promise(setImmediate)
}

async function projectSlice(
  db: Kysely<Tables>,
  applier: Applier,
  opening: Opening,
  slice: readonly Committed[],
): Promise<Touched> {
  const items = await Promise.all(slice.map(item => openItem(opening, item)))
  return await db.transaction().execute(trx => applier.apply(trx, items))
}

async function openItem(opening: Opening, item: Committed): Promise<ProjectedEntry> {
  const { entry } = item
  if (entry.kind !== 'rating' && entry.kind !== 'correction') return item
  return { ...item, opened: await opening.open(item.box, entry.body.prompt, entry.body.sealed) }
}

export function decodeRow(row: EvidenceRow): Committed {
  const decoded = decodeEntry(row.bytes)
  // Nothing reaches the evidence without having been decoded once.
  if (!decoded.ok) throw new Error(`evidence ${row.position} does not decode: ${decoded.error.detail}`)
  const { position, box, epoch, seq, hash, received_at } = row
  return { position, box, epoch, seq, hash, receivedAtMs: received_at, entry: decoded.value }
}

async function readCursor(db: Kysely<Tables>): Promise<number> {
  const row = await db.selectFrom('projection_cursor').select('position').where('id', '=', 1).executeTakeFirstOrThrow()
  return row.position
}

/**
 * Makes every projection anew from the evidence and returns how many entries that took. Cut short, the
 * next start goes on where it ended. Only for a store that no collector is running on.
 */
export async function rebuildProjections(db: Kysely<Tables>, opening: Opening): Promise<number> {
  await db.transaction().execute(async trx => {
    for (const table of Object.keys(PROJECTION_TABLES)) {
      await trx.deleteFrom(table as keyof typeof PROJECTION_TABLES).execute()
    }
    await trx.updateTable('projection_cursor').set({ position: 0, hash: CHAIN_START }).where('id', '=', 1).execute()
  })
  const applier = createApplier()
  let at = 0
  for (;;) {
    const slice = (await readEvidence(db, at, REBUILD_SLICE_ENTRIES)).map(decodeRow)
    if (slice.length === 0) return await lastPosition(db)
    await projectSlice(db, applier, opening, slice)
    at = slice.at(-1)!.position
  }
}
