import type { KeyObject } from 'node:crypto'
import type { Kysely } from 'kysely'
import { findHead } from '#collector/store/evidence.ts'
import type { Tables } from '#collector/store/tables.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import type { Clock } from '#protocol/clock.ts'
import type { Presence } from '#protocol/presence.ts'
import { encodeReceipt, makeReceipt } from '#protocol/receipt.ts'

/**
 * What to answer to a box's status: nothing, unless the box has receipts for more than is committed here. Then
 * this store comes from a backup, and a receipt for what it has makes the box send the rest again, also a box
 * that has nothing new to say.
 */
export async function answerStatus(
  deps: { db: Kysely<Tables>; clock: Clock; signingKey: KeyObject },
  box: string,
  { online, receipted }: Presence,
): Promise<Uint8Array | undefined> {
  if (!online || !receipted || receipted.seq === 0) return undefined
  const { epoch } = receipted
  const head = (await findHead(deps.db, box, epoch)) ?? { seq: 0, hash: CHAIN_START }
  if (head.seq >= receipted.seq) return undefined
  const { seq, hash } = head
  return encodeReceipt(makeReceipt({ version: 1, box, epoch, seq, hash, at: deps.clock.wallMs() }, deps.signingKey))
}
