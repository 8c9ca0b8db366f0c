import type { Kysely } from 'kysely'
import { entryTime } from '#collector/entry-time.ts'
import { checkBatch } from '#collector/ingest/check-batch.ts'
import { placeBatch } from '#collector/ingest/continuity.ts'
import type { Ingest } from '#collector/ingest/ingest.ts'
import type { BoxWork } from '#collector/ingest/work.ts'
import { findHash, findHead } from '#collector/store/evidence.ts'
import type { Tables } from '#collector/store/tables.ts'
import type { Clock } from '#protocol/clock.ts'
import { fromHex } from '#protocol/codec.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Revocations } from './revocations.ts'

/** What only a person can decide; each becomes an entry of the collector's own chain, with who and why. */
export interface Decisions {
  /** Says why the entries of a gap are missing. The gap stays. */
  explainGap(gap: { box: string; epoch: string; from: number }, note: string, by: string): Promise<Result<void>>
  /** Takes a batch that was set aside because it came after its box was revoked. */
  acceptBatch(batch: { box: string; sha256: string }, reason: string, by: string): Promise<Result<void>>
}

export function createDecisions(deps: {
  db: Kysely<Tables>
  clock: Clock
  ingest: Pick<Ingest, 'write'>
  revocations: Revocations
}): Decisions {
  const { db, clock, ingest } = deps

  /** The batch as one to commit; its revoked key is the one thing a person may overlook. */
  function readSetAside(box: string, bytes: Uint8Array): Result<BoxWork> {
    for (const key of deps.revocations.keysOf(box)) {
      const checked = checkBatch(box, bytes, { keyOf: () => key, revokedKeysOf: () => [] })
      if (checked.ok) return ok({ ...checked.value, bytes })
      if (checked.error.code !== 'bad-signature') return checked
    }
    return fail('batch-not-acceptable', 'it is not signed with a revoked key of that box')
  }

  async function whyNotNext({ batch, hashes }: BoxWork): Promise<string | undefined> {
    const { box, epoch, first, previous } = batch
    const head = await findHead(db, box, epoch)
    const place = await placeBatch({ first, previous, hashes }, head, seq => findHash(db, box, epoch, seq))
    if (place.kind === 'gap') return `entries ${(head?.seq ?? 0) + 1} to ${first - 1} are missing before it`
    if (place.kind === 'replay') return 'all its entries are committed already'
    return place.kind === 'forked' ? `it contradicts entry ${place.seq}, which is committed` : undefined
  }

  return {
    async explainGap({ box, epoch, from }, note, by) {
      const row = await db
        .selectFrom('gaps')
        .selectAll()
        .where('box', '=', box)
        .where('epoch', '=', fromHex(epoch))
        .where('from_seq', '=', from)
        .executeTakeFirst()
      if (!row) return fail('unknown-gap', `no gap of ${box} that was given up begins at ${from}`)
      const { epoch: ofEpoch, to_seq: to, previous } = row
      const body = { box, epoch: ofEpoch, from, to, previous, reason: 'explained', by, note } as const
      const written = await ingest.write({ entry: { kind: 'gap', time: entryTime(clock), body } })
      return written.ok ? ok() : written
    },
    async acceptBatch({ box, sha256 }, reason, by) {
      const row = await db
        .selectFrom('quarantine')
        .select(['code', 'bytes'])
        .where('box', '=', box)
        .where('sha256', '=', fromHex(sha256))
        .executeTakeFirst()
      if (!row) return fail('unknown-batch', `no batch of ${box} with that hash is set aside`)
      if (row.code !== 'box-revoked') return fail('batch-not-acceptable', `it was set aside as ${row.code}`)
      const work = readSetAside(box, row.bytes)
      if (!work.ok) return fail('batch-not-acceptable', work.error.detail)
      const why = await whyNotNext(work.value)
      if (why) return fail('batch-not-acceptable', why)
      const { epoch, first, entries } = work.value.batch
      const [batch, last] = [fromHex(sha256), first + entries.length - 1]
      const body = { box, batch, epoch, first, last, by, reason }
      const written = await ingest.write({ entry: { kind: 'acceptance', time: entryTime(clock), body } }, work.value)
      return written.ok ? ok() : written
    },
  }
}
