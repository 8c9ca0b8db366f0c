import type { Kysely } from 'kysely'
import type { DigestView } from '#collector/schemas.ts'
import type { Tables } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'

/** The digests of a day (`YYYY-MM-DD`) that are made, in the order of the halls' names. */
export async function listDigests(db: Kysely<Tables>, day: string): Promise<DigestView[]> {
  const rows = await db
    .selectFrom('digests')
    .innerJoin('evidence', 'evidence.position', 'digests.position')
    .select(['day', 'hall', 'entries', 'root', 'batches', 'epoch', 'seq', 'hash'])
    .where('day', '=', day)
    .orderBy('hall')
    .execute()
  return rows.map(({ root, batches, epoch, hash, ...row }) => ({
    ...row,
    root: toHex(root),
    batches: toHex(batches),
    epoch: toHex(epoch),
    hash: toHex(hash),
  }))
}
