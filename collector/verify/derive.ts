import type { Opening } from '#collector/opening/opening.ts'
import { createApplier } from '#collector/projection/apply.ts'
import type { ProjectedEntry } from '#collector/projection/projected.ts'
import { decodeRow } from '#collector/projection/projector.ts'
import { keepRefused } from '#collector/store/quarantine.ts'
import type { ScratchStore } from '#collector/store/scratch-store.ts'
import type { EvidenceRow } from '#collector/store/tables.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import type { RawRow } from './batch-item.ts'
import type { Conservation } from './conserve.ts'
import { placeOf } from './diagnose.ts'
import type { VerifyFault } from './fault.ts'
import type { StoreSource } from './store-source.ts'

/** Entries of one transaction; nothing waits for these, so more than a running collector takes. */
const SLICE_ENTRIES = 500

/**
 * Derives every table that follows from the evidence into a scratch store: those that the collector projects,
 * up to `projectedTo`, and those it writes with the commit itself. What is no entry is passed over; it is named
 * where the evidence is checked.
 */
export async function deriveTables(deps: {
  source: StoreSource
  scratch: ScratchStore
  opening: Opening
  conservation: Conservation
  projectedTo: number
  report(fault: VerifyFault): void
  onProgress?(entries: number): void
}): Promise<void> {
  const { source, scratch, opening, conservation } = deps
  const applier = createApplier()

  async function derive(items: readonly ProjectedEntry[]) {
    await scratch.db.transaction().execute(async trx => {
      for (const { position, receivedAtMs, entry } of items) {
        if (entry.kind === 'case') {
          const row = { case_number: entry.body.case, service: entry.body.service, position }
          await trx
            .insertInto('registrations')
            .values(row)
            .onConflict(once => once.doNothing())
            .execute()
        } else if (entry.kind === 'quarantined') {
          await keepRefused(trx, { position, atWallMs: receivedAtMs, body: entry.body, bytes: new Uint8Array() })
        }
      }
      await applier.apply(
        trx,
        items.filter(item => item.position <= deps.projectedTo),
      )
    })
  }

  async function deriveOneByOne(items: readonly ProjectedEntry[]) {
    for (const item of items) {
      try {
        await derive([item])
      } catch (error) {
        const detail = `no table can follow from it: ${(error as Error).message}`
        deps.report({ code: 'entry-not-derivable', table: 'evidence', ...placeOf(rowOf(item)), detail })
      }
    }
  }

  for (let after = 0; ; ) {
    const rows = source.evidence(after + 1, Number.MAX_SAFE_INTEGER, SLICE_ENTRIES)
    const last = rows.at(-1)
    if (!last) return
    after = Number(last['position'])
    const items = await Promise.all(rows.flatMap(row => read(row) ?? []).map(item => opened(opening, item)))
    for (const { position, box, entry, bytes } of items) {
      if (box !== COLLECTOR_NAME) conservation.add({ position, box, kind: entry.kind, bytes })
    }
    try {
      await derive(items)
    } catch {
      // Only evidence that was tampered with contradicts a rule of a table; one by one shows which entry it is.
      await deriveOneByOne(items)
    }
    deps.onProgress?.(rows.length)
  }
}

type Item = ProjectedEntry & { bytes: Buffer }

/** A row as an entry; undefined when it is none. */
function read(row: RawRow): Item | undefined {
  const { box, epoch, hash, bytes } = row
  if (typeof box !== 'string' || !(epoch instanceof Uint8Array) || !(hash instanceof Uint8Array)) return undefined
  if (!Buffer.isBuffer(bytes)) return undefined
  try {
    return { ...decodeRow(row as unknown as EvidenceRow), bytes }
  } catch {
    // It throws for bytes that are no entry: those are named with the evidence.
    return undefined
  }
}

async function opened(opening: Opening, item: Item): Promise<Item> {
  const { entry } = item
  if (entry.kind !== 'rating' && entry.kind !== 'correction') return item
  return { ...item, opened: await opening.open(item.box, entry.body.prompt, entry.body.sealed) }
}

const rowOf = ({ position, box, epoch, seq }: ProjectedEntry): RawRow => ({ position, box, epoch, seq })
