import { createPublicKey, type KeyObject } from 'node:crypto'
import Database from 'better-sqlite3'
import type { BatchRow, EvidenceRow } from '#collector/store/tables.ts'
import { CHAIN_START, entryHash } from '#protocol/chain.ts'
import { isEqual } from '#protocol/codec.ts'
import { decodeEntry, type Entry } from '#protocol/entry.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { isReceiptSigned } from '#protocol/receipt.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { isSignedBy } from '#protocol/signature.ts'

/** One entry of a store with what proves it. */
export interface FoundEntry {
  box: string
  epoch: Uint8Array
  seq: number
  position: number
  receivedAtMs: number
  bytes: Uint8Array
  hash: Uint8Array
  /** The stored hash is that of these bytes, in this place, behind the entry before. */
  isHashRight: boolean
  /** What it hangs on is the hash of the entry before it; or of one the collector gave up as missing. */
  isLinked: boolean
  /** A key enrolled for the box signed the last entry of the batch it came in. */
  isSigned: boolean
  /** The collector's receipt for that batch holds. */
  isReceipted: boolean
}

/**
 * Looks one entry up in a store as it lies on disk and checks it by itself; `verify` checks all of them.
 * Without an epoch, in the one the box wrote last. `collectorKey` signs receipts and the collector's own chain.
 */
export function findEntry(
  path: string,
  place: { box: string; epoch?: Uint8Array; seq: number },
  collectorKey: KeyObject,
): Result<FoundEntry> {
  let store: Database.Database
  try {
    store = new Database(path, { readonly: true, fileMustExist: true })
  } catch (error) {
    return fail('store-not-readable', `${path}: ${(error as Error).message}`)
  }
  try {
    const epoch = place.epoch ?? latestEpoch(store, place.box)
    const row = epoch && entryAt(store, place.box, epoch, place.seq)
    if (!row) return fail('unknown-entry', `the store has no entry ${place.seq} of ${place.box} in that epoch`)
    return ok(prove(store, row, collectorKey))
  } finally {
    store.close()
  }
}

function prove(store: Database.Database, row: EvidenceRow, collectorKey: KeyObject): FoundEntry {
  const { box, epoch, seq, hash, bytes, position, received_at } = row
  const batch = store.prepare('SELECT * FROM batches WHERE ? BETWEEN first_position AND last_position').get(position) as
    | BatchRow
    | undefined
  const before = seq === 1 ? CHAIN_START : entryAt(store, box, epoch, seq - 1)?.hash
  const previous = batch?.first_seq === seq ? batch.previous : (before ?? CHAIN_START)
  const last = batch && entryAt(store, box, epoch, batch.last_seq)
  const keys = box === COLLECTOR_NAME ? [collectorKey] : enrolledKeys(store, box)
  return {
    box,
    epoch,
    seq,
    position,
    receivedAtMs: received_at,
    bytes,
    hash,
    isLinked: before ? isEqual(before, previous) : isGivenUp(store, { box, epoch, seq, previous }),
    isHashRight: isEqual(entryHash({ box, epoch }, seq, previous, bytes), hash),
    isSigned: last !== undefined && keys.some(key => isSignedBy('head', last.hash, batch!.signature, key)),
    isReceipted:
      last !== undefined &&
      isReceiptSigned(
        {
          version: 1,
          box,
          epoch,
          seq: last.seq,
          hash: last.hash,
          at: batch!.received_at,
          signature: batch!.receipt,
        },
        collectorKey,
      ),
  }
}

function entryAt(store: Database.Database, box: string, epoch: Uint8Array, seq: number): EvidenceRow | undefined {
  return store.prepare('SELECT * FROM evidence WHERE box = ? AND epoch = ? AND seq = ?').get(box, epoch, seq) as
    | EvidenceRow
    | undefined
}

function latestEpoch(store: Database.Database, box: string): Uint8Array | undefined {
  return store.prepare('SELECT epoch FROM evidence WHERE box = ? ORDER BY position DESC LIMIT 1').pluck().get(box) as
    | Uint8Array
    | undefined
}

/** Whether the collector's own chain says that the entries before this one are missing, and what it hangs on. */
function isGivenUp(
  store: Database.Database,
  entry: { box: string; epoch: Uint8Array; seq: number; previous: Uint8Array },
): boolean {
  return ownEntries(store, 'gap').some(
    ({ kind, body }) =>
      kind === 'gap' &&
      body.box === entry.box &&
      body.to === entry.seq - 1 &&
      isEqual(body.epoch, entry.epoch) &&
      isEqual(body.previous, entry.previous),
  )
}

/** Every key the collector's own chain ever enrolled for this box. */
function enrolledKeys(store: Database.Database, box: string): KeyObject[] {
  return ownEntries(store, 'enrolment').flatMap(({ kind, body }) => {
    if (kind !== 'enrolment' || body.box !== box) return []
    return [createPublicKey({ key: Buffer.from(body.key), format: 'der', type: 'spki' })]
  })
}

/** Entries of the collector's own chain that may be of a kind; other text can hold the same letters. */
function ownEntries(store: Database.Database, kind: string): Entry[] {
  const rows = store
    .prepare(`SELECT bytes FROM evidence WHERE box = '${COLLECTOR_NAME}' AND instr(bytes, ?) > 0`)
    .all(Buffer.from(kind)) as { bytes: Uint8Array }[]
  return rows.flatMap(({ bytes }) => {
    const entry = decodeEntry(bytes)
    return entry.ok ? [entry.value] : []
  })
}
