import type { KeyObject } from 'node:crypto'
import type { Kysely } from 'kysely'
import {
  type ChainHead,
  createEvidenceWriter,
  findHash,
  findHead,
  findLatest,
  lastPosition,
} from '#collector/store/evidence.ts'
import type { BatchRow, EvidenceRow, Tables } from '#collector/store/tables.ts'
import { PROTOCOL_VERSION, signBatch } from '#protocol/batch.ts'
import { CHAIN_START, chainHashes } from '#protocol/chain.ts'
import type { RandomBytes } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'
import { encodeEntry } from '#protocol/entry.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { signReceipt } from '#protocol/receipt.ts'
import { placeBatch } from './continuity.ts'
import type { BoxWork, CommitResult, OwnWork } from './work.ts'

/** Writes all that waits in one transaction. What it returns may be acted upon: it is on disk. */
export interface Committer {
  /** Throws what the store throws; then nothing was written. */
  commit(boxes: readonly BoxWork[], own: readonly OwnWork[], atWallMs: number): Promise<CommitResult>
}

interface Draft extends CommitResult {
  trx: Kysely<Tables>
  atWallMs: number
  position: number
  evidence: EvidenceRow[]
  batches: BatchRow[]
  /** Heads as this transaction leaves them, by chain. */
  heads: Map<string, ChainHead>
}

export async function createCommitter(deps: {
  db: Kysely<Tables>
  randomBytes: RandomBytes
  /** Signs receipts and the collector's own chain. */
  signingKey: KeyObject
}): Promise<Committer> {
  const { db, signingKey } = deps
  const writer = createEvidenceWriter()
  const latest = await findLatest(db, COLLECTOR_NAME)
  const ownEpoch = latest?.epoch ?? deps.randomBytes(16)
  // This process is the only one that appends, so what it committed last is what the store holds.
  const knownHeads = new Map<string, ChainHead>()

  async function headOf(draft: Draft, box: string, epoch: Uint8Array): Promise<ChainHead | undefined> {
    const key = chainKey(box, epoch)
    const known = draft.heads.get(key) ?? knownHeads.get(key)
    if (known) return known
    const found = await findHead(draft.trx, box, epoch)
    if (found) draft.heads.set(key, found)
    return found
  }

  async function takeBatch(draft: Draft, work: BoxWork): Promise<void> {
    const { box, epoch, first, previous } = work.batch
    const head = await headOf(draft, box, epoch)
    const hashAt = (seq: number) => findHash(draft.trx, box, epoch, seq)
    const place = await placeBatch({ first, previous, hashes: work.hashes }, head, hashAt)
    if (place.kind === 'forked') {
      const detail = `entry ${place.seq} is committed with another hash: this chain contradicts an earlier one`
      draft.forked.push({ box, code: 'forked', detail, bytes: work.bytes })
      return
    }
    if (place.kind === 'gap') draft.gaps += 1
    if (place.kind === 'replay') draft.replays += 1
    if (place.kind === 'follows') return append(draft, work, place.from, head)
    // Tells the box where we stand: it goes on, or goes back, from there, also to the beginning of an epoch
    // that a store restored from a backup has never heard of.
    draft.receipts.push({ box, bytes: receiptFor(draft, box, epoch, head ?? { seq: 0, hash: CHAIN_START }) })
  }

  function append(draft: Draft, work: BoxWork, from: number, head: ChainHead | undefined) {
    const { box, epoch, first, entries, signature } = work.batch
    const previous = head?.hash ?? CHAIN_START
    const last = { seq: first + entries.length - 1, hash: work.hashes.at(-1)! }
    const receipt = receiptFor(draft, box, epoch, last)
    draft.batches.push({
      first_position: draft.position + 1,
      last_position: draft.position + entries.length - from,
      box,
      epoch,
      first_seq: first + from,
      last_seq: last.seq,
      previous,
      signature,
      received_at: draft.atWallMs,
      receipt,
    })
    for (let i = from; i < entries.length; i++) {
      addEvidence(draft, { box, epoch, seq: first + i, hash: work.hashes[i]!, bytes: entries[i]! }, work.entries[i]!)
    }
    draft.heads.set(chainKey(box, epoch), last)
    draft.receipts.push({ box, bytes: receipt })
  }

  function receiptFor(draft: Draft, box: string, epoch: Uint8Array, head: ChainHead): Uint8Array {
    return signReceipt({ version: 1, box, epoch, seq: head.seq, hash: head.hash, at: draft.atWallMs }, signingKey)
  }

  /** Appends the entries of our own chain that are to be written, under one signature. */
  async function takeOwn(draft: Draft, own: readonly OwnWork[]): Promise<void> {
    const fresh: OwnWork[] = []
    for (const work of own) {
      const earlier = work.registers && (await findRegistration(draft.trx, work.registers))
      if (!earlier) fresh.push(work)
      const position = earlier ?? draft.position + fresh.length
      draft.own.push({ position, isNew: !earlier })
      if (work.registers && !earlier) {
        await draft.trx
          .insertInto('registrations')
          .values({ ...work.registers, position })
          .execute()
      }
    }
    if (fresh.length > 0) await appendOwn(draft, fresh)
  }

  async function appendOwn(draft: Draft, fresh: readonly OwnWork[]) {
    const chain = { box: COLLECTOR_NAME, epoch: ownEpoch }
    const head = await headOf(draft, chain.box, chain.epoch)
    const first = (head?.seq ?? 0) + 1
    const previous = head?.hash ?? CHAIN_START
    const entries = fresh.map(work => encodeEntry(work.entry))
    const hashes = chainHashes(chain, first, previous, entries)
    const last = { seq: first + entries.length - 1, hash: hashes.at(-1)! }
    const unsigned = { version: PROTOCOL_VERSION, ...chain, first, previous, entries, newest: last.seq } as const
    draft.batches.push({
      first_position: draft.position + 1,
      last_position: draft.position + entries.length,
      ...chain,
      first_seq: first,
      last_seq: last.seq,
      previous,
      signature: signBatch(unsigned, last.hash, signingKey).signature,
      received_at: draft.atWallMs,
      receipt: null,
    })
    for (const [i, bytes] of entries.entries()) {
      addEvidence(draft, { ...chain, seq: first + i, hash: hashes[i]!, bytes }, fresh[i]!.entry)
    }
    draft.heads.set(chainKey(chain.box, chain.epoch), last)
  }

  return {
    async commit(boxes, own, atWallMs) {
      const draft = await db.transaction().execute(async trx => {
        const begun = begin(trx, atWallMs, await lastPosition(trx))
        await takeOwn(begun, own)
        for (const work of boxes) await takeBatch(begun, work)
        await writer.append(trx, begun.evidence, begun.batches)
        return begun
      })
      for (const [key, head] of draft.heads) knownHeads.set(key, head)
      return draft
    },
  }
}

function begin(trx: Kysely<Tables>, atWallMs: number, position: number): Draft {
  return {
    trx,
    atWallMs,
    position,
    evidence: [],
    batches: [],
    heads: new Map(),
    committed: [],
    receipts: [],
    own: [],
    forked: [],
    gaps: 0,
    replays: 0,
  }
}

function addEvidence(
  draft: Draft,
  row: Omit<EvidenceRow, 'position' | 'received_at'>,
  entry: CommitResult['committed'][number]['entry'],
) {
  draft.position += 1
  const { box, epoch, seq, hash } = row
  draft.evidence.push({ ...row, position: draft.position, received_at: draft.atWallMs })
  draft.committed.push({ position: draft.position, box, epoch, seq, hash, receivedAtMs: draft.atWallMs, entry })
}

async function findRegistration(
  trx: Kysely<Tables>,
  { case_number, service }: NonNullable<OwnWork['registers']>,
): Promise<number | undefined> {
  const row = await trx
    .selectFrom('registrations')
    .select('position')
    .where('case_number', '=', case_number)
    .where('service', '=', service)
    .executeTakeFirst()
  return row?.position
}

const chainKey = (box: string, epoch: Uint8Array) => `${box} ${toHex(epoch)}`
