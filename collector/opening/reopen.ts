import type { Kysely } from 'kysely'
import type { EvidenceRow, Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import { decodeEntry, type EntryOf } from '#protocol/entry.ts'
import { type Opening, UNKNOWN_KEY } from './opening.ts'

const SLICE_ROWS = 200

type Press = EntryOf<'rating' | 'correction'>

/**
 * Opens the ratings that came sealed to a key nobody held then, where it is held now, and returns their
 * positions. They become what a rebuild would make of them, byte for byte. Costs little when none waits.
 */
export async function reopenRatings(db: Kysely<Tables>, opening: Opening): Promise<Set<number>> {
  const opened = new Set<number>()
  for (let after = 0; ; ) {
    const rows = await db
      .selectFrom('oddities')
      .innerJoin('evidence', 'evidence.position', 'oddities.position')
      .selectAll('evidence')
      .where('oddities.code', '=', UNKNOWN_KEY)
      .where('oddities.position', '>', after)
      .orderBy('oddities.position')
      .limit(SLICE_ROWS)
      .execute()
    const last = rows.at(-1)
    if (!last) return opened
    after = last.position
    for (const row of rows) {
      if (await reopen(db, opening, row)) opened.add(row.position)
    }
  }
}

async function reopen(db: Kysely<Tables>, opening: Opening, row: EvidenceRow): Promise<boolean> {
  const { position, box } = row
  const { prompt, sealed } = pressOf(row).body
  const text = await opening.open(box, prompt, sealed)
  if (!text.ok && text.error.code === UNKNOWN_KEY) return false
  const { grade, tags, words } = text.ok ? text.value : {}
  const fault = text.ok ? null : text.error.code
  const shown = { grade: grade ?? null, fault, tags: tags ? JSON.stringify(tags) : null, words: words ?? null }
  await db.transaction().execute(async trx => {
    await trx.updateTable('ratings').set(shown).where('position', '=', position).execute()
    const oddity = trx.deleteFrom('oddities').where('position', '=', position).where('code', '=', UNKNOWN_KEY)
    await oddity.execute()
    if (fault) await trx.insertInto('oddities').values({ position, box, code: fault }).execute()
  })
  return true
}

/** Which opening key each of these ratings was sealed to, by its position: the id of the key, in hex. */
export async function sealedTo(db: Kysely<Tables>, positions: readonly number[]): Promise<Map<number, string>> {
  if (positions.length === 0) return new Map()
  const rows = await db.selectFrom('evidence').selectAll().where('position', 'in', positions).execute()
  return new Map(rows.map(row => [row.position, toHex(pressOf(row).body.sealed.key)]))
}

function pressOf(row: EvidenceRow): Press {
  const entry = decodeEntry(row.bytes)
  if (!entry.ok || (entry.value.kind !== 'rating' && entry.value.kind !== 'correction')) {
    throw new Error(`evidence ${row.position} is no press`)
  }
  return entry.value
}
