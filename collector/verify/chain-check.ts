import { parseDay } from '#collector/projection/day.ts'
import { type ChainHasher, createChainHasher } from '#protocol/chain.ts'
import { createLeafMaker, type LeafMaker } from '#protocol/digest.ts'
import type { EntryBody } from '#protocol/entry.ts'
import { COLLECTOR_NAME } from '#protocol/reserved.ts'
import { type BatchItem, boxOf, epochOf, PARTS, type Unreadable } from './batch-item.ts'
import { latin1, type OwnWords } from './own-words.ts'
import { scanDigest, scanKind } from './scan-entry.ts'
import { bytesOf, type SignatureCheck, type Signed } from './signatures.ts'
import { createVerifyLedger, type DueDigest, dayIn } from './verify-ledger.ts'

/** How far a chain is known to be good: its newest entry, as latin1 like every hash here. */
export interface Head {
  seq: number
  hash: string
}

/** The digests of a day as they are written, in the batch that begins the next. */
export interface SaidDigests {
  position: number
  epoch: string
  bodies: { seq: number; position: number; body: EntryBody<'digest'> }[]
}

/** What a stretch of batches needs to know of the next one, and of the one before. */
export interface StretchResult {
  entries: number
  batches: number
  /** Bytes that were hashed for the entries' own hashes. */
  bytes: number
  /** The newest batch of each epoch: its signature is always checked, for it covers the epoch. */
  newest: Signed[]
  /** The digests it began with, of a day that is not in it. */
  opening: SaidDigests | undefined
  /** What its last day came to. */
  closing: DueDigest[]
  from: number
  lastPosition: number
}

/** Kinds of entries that a box may write, and that the collector may. */
export interface AllowedKinds {
  box: readonly string[]
  own: readonly string[]
}

export interface ChainCheckDeps {
  words: OwnWords
  signatures: SignatureCheck
  kinds: AllowedKinds
  /** The position of the first entry to come. */
  from: number
  /** From here on no digest covers the batches: each signature is checked. */
  uncoveredFrom: number
  everySignature: boolean
  /** The entry of a chain that comes before `seq`, of those before this stretch. */
  headBefore(box: string, epoch: string, seq: number): Head | undefined
  /** Something does not hold: names it, and says where to go on. */
  diagnose(firstPosition: number, expected: Expected): Diagnosis
  onSignatureFaults(signed: Signed, faults: ReturnType<SignatureCheck['faultsOf']>): void
  /** A day ended: compares what it came to with what was written. */
  onDay(due: readonly DueDigest[], said: SaidDigests | undefined, at: { position: number }): void
  onKindFault(code: 'kind-not-allowed' | 'entry-not-readable', position: number): void
}

/** What would be next, if all were well. */
export interface Expected {
  position: number
  headOf(box: string, epoch: string): Head | undefined
}

export interface Diagnosis {
  nextPosition: number
  /** Where its chain stands after it; undefined when the batch says nothing usable. */
  after: { box: string; epoch: string; head: Head } | undefined
  /** Halls whose digest of this day cannot be right. */
  dirtyHalls: readonly string[]
}

interface Chain extends Head {
  box: string
  epoch: string
  boxBytes: Buffer
  epochBytes: Buffer
  hasher: ChainHasher
  leaf: LeafMaker
  isOwn: boolean
  /** The hall its box belongs to, for what is committed before `hallUntil`. */
  hall: string | undefined
  hallUntil: number
  /** Whether the newest batch was found right, but for its signatures. What it says stands below; its end is the head. */
  hasNewest: boolean
  firstPosition: number
  firstSeq: number
  receivedAt: number
  /** Its signature and that of its receipt. */
  signatures: Buffer
}

/**
 * Checks batches in position order: every hash, every link, every kind; signatures where no digest covers
 * them. One pass, and what it keeps grows with the chains, not with the entries.
 */
export interface ChainCheck {
  batch(item: BatchItem | Unreadable): void
  finish(): StretchResult
}

export function createChainCheck(deps: ChainCheckDeps): ChainCheck {
  const { words, signatures } = deps
  const book = createChainBook(deps)
  const [boxKinds, ownKinds] = [new Set(deps.kinds.box), new Set(deps.kinds.own)]
  const ledger = createVerifyLedger()
  const counts = { entries: 0, batches: 0, bytes: 0 }
  let next = deps.from
  let opening: SaidDigests | undefined
  let isFirst = true
  /** Hashes of the batch at hand. */
  const hashes: string[] = []

  /** Whether everything about the batch holds that its signature does not say; fills `hashes`. */
  function holds(item: BatchItem, chain: Chain): boolean {
    const { blob, entries, first_seq, lengths, count } = item
    if (item.first_position !== next || item.last_position - next !== count - 1) return false
    if (item.last_seq - first_seq !== count - 1 || !isOfHall(item, chain)) return false
    const [previousAt, signatureAt] = [item.at + PARTS.previous, item.at + PARTS.signature]
    const follows = chain.seq + 1 === first_seq && isText(chain.hash, blob, previousAt, signatureAt)
    let hash = follows ? chain.hash : blob.toString('latin1', previousAt, signatureAt)
    if (!follows && !isAfterGap(item, chain, hash)) return false
    let at = item.entriesAt
    for (let i = 0; i < count; i++) {
      const to = at + 32 + lengths[i]!
      hash = chain.hasher.hashOf(first_seq + i, hash, entries, at + 32, to)
      if (!isText(hash, entries, at, at + 32)) return false
      hashes[i] = hash
      at = to
    }
    counts.bytes += item.entriesEnd - item.entriesAt + count * (HASH_HEAD_BYTES - 32 + chain.box.length)
    return true
  }

  function isOfHall({ blob, hallAt, hallEnd }: BatchItem, chain: Chain): boolean {
    if (next >= chain.hallUntil) Object.assign(chain, words.hallSpan(chain.box, next))
    return chain.hall !== undefined && isText(chain.hall, blob, hallAt, hallEnd)
  }

  function isAfterGap({ first_seq }: BatchItem, chain: Chain, previous: string): boolean {
    return chain.seq + 1 < first_seq && words.isGap(chain.box, chain.epoch, chain.seq + 1, first_seq - 1, previous)
  }

  function checkKinds(item: BatchItem, { isOwn }: Chain) {
    const allowed = isOwn ? ownKinds : boxKinds
    let at = item.entriesAt
    for (let i = 0; i < item.count; i++) {
      const to = at + 32 + item.lengths[i]!
      const kind = scanKind(item.entries, at + 32, to)
      if (kind === undefined) deps.onKindFault('entry-not-readable', item.first_position + i)
      else if (!allowed.has(kind)) deps.onKindFault('kind-not-allowed', item.first_position + i)
      at = to
    }
  }

  /** Closes the open day where this batch begins another. */
  function turnDay(item: BatchItem, chain: Chain) {
    const isLater = ledger.isLater(item.received_at)
    const said = chain.isOwn ? digestsIn(item, chain) : undefined
    if (!said && !isLater) return
    // Digests come where a day ends, and a day ends with them: otherwise the time may be what is wrong.
    if (!isFirst && (!said || !isLater) && !checkSigned(chain) && !said) return
    const day = dayIn(item.received_at)
    const saidDay = said ? parseDay(said.bodies[0]!.body.day) : undefined
    if (isFirst) opening = said
    else deps.onDay(ledger.due(), said, { position: item.first_position })
    ledger.open(Math.max(day, (saidDay ?? day - 1) + 1))
  }

  function take(item: BatchItem, chain: Chain) {
    const { first_position, first_seq } = item
    chain.hasNewest = true
    chain.firstPosition = first_position
    chain.firstSeq = first_seq
    chain.receivedAt = item.received_at
    chain.seq = item.last_seq
    chain.hash = hashes[item.count - 1]!
    item.blob.copy(chain.signatures, 0, item.at + PARTS.signature, item.at + PARTS.end)
    checkKinds(item, chain)
    turnDay(item, chain)
    isFirst = false
    const sum = ledger.hall(chain.hall!)
    for (let i = 0; i < item.count; i++) sum.tree.add(chain.leaf.leafHash(first_seq + i, hashes[i]!))
    sum.addBatch(item)
    if (deps.everySignature || first_position >= deps.uncoveredFrom) checkSigned(chain)
    next = item.last_position + 1
  }

  function checkSigned(chain: Chain): boolean {
    const signed = newestOf(chain)
    const faults = signed ? signatures.faultsOf(signed) : []
    if (!signed || faults.length === 0) return true
    if (chain.hall) ledger.markDirty(chain.hall)
    deps.onSignatureFaults(signed, faults)
    return false
  }

  function diagnose(firstPosition: number) {
    const expected = { position: next, headOf: book.headOf }
    const { nextPosition, after, dirtyHalls } = deps.diagnose(firstPosition, expected)
    for (const hall of dirtyHalls) ledger.markDirty(hall)
    isFirst = false
    next = Math.max(next, nextPosition)
    if (after) book.set(after)
  }

  return {
    batch(item) {
      counts.batches += 1
      if ('isUnreadable' in item) return diagnose(item.first_position)
      counts.entries += item.count
      const chain = book.chainOf(item)
      if (holds(item, chain)) take(item, chain)
      else diagnose(item.first_position)
    },
    finish: () => ({
      ...counts,
      newest: book.all().flatMap(chain => newestOf(chain) ?? []),
      opening,
      closing: ledger.due(),
      from: deps.from,
      lastPosition: next - 1,
    }),
  }
}

/** The digests in a batch of the collector, if it is one of digests. */
function digestsIn(item: BatchItem, { epoch }: Chain): SaidDigests | undefined {
  const bodies: SaidDigests['bodies'] = []
  let at = item.entriesAt
  for (let i = 0; i < item.count; i++) {
    const to = at + 32 + item.lengths[i]!
    const body = scanDigest(item.entries, at + 32, to)
    if (!body) return undefined
    bodies.push({ seq: item.first_seq + i, position: item.first_position + i, body })
    at = to
  }
  return { position: item.first_position, epoch, bodies }
}

/** The chains met so far, found by their bytes: a text for each batch would cost as much as its hash. */
function createChainBook(deps: Pick<ChainCheckDeps, 'headBefore'>) {
  const byEpoch = new Map<number, Chain[]>()

  function make(box: string, epoch: string, seq: number): Chain {
    const epochBytes = bytesOf(epoch)
    const head = seq > 1 ? deps.headBefore(box, epoch, seq) : undefined
    const isOwn = box === COLLECTOR_NAME
    const chain: Chain = {
      box,
      epoch,
      boxBytes: bytesOf(box),
      epochBytes,
      seq: head?.seq ?? 0,
      hash: head?.hash ?? START,
      hasher: createChainHasher({ box, epoch: epochBytes }),
      leaf: createLeafMaker(box, epochBytes),
      isOwn,
      hall: isOwn ? COLLECTOR_NAME : undefined,
      hallUntil: isOwn ? Number.POSITIVE_INFINITY : 0,
      hasNewest: false,
      firstPosition: 0,
      firstSeq: 0,
      receivedAt: 0,
      signatures: Buffer.alloc(PARTS.end - PARTS.signature),
    }
    const key = epochBytes.readInt32LE(0)
    byEpoch.set(key, [...(byEpoch.get(key) ?? []), chain])
    return chain
  }

  function find(box: string, epoch: string): Chain | undefined {
    return byEpoch.get(bytesOf(epoch).readInt32LE(0))?.find(item => item.box === box && item.epoch === epoch)
  }

  return {
    chainOf(item: BatchItem): Chain {
      const { blob, at, boxAt, boxEnd } = item
      for (const chain of byEpoch.get(blob.readInt32LE(at)) ?? []) {
        if (isBytes(chain.epochBytes, blob, at) && isText(chain.box, blob, boxAt, boxEnd)) return chain
      }
      return make(boxOf(item), epochOf(item), item.first_seq)
    },
    headOf: (box: string, epoch: string): Head | undefined =>
      find(box, epoch) ?? deps.headBefore(box, epoch, Number.MAX_SAFE_INTEGER),
    set({ box, epoch, head }: NonNullable<Diagnosis['after']>) {
      const chain = find(box, epoch) ?? make(box, epoch, head.seq + 1)
      Object.assign(chain, { ...head, hasNewest: false })
    },
    all: () => [...byEpoch.values()].flat(),
  }
}

/** What the newest batch of a chain is signed for; undefined when it was found wrong, or there was none. */
function newestOf(chain: Chain): Signed | undefined {
  if (!chain.hasNewest) return undefined
  const receiptAt = PARTS.receipt - PARTS.signature
  return {
    box: chain.box,
    epoch: chain.epoch,
    first_position: chain.firstPosition,
    first_seq: chain.firstSeq,
    last_seq: chain.seq,
    received_at: chain.receivedAt,
    lastHash: chain.hash,
    signature: chain.signatures.toString('latin1', 0, receiptAt),
    receipt: chain.signatures.toString('latin1', receiptAt),
  }
}

function isText(text: string, blob: Buffer, from: number, to: number): boolean {
  if (text.length !== to - from) return false
  for (let i = 0; i < text.length; i++) if (blob[from + i] !== text.charCodeAt(i)) return false
  return true
}

function isBytes(bytes: Buffer, blob: Buffer, from: number): boolean {
  for (let i = 0; i < bytes.length; i++) if (blob[from + i] !== bytes[i]) return false
  return true
}

const START = latin1(new Uint8Array(32))
/** Tag, length of the box id, epoch, number and previous hash. */
const HASH_HEAD_BYTES = 20 + 1 + 16 + 8 + 32
