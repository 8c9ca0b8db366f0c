import type { Kysely } from 'kysely'
import { judgeOrigin } from '#collector/fleet/judge-origin.ts'
import { type ChainHead, findLatest } from '#collector/store/evidence.ts'
import type { Tables } from '#collector/store/tables.ts'
import { isEqual, toHex } from '#protocol/codec.ts'
import type { EntryBody } from '#protocol/entry.ts'
import type { BoxWork } from './work.ts'

type Finding = EntryBody<'finding'>

/** The transaction that is being written. */
export interface ChainView {
  trx: Kysely<Tables>
  /** Heads as it leaves them. */
  headOf(box: string, epoch: Uint8Array): Promise<ChainHead | undefined>
}

/** Notices what no honest, whole box does, once each, while its batches are committed. */
export interface ChainWatch {
  /** What is to be written of a batch whose entries from `from` on are about to be appended behind `head`. */
  appending(view: ChainView, work: BoxWork, from: number, head: ChainHead | undefined): Promise<Finding | undefined>
  /** What is to be written of a batch that contradicts the committed entry `seq`. */
  forked(work: BoxWork, seq: number): Finding | undefined
  /** The transaction is over: what was noticed in it stands, or did not happen. */
  ended(isCommitted: boolean): void
}

export async function createChainWatch(db: Kysely<Tables>): Promise<ChainWatch> {
  const written = new Set(
    (await db.selectFrom('findings').select(['box', 'code', 'epoch']).execute()).map(row => nameOf(row)),
  )
  /** The epoch of each box that began last. */
  const newest = new Map<string, Uint8Array | undefined>()
  let undo: (() => void)[] = []

  async function newestOf(trx: Kysely<Tables>, box: string) {
    if (!newest.has(box)) newest.set(box, await findNewest(trx, box))
    return newest.get(box)
  }

  function once(finding: Finding): Finding | undefined {
    const name = nameOf(finding)
    if (written.has(name)) return undefined
    written.add(name)
    undo.push(() => written.delete(name))
    return finding
  }

  return {
    async appending({ trx, headOf }, work, from, head) {
      const { box, epoch, first } = work.batch
      const before = await newestOf(trx, box)
      if (before && isEqual(before, epoch)) return undefined
      if (head) return once({ box, code: 'epoch-overlap', epoch, seq: first + from, hash: work.hashes[from]! })
      newest.set(box, epoch)
      undo.push(() => newest.set(box, before))
      if (!before) return undefined
      const end = await headOf(box, before)
      const entry = work.entries[from]!
      const origin = entry.kind === 'boot' ? entry.body.origin : undefined
      if (!end || judgeOrigin(origin, { epoch: before, ...end }).verdict === 'explained') return undefined
      return once({ box, code: 'unexplained-end', epoch: before, seq: end.seq, hash: end.hash })
    },
    forked({ batch, hashes }, seq) {
      const hash = hashes[seq - batch.first]!
      return once({ box: batch.box, code: 'forked', epoch: batch.epoch, seq, hash })
    },
    ended(isCommitted) {
      if (!isCommitted) for (const step of undo.reverse()) step()
      undo = []
    },
  }
}

/**
 * The epoch of a box that began last. The projection knows where epochs began; what it has not reached
 * yet came later than all it knows.
 */
async function findNewest(trx: Kysely<Tables>, box: string): Promise<Uint8Array | undefined> {
  const latest = await findLatest(trx, box)
  if (!latest) return undefined
  const known = await trx
    .selectFrom('epochs')
    .select('epoch')
    .where('box', '=', box)
    .orderBy('position', 'desc')
    .execute()
  return known.some(({ epoch }) => isEqual(epoch, latest.epoch)) ? known[0]!.epoch : latest.epoch
}

const nameOf = ({ box, code, epoch }: Pick<Finding, 'box' | 'code' | 'epoch'>) => `${box} ${code} ${toHex(epoch)}`
