import { createChainHasher } from '#protocol/chain.ts'
import { COLLECTOR_NAME } from '#protocol/reserved.ts'
import type { RawBatch, RawRow } from './batch-item.ts'
import type { Diagnosis, Expected, Head } from './chain-check.ts'
import type { VerifyFault } from './fault.ts'
import { hexOf, latin1, type OwnWords } from './own-words.ts'
import { bytesOf, type SignatureCheck, type Signed } from './signatures.ts'

/** A batch whose columns are of the right types, byte strings as latin1. */
interface Batch {
  first_position: number
  last_position: number
  box: string
  epoch: string
  first_seq: number
  last_seq: number
  previous: string
  signature: string
  received_at: number
  hall: string
  receipt: string
}

interface Entry {
  position: number
  box: string
  epoch: string
  seq: number
  hash: string
  bytes: Buffer
  received_at: number
}

export interface DiagnoseDeps {
  words: OwnWords
  signatures: SignatureCheck
  report(fault: VerifyFault): void
  /** Rows of evidence in a range that no batch covers. */
  evidence(from: number, to: number, limit: number): RawRow[]
  rowAt(box: string, epoch: Uint8Array, seq: number): RawRow | undefined
  /** Whether any batch says that it covers that entry. */
  isCovered(box: string, epoch: Uint8Array, seq: number): boolean
}

/** No batch has more; a row that claims more is not followed. */
const ENTRIES_MAX = 500
const NAMED_MAX = 5

/**
 * Names what is wrong with one batch and its entries. Which of two rows that contradict each other is the
 * altered one is decided by what is signed: the receipt binds box, epoch, number, hash and time.
 */
export function createDiagnosis(deps: DiagnoseDeps) {
  const { report, signatures, words } = deps

  /** Entries that lie where no batch is, and places where there is nothing at all. */
  function uncovered(from: number, to: number) {
    const rows = deps.evidence(from, to, NAMED_MAX)
    for (const row of rows) reportUncovered(row)
    if (rows.length === 0) {
      const detail = `nothing is stored at positions ${from} to ${to}, neither entries nor their batch`
      report({ code: 'entry-missing', table: 'evidence', position: from, detail })
    }
  }

  /** An entry of the chain has lost its batch; any other is at fault itself. */
  function reportUncovered(row: RawRow) {
    const place = { row: Number(row['position']), ...placeOf(row) }
    const entry = wrongTypes(row, EVIDENCE_TYPES).length > 0 ? undefined : entryOf(row)
    const isOfChain = entry !== undefined && isTrueToItself(entry)
    if (isOfChain && !deps.isCovered(entry.box, bytesOf(entry.epoch), entry.seq)) {
      const detail = 'an entry whose batch, with its signature, is not there'
      return report({ code: 'batch-missing', table: 'batches', ...placeOf(row), detail })
    }
    const code = isOfChain ? 'entry-misplaced' : 'entry-without-batch'
    const detail = isOfChain ? 'an entry that lies elsewhere than its batch says' : 'an entry that nobody signed'
    report({ code, table: 'evidence', ...place, detail })
  }

  function diagnose(raw: RawBatch, expected: Expected): Diagnosis {
    const stay: Diagnosis = { nextPosition: expected.position, after: undefined, dirtyHalls: hallsOf(raw) }
    const wrong = wrongTypes(raw.row, BATCH_TYPES)
    const firstPosition = Number(raw.row['first_position'])
    if (wrong.length > 0) {
      const detail = 'columns hold what no batch can hold'
      report({ code: 'batch-altered', table: 'batches', ...batchPlace(raw.row), columns: wrong, detail })
      // Its entries are passed over here; they are checked by the chain of those that follow.
      return { ...stay, nextPosition: Math.max(expected.position, firstPosition + raw.entries.length) }
    }
    const batch = batchOf(raw.row)
    const head = expected.headOf(batch.box, batch.epoch)
    if (batch.first_position < expected.position) {
      const detail = 'a batch over entries that another one covers already'
      report({ code: 'batch-overlaps', table: 'batches', ...batchPlace(raw.row), detail })
      return stay
    }
    if (batch.first_position > expected.position) uncovered(expected.position, batch.first_position - 1)
    const length = lengthOf(batch, raw)
    const entries = raw.entries.filter(row => Number(row['position']) < batch.first_position + length)
    if (entries.length === 0) reportEmpty(batch, raw.row, { position: expected.position, head })
    const hasEntryFault = checkEntries(batch, length, entries, head)
    checkBatch(batch, raw.row, entries, { head, hasEntryFault })
    return { ...stay, nextPosition: batch.first_position + length, after: afterOf(batch, entries) }
  }

  /** Nothing tells a batch that lost its entries from one that was made up to fit: where it fits, both are named. */
  function reportEmpty(batch: Batch, row: RawRow, expected: { position: number; head: Head | undefined }) {
    const detail = 'a batch whose entries are not there'
    report({ code: 'batch-without-entries', table: 'batches', ...batchPlace(row), detail })
    if (batch.first_position !== expected.position || batch.previous !== (expected.head?.hash ?? START)) return
    const place = { position: batch.first_position, box: batch.box, epoch: hexOf(batch.epoch), seq: batch.first_seq }
    report({ code: 'entry-missing', table: 'evidence', ...place, detail: 'the entry is not there' })
  }

  /** How many entries the batch has, by what is there where its own numbers contradict each other. */
  function lengthOf(batch: Batch, { row, entries }: RawBatch): number {
    const [byPosition, bySeq] = [batch.last_position - batch.first_position, batch.last_seq - batch.first_seq]
    if (byPosition === bySeq && byPosition >= 0 && byPosition < ENTRIES_MAX) return byPosition + 1
    const rows = entries.length > 0 ? entries : deps.evidence(batch.first_position, batch.first_position, 1)
    const fitting = rows.filter(entry => isOf(batch, entry)).length
    const columns = fitting === bySeq + 1 ? ['last_position'] : fitting === byPosition + 1 ? ['last_seq'] : SPAN
    const detail = 'its positions and its numbers do not span the same entries'
    report({ code: 'batch-altered', table: 'batches', ...batchPlace(row), columns: [...columns], detail })
    return Math.min(Math.max(1, bySeq + 1, fitting), ENTRIES_MAX)
  }

  /** Each entry by itself: whether it is there, is what its hash says, and belongs here. */
  function checkEntries(batch: Batch, length: number, rows: readonly RawRow[], head: Head | undefined): boolean {
    const byPosition = new Map(rows.map(row => [Number(row['position']), row]))
    let isFaulty = false
    /** Hashes the next one may hang on: what is stored, and what follows from the bytes. */
    let previous = [batch.previous, ...(head ? [head.hash] : [])]
    for (let i = 0; i < length && rows.length > 0; i++) {
      const [position, seq] = [batch.first_position + i, batch.first_seq + i]
      const row = byPosition.get(position)
      const place = { position, box: batch.box, epoch: hexOf(batch.epoch), seq }
      if (!row) {
        const detail = 'the entry is not there'
        report({ code: 'entry-missing', table: 'evidence', ...place, detail })
        isFaulty = true
        // What the next one hangs on is gone with it.
        previous = []
        continue
      }
      const found = checkEntry(batch, row, place, previous)
      isFaulty ||= found.isFaulty
      previous = found.hashes
    }
    return isFaulty
  }

  function checkEntry(batch: Batch, row: RawRow, place: Place, previous: readonly string[]) {
    const wrong = wrongTypes(row, EVIDENCE_TYPES)
    if (wrong.length > 0) {
      const detail = 'columns hold what no entry can hold'
      report({ code: 'entry-altered', table: 'evidence', ...place, row: place.position, columns: wrong, detail })
      return { isFaulty: true, hashes: typeof row['hash'] === 'string' ? [] : [latin1Of(row['hash'])] }
    }
    const entry = entryOf(row)
    const strange = strangeColumns(batch, entry, place.seq)
    const asHere = previous.map(hash => hashOf({ ...entry, ...claimsOf(batch, place.seq) }, hash))
    if (strange.length === 0) {
      const isUnknown = previous.length === 0
      if (isUnknown || asHere.includes(entry.hash)) return { isFaulty: false, hashes: [entry.hash] }
      const detail = 'its hash does not follow from its bytes and the entry before it'
      const isHashTrue = nextHangsOn(entry, entry.hash) || isReceiptedAs(batch, entry)
      const columns = [isHashTrue ? 'bytes' : 'hash']
      report({ code: 'entry-altered', table: 'evidence', ...place, row: place.position, columns, detail })
      return { isFaulty: true, hashes: [entry.hash, ...asHere] }
    }
    decideBetween(batch, entry, place, strange, asHere)
    return { isFaulty: true, hashes: [entry.hash, ...asHere] }
  }

  /** Whether the stored entry after this one hangs on that hash. */
  function nextHangsOn(entry: Entry, hash: string): boolean {
    const next = deps.rowAt(entry.box, bytesOf(entry.epoch), entry.seq + 1)
    if (!next || wrongTypes(next, EVIDENCE_TYPES).length > 0) return false
    const after = entryOf(next)
    return hashOf(after, hash) === after.hash
  }

  /** The entry says something else of itself than its batch: what is signed decides, or both are named. */
  function decideBetween(batch: Batch, entry: Entry, place: Place, strange: string[], asHere: string[]) {
    const isTime = strange.length === 1 && strange[0] === 'received_at'
    const isEntryTrue = isTime ? isReceiptGood(batch, entry) : isReceiptedAs(batch, entry) || isTrueToItself(entry)
    const isBatchTrue = isReceiptGood(batch) || (!isEntryTrue && !asHere.includes(entry.hash))
    const columns = strange
    if (!isEntryTrue || isBatchTrue) {
      const detail = 'not what its batch says lies here'
      const code = isEntryTrue ? 'entry-misplaced' : 'entry-altered'
      report({ code, table: 'evidence', ...place, row: place.position, columns, detail })
    }
    if (!isBatchTrue || isEntryTrue) {
      const detail = 'not what the entries it covers say of themselves'
      const { first_position } = batch
      report({ code: 'batch-altered', table: 'batches', ...place, row: first_position, columns, detail })
    }
  }

  /** Whether the batch's receipt is one for that very entry, with the time the entry was received. */
  function isReceiptedAs(batch: Batch, entry: Entry): boolean {
    const { box, epoch, seq, hash, received_at } = entry
    return signatures.isReceipted(signedAs(batch, { box, epoch, last_seq: seq, received_at }, hash))
  }

  /** Whether the batch's receipt holds, with its own time or with that of another. */
  function isReceiptGood(batch: Batch, { received_at }: { received_at: number } = batch): boolean {
    const last = deps.rowAt(batch.box, bytesOf(batch.epoch), batch.last_seq)
    if (!last || !(last['hash'] instanceof Uint8Array)) return false
    return signatures.isReceipted(signedAs(batch, { received_at }, latin1(last['hash'])))
  }

  function isTrueToItself(entry: Entry): boolean {
    if (entry.seq === 1) return hashOf(entry, START) === entry.hash
    const before = deps.rowAt(entry.box, bytesOf(entry.epoch), entry.seq - 1)
    return before?.['hash'] instanceof Uint8Array && hashOf(entry, latin1(before['hash'])) === entry.hash
  }

  /** What a batch says beside its entries. */
  function checkBatch(
    batch: Batch,
    row: RawRow,
    rows: readonly RawRow[],
    { head, hasEntryFault }: { head: Head | undefined; hasEntryFault: boolean },
  ) {
    const place = batchPlace(row)
    const hall = batch.box === COLLECTOR_NAME ? COLLECTOR_NAME : words.hallAt(batch.box, batch.first_position)
    if (hall !== undefined && batch.hall !== hall) {
      const detail = 'not the hall its box was enrolled in'
      report({ code: 'batch-altered', table: 'batches', ...place, columns: ['hall'], detail })
    }
    if (rows.length === 0) return
    checkLink(batch, place, head, hasEntryFault)
    const last = rows.at(-1)!
    if (hasEntryFault || !(last['hash'] instanceof Uint8Array)) return
    for (const code of signatures.faultsOf(signedAs(batch, {}, latin1(last['hash'])))) {
      report({ ...place, ...signatureFault(code) })
    }
  }

  function checkLink(batch: Batch, place: object, head: Head | undefined, hasEntryFault: boolean) {
    const { box, epoch, first_seq, previous } = batch
    const [seq, hash] = [head?.seq ?? 0, head?.hash ?? START]
    if (first_seq === seq + 1) {
      if (previous === hash || hasEntryFault) return
      const detail = 'not the hash of the entry before its first'
      return report({ code: 'batch-altered', table: 'batches', ...place, columns: ['previous'], detail })
    }
    if (first_seq <= seq || words.isGap(box, epoch, seq + 1, first_seq - 1, previous)) return
    const detail = `entries ${seq + 1} to ${first_seq - 1} of this chain are not there, and were not given up`
    report({ code: 'chain-broken', table: 'evidence', box, epoch: hexOf(epoch), seq: seq + 1, detail })
  }

  return { diagnose, uncovered }
}

export function signatureFault(code: ReturnType<SignatureCheck['faultsOf']>[number]) {
  const said = {
    'bad-signature': ['signature', 'the signature does not hold with the key its box was enrolled with'],
    'bad-receipt': ['receipt', 'the receipt does not hold: its signature, or the time it gives, is another'],
    'box-not-enrolled': ['box', 'of a box that was not enrolled'],
    'box-revoked': ['box', 'of a box that was revoked before, and taken by no decision'],
  } as const satisfies Record<typeof code, unknown>
  const [column, detail] = said[code]
  return { code, table: 'batches', columns: [column], detail }
}

type Place = Required<Pick<VerifyFault, 'position' | 'box' | 'epoch' | 'seq'>>

const START = latin1(new Uint8Array(32))
const SPAN = ['last_position', 'last_seq']

function signedAs(batch: Batch, claims: Partial<Signed>, lastHash: string): Signed {
  return { ...batch, lastHash, ...claims }
}

function claimsOf({ box, epoch }: Batch, seq: number) {
  return { box, epoch, seq }
}

function strangeColumns(batch: Batch, entry: Entry, seq: number): string[] {
  const strange: string[] = []
  if (entry.box !== batch.box) strange.push('box')
  if (entry.epoch !== batch.epoch) strange.push('epoch')
  if (entry.seq !== seq) strange.push('seq')
  if (entry.received_at !== batch.received_at) strange.push('received_at')
  return strange
}

function isOf(batch: Batch, row: RawRow): boolean {
  if (wrongTypes(row, EVIDENCE_TYPES).length > 0) return false
  const entry = entryOf(row)
  const seq = batch.first_seq + entry.position - batch.first_position
  return entry.box === batch.box && entry.epoch === batch.epoch && entry.seq === seq
}

function hashOf(entry: Entry, previous: string): string {
  const chain = { box: entry.box, epoch: bytesOf(entry.epoch) }
  return createChainHasher(chain).hashOf(entry.seq, previous, entry.bytes, 0, entry.bytes.length)
}

function afterOf(batch: Batch, rows: readonly RawRow[]): Diagnosis['after'] {
  const hash = rows.at(-1)?.['hash']
  if (!(hash instanceof Uint8Array)) return undefined
  return { box: batch.box, epoch: batch.epoch, head: { seq: batch.last_seq, hash: latin1(hash) } }
}

const isText = (value: unknown) => typeof value === 'string' && value.length > 0 && value.length < 256
const isWhole = (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 0
const isBytes = (length: number) => (value: unknown) => value instanceof Uint8Array && value.length === length

const BATCH_TYPES = {
  first_position: isWhole,
  last_position: isWhole,
  box: isText,
  epoch: isBytes(16),
  first_seq: isWhole,
  last_seq: isWhole,
  previous: isBytes(32),
  signature: isBytes(64),
  received_at: isWhole,
  hall: isText,
  receipt: isBytes(64),
}

const EVIDENCE_TYPES = {
  position: isWhole,
  box: isText,
  epoch: isBytes(16),
  seq: isWhole,
  hash: isBytes(32),
  bytes: (value: unknown) => value instanceof Uint8Array,
  received_at: isWhole,
}

function wrongTypes(row: RawRow, types: Record<string, (value: unknown) => boolean>): string[] {
  return Object.keys(types).filter(column => !types[column]!(row[column]))
}

function batchOf(row: RawRow): Batch {
  return Object.fromEntries(Object.keys(BATCH_TYPES).map(name => [name, latin1Of(row[name])])) as unknown as Batch
}

function entryOf(row: RawRow): Entry {
  const bytes = row['bytes'] as Uint8Array
  const names = Object.keys(EVIDENCE_TYPES)
  return {
    ...(Object.fromEntries(names.map(name => [name, latin1Of(row[name])])) as unknown as Entry),
    bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
  }
}

/** Bytes as text; anything else as it is. */
const latin1Of = (value: unknown) => (value instanceof Uint8Array ? latin1(value) : (value as string))

/** Where a row of evidence says it belongs. */
export function placeOf(row: RawRow): Partial<Place> {
  const { position, box, epoch, seq } = row
  return {
    ...(typeof position === 'number' ? { position } : {}),
    ...(typeof box === 'string' ? { box } : {}),
    ...(epoch instanceof Uint8Array ? { epoch: hexOf(latin1(epoch)) } : {}),
    ...(typeof seq === 'number' ? { seq } : {}),
  }
}

function batchPlace(row: RawRow) {
  const { first_position, first_seq, box, epoch } = row
  return { row: Number(first_position), ...placeOf({ position: first_position, seq: first_seq, box, epoch }) }
}

const hallsOf = ({ row }: RawBatch) => (typeof row['hall'] === 'string' ? [row['hall']] : [])
