import type { KeyObject } from 'node:crypto'
import type { Kysely } from 'kysely'
import { loadDayLedger } from '#collector/digest/day-ledger.ts'
import { entryTime } from '#collector/entry-time.ts'
import {
  type ChainHead,
  countEntries,
  createEvidenceWriter,
  findHash,
  findHead,
  findLatest,
  lastPosition,
} from '#collector/store/evidence.ts'
import { keepRefused } from '#collector/store/quarantine.ts'
import type { BatchRow, EvidenceRow, Tables } from '#collector/store/tables.ts'
import { PROTOCOL_VERSION, signBatch } from '#protocol/batch.ts'
import { CHAIN_START, chainHashes } from '#protocol/chain.ts'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { isEqual, toHex } from '#protocol/codec.ts'
import { type EntryBody, encodeEntry } from '#protocol/entry.ts'
import { COLLECTOR_NAME, DEFAULT_HALL } from '#protocol/names.ts'
import { encodeReceipt, makeReceipt, type Receipt } from '#protocol/receipt.ts'
import { countShared, placeBatch } from './continuity.ts'
import { createChainWatch } from './watch-chains.ts'
import type { Arrival, BoxWork, CommitResult, GapAttempt, OwnWork } from './work.ts'

/** Writes all that waits in one transaction. What it returns may be acted upon: it is on disk. */
export interface Committer {
  /** Throws what the store throws; then nothing was written. */
  commit(boxes: readonly BoxWork[], own: readonly OwnWork[], atWallMs: number): Promise<CommitResult>
  /** Whether the next commit closes a day, so that it is worth making though nothing waits. */
  isDayOver(atWallMs: number): boolean
}

interface Draft extends CommitResult {
  trx: Kysely<Tables>
  atWallMs: number
  position: number
  evidence: EvidenceRow[]
  batches: BatchRow[]
  /** Heads as this transaction leaves them, by chain. */
  heads: Map<string, ChainHead>
  /** Boxes that this transaction enrols, which their batches of the same transaction do not know yet. */
  enrolled: Map<string, EntryBody<'enrolment'>>
}

export async function createCommitter(deps: {
  db: Kysely<Tables>
  clock: Clock
  randomBytes: RandomBytes
  /** Whether a batch is to be taken although entries before it never came. */
  mayPassGap(attempt: GapAttempt): boolean
  /** Signs receipts and the collector's own chain. */
  signingKey: KeyObject
  /** The hall a box was enrolled in last, of what is committed. */
  hallOf(box: string): string
}): Promise<Committer> {
  const { db, signingKey } = deps
  const writer = createEvidenceWriter()
  const watch = await createChainWatch(db)
  const ledger = await loadDayLedger(db)
  const latest = await findLatest(db, COLLECTOR_NAME)
  const ownEpoch = latest?.epoch ?? deps.randomBytes(16)
  // This process is the only one that appends, so what it committed last is what the store holds.
  const knownHeads = new Map<string, ChainHead>()
  /** Committed, and not yet counted in the digests of the day: that is done when the receipts are on their way. */
  let uncounted: Pick<Draft, 'batches' | 'evidence'> | undefined

  function countIn() {
    if (uncounted) ledger.add(uncounted.batches, uncounted.evidence)
    uncounted = undefined
  }

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
    // It waited while its box was enrolled anew: the box sends it again, and it is checked against that key.
    if (!work.isAccepted && !isOfItsKey(draft, work)) return
    const head = await headOf(draft, box, epoch)
    if (head && (await fillsGap(draft, work, head))) {
      const detail = `entries before ${head.seq} were given up as missing; these come too late for the chain`
      draft.refused.push({ box, code: 'late-for-gap', detail, bytes: work.bytes })
      return arrived(draft, work, head, 'late')
    }
    const place = await placeBatch({ first, previous, hashes: work.hashes }, head, seq => hashAt(draft, work, seq))
    if (place.kind === 'forked') {
      const detail = `entry ${place.seq} is committed with another hash: this chain contradicts an earlier one`
      draft.refused.push({ box, code: 'forked', detail, bytes: work.bytes })
      const finding = watch.forked(work, place.seq)
      if (finding) await note(draft, { kind: 'finding', body: finding })
      return await answerFork(draft, work, place.seq, head!)
    }
    if (place.kind === 'replay') draft.replays += 1
    if (place.kind === 'follows') return await append(draft, work, place.from, head)
    if (place.kind === 'gap') {
      const attempt = { box, epoch, from: (head?.seq ?? 0) + 1, to: first - 1 }
      if (deps.mayPassGap(attempt)) {
        await note(draft, { kind: 'gap', body: { ...attempt, previous, reason: 'not-sent' } })
        return await append(draft, work, 0, { seq: first - 1, hash: previous })
      }
    }
    arrived(draft, work, head, place.kind)
  }

  /**
   * A box whose card came back older than what it had sent learns where it left its own chain: first up to where
   * both are the same, and when nothing it offers is, where ours ends.
   */
  async function answerFork(draft: Draft, work: BoxWork, forkedAt: number, head: ChainHead) {
    const { box, epoch, first } = work.batch
    const place = { first, previous: work.batch.previous, hashes: work.hashes }
    const shared = await countShared(place, forkedAt, seq => hashAt(draft, work, seq))
    const end = shared > 0 ? { seq: first + shared - 1, hash: work.hashes[shared - 1]! } : head
    draft.receipts.push({ box, bytes: encodeReceipt(receiptFor(draft, box, epoch, end)) })
  }

  function arrived(draft: Draft, work: BoxWork, head: ChainHead | undefined, place: Arrival['place']) {
    const { box, epoch, first, newest } = work.batch
    draft.arrivals.push({ box, epoch, first, committed: head?.seq ?? 0, newest, place })
    // Tells the box where we stand: it goes on, or goes back, from there, also to the beginning of an epoch
    // that a store restored from a backup has never heard of.
    const receipt = receiptFor(draft, box, epoch, head ?? { seq: 0, hash: CHAIN_START })
    draft.receipts.push({ box, bytes: encodeReceipt(receipt) })
  }

  async function append(draft: Draft, work: BoxWork, from: number, head: ChainHead | undefined) {
    const view = { trx: draft.trx, headOf: (box: string, epoch: Uint8Array) => headOf(draft, box, epoch) }
    const finding = await watch.appending(view, work, from, head)
    if (finding) await note(draft, { kind: 'finding', body: finding })
    const { box, epoch, first, entries, newest, signature } = work.batch
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
      hall: hallOf(draft, box),
      receipt: receipt.signature,
    })
    for (let i = from; i < entries.length; i++) {
      addEvidence(draft, { box, epoch, seq: first + i, hash: work.hashes[i]!, bytes: entries[i]! }, work.entries[i]!)
    }
    draft.heads.set(chainKey(box, epoch), last)
    draft.receipts.push({ box, bytes: encodeReceipt(receipt) })
    draft.arrivals.push({ box, epoch, first, committed: last.seq, newest, place: 'follows' })
  }

  function receiptFor(draft: Draft, box: string, epoch: Uint8Array, head: ChainHead): Receipt {
    return makeReceipt({ version: 1, box, epoch, seq: head.seq, hash: head.hash, at: draft.atWallMs }, signingKey)
  }

  function hallOf(draft: Draft, box: string): string {
    const enrolled = draft.enrolled.get(box)
    return enrolled ? (enrolled.hall ?? DEFAULT_HALL) : deps.hallOf(box)
  }

  /** Appends the entries of our own chain that are to be written, under one signature. */
  async function takeOwn(draft: Draft, own: readonly OwnWork[]): Promise<void> {
    const fresh: OwnWork[] = []
    for (const work of own) {
      const earlier = work.registers && (await findRegistration(draft.trx, work.registers))
      if (!earlier) fresh.push(work)
      const position = earlier ?? draft.position + fresh.length
      draft.own.push({ position, isNew: !earlier })
      if (work.entry.kind === 'enrolment') draft.enrolled.set(work.entry.body.box, work.entry.body)
      if (work.entry.kind === 'quarantined' && work.keeps) {
        await keepRefused(draft.trx, { position, atWallMs: draft.atWallMs, body: work.entry.body, bytes: work.keeps })
      }
      if (work.registers && !earlier) {
        await draft.trx
          .insertInto('registrations')
          .values({ ...work.registers, position })
          .execute()
      }
    }
    if (fresh.length > 0) await appendOwn(draft, fresh)
  }

  /** Puts the digests of a finished day before everything of the new one, in a batch of their own. */
  async function closeDay(draft: Draft): Promise<void> {
    const time = entryTime(deps.clock)
    const digests = ledger.due(draft.atWallMs).map(body => ({ entry: { kind: 'digest', time, body } as const }))
    if (digests.length > 0) await appendOwn(draft, digests)
  }

  /** Writes to our own chain what this very transaction shows. */
  async function note(
    draft: Draft,
    made: { kind: 'gap'; body: EntryBody<'gap'> } | { kind: 'finding'; body: EntryBody<'finding'> },
  ) {
    await appendOwn(draft, [{ entry: { ...made, time: entryTime(deps.clock) } }])
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
      hall: COLLECTOR_NAME,
      receipt: receiptFor(draft, chain.box, chain.epoch, last).signature,
    })
    for (const [i, bytes] of entries.entries()) {
      addEvidence(draft, { ...chain, seq: first + i, hash: hashes[i]!, bytes }, fresh[i]!.entry)
    }
    draft.heads.set(chainKey(chain.box, chain.epoch), last)
  }

  return {
    async commit(boxes, own, atWallMs) {
      countIn()
      let isCommitted = false
      try {
        const draft = await db.transaction().execute(async trx => {
          const begun = begin(trx, atWallMs, await lastPosition(trx))
          await closeDay(begun)
          await takeOwn(begun, own)
          for (const work of boxes) await takeBatch(begun, work)
          await writer.append(trx, begun.evidence, begun.batches)
          return begun
        })
        isCommitted = true
        for (const [key, head] of draft.heads) knownHeads.set(key, head)
        uncounted = draft
        setImmediate(countIn)
        return draft
      } finally {
        watch.ended(isCommitted)
      }
    },
    isDayOver(atWallMs) {
      countIn()
      return ledger.due(atWallMs).length > 0
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
    enrolled: new Map(),
    committed: [],
    receipts: [],
    own: [],
    refused: [],
    arrivals: [],
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

/** The committed hash of an entry, also of one that this transaction has yet to write. */
async function hashAt(draft: Draft, { batch }: BoxWork, seq: number): Promise<Uint8Array | undefined> {
  const here = draft.evidence.find(row => row.seq === seq && isOfChain(row, batch))
  return here?.hash ?? (await findHash(draft.trx, batch.box, batch.epoch, seq))
}

/** Whether a batch holds entries that were given up: then the numbers it shares with the chain are not all there. */
async function fillsGap(draft: Draft, { batch, hashes }: BoxWork, head: ChainHead): Promise<boolean> {
  const last = Math.min(batch.first + hashes.length - 1, head.seq)
  // The usual batch follows and shares none.
  if (batch.first > head.seq) return false
  const here = draft.evidence.filter(row => row.seq >= batch.first && row.seq <= last && isOfChain(row, batch))
  const there = await countEntries(draft.trx, batch.box, batch.epoch, batch.first, last)
  return here.length + there < last - batch.first + 1
}

const isOfChain = (row: EvidenceRow, { box, epoch }: BoxWork['batch']) => row.box === box && isEqual(row.epoch, epoch)

/** Whether a batch was checked against the key that its box has where it is committed. */
function isOfItsKey(draft: Draft, { batch, key }: BoxWork): boolean {
  const enrolled = draft.enrolled.get(batch.box)
  return !enrolled || isEqual(enrolled.key, key.export({ format: 'der', type: 'spki' }))
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
