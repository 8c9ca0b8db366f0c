import type { Kysely } from 'kysely'
import type { AcceptanceRow, BoxKeyRow, RatingRow, Tables } from '#collector/store/tables.ts'
import { isEqual } from '#protocol/codec.ts'

/** Since when the box was revoked that signed an entry, by its place; undefined when it was not. */
export type RevokedSince = (entry: Pick<RatingRow, 'position' | 'box' | 'epoch' | 'seq'>) => number | undefined

/** Entries under a key that was revoked later stay valid, and say so; entries taken after it say so too. */
export async function revokedSince(db: Kysely<Tables>, boxes: readonly string[]): Promise<RevokedSince> {
  const names = [...new Set(boxes)]
  if (names.length === 0) return () => undefined
  const keys = Map.groupBy(
    await db.selectFrom('box_keys').selectAll().where('box', 'in', names).orderBy('position').execute(),
    row => row.box,
  )
  const accepted = await db.selectFrom('acceptances').selectAll().where('box', 'in', names).execute()
  return entry => {
    const ofBox = keys.get(entry.box) ?? []
    if (accepted.some(row => isIn(row, entry))) return ofBox.findLast(isRevoked)?.revoked_at ?? undefined
    // The key in force is the last one enrolled before; what has none is a certificate noted by itself.
    return ofBox.findLast(row => row.position < entry.position && !isNote(row))?.revoked_at ?? undefined
  }
}

const isRevoked = (row: BoxKeyRow) => row.revoked_at !== null

/** A revocation of a certificate whose key was never enrolled here: it put no key in force. */
const isNote = (row: BoxKeyRow) => row.revoked_position === row.position

function isIn(row: AcceptanceRow, entry: Pick<RatingRow, 'box' | 'epoch' | 'seq'>): boolean {
  const isOfChain = row.box === entry.box && isEqual(row.epoch, entry.epoch)
  return isOfChain && entry.seq >= row.first_seq && entry.seq <= row.last_seq
}
