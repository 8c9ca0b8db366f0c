import { createPublicKey, generateKeyPairSync, hash, type KeyObject, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createCommitter } from '#collector/ingest/committer.ts'
import type { BoxWork } from '#collector/ingest/work.ts'
import { openStore } from '#collector/store/store.ts'
import { checkEvidence } from '#collector/verify/check-evidence.ts'
import { createFaultList } from '#collector/verify/fault.ts'
import { openStoreSource } from '#collector/verify/store-source.ts'
import { type Batch, PROTOCOL_VERSION, signBatch } from '#protocol/batch.ts'
import { CHAIN_START, chainHashes } from '#protocol/chain.ts'
import { encodeKeptBatch } from '#protocol/digest.ts'
import { type Entry, type EntryTime, encodeEntry } from '#protocol/entry.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import type { Measurement, RowPlan, Subject } from './measurement.ts'
import type { Workplace } from './workplace.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const FIRST_DAY_WALL_MS = Date.UTC(2026, 0, 5, 1)
/** About the working days of a year: the one still open, whose signatures are checked one by one, weighs as it does then. */
const DAYS = 200
const BOXES = 20

const ENTRIES = { zh: '对同样的条目只算 SHA-256', en: 'SHA-256 alone over the same entries' }
const ALL = { zh: '对核验的全部字节（条目、批、回执）只算 SHA-256', en: 'SHA-256 alone over every byte checked' }

const row = (name: string, zh: string, en: string, against: RowPlan['against']): RowPlan => ({
  name,
  title: { zh, en },
  against,
  unit: 'entries/s',
  better: 'higher',
  goal: 0.25,
})

/**
 * The evidence part of `verify`, without deriving the tables, on both cores: a store of 1,000,000 entries in batches
 * of 500, as after outages, and one of 120,000 that came one by one. Two references, each on one core. One hashes
 * each entry once, which is not all that was checked: beside a single entry lies the row of its batch, nearly as long,
 * with signature and receipt. The other (`…-bytes`) hashes that row as well, once each, in one call.
 */
export const verify: Measurement = {
  name: 'verify',
  rows: [
    row('verify-backlog', '核验证据，补传批 500 条', 'checking evidence, batches of 500', ENTRIES),
    row('verify-live', '核验证据，每批 1 条', 'checking evidence, batches of 1', ENTRIES),
    row('verify-backlog-bytes', '核验证据，补传批 500 条', 'checking evidence, batches of 500', ALL),
    row('verify-live-bytes', '核验证据，每批 1 条', 'checking evidence, batches of 1', ALL),
  ],
  prepare: prepareVerify,
}

async function prepareVerify(place: Workplace): Promise<Subject> {
  const folder = place.folder('verify')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const stores = [
    await makeStore(join(folder, 'backlog.sqlite'), privateKey, {
      entries: 1_000_000,
      perBatch: 500,
      batchesAtOnce: 2,
    }),
    await makeStore(join(folder, 'live.sqlite'), privateKey, { entries: 120_000, perBatch: 1, batchesAtOnce: 300 }),
  ]
  const collectorKey = createPublicKey(privateKey)

  return {
    async ours() {
      const rates = await inTurn(stores, store => checkStore(store.path, collectorKey))
      return [...rates, ...rates]
    },
    reference: () => Promise.resolve([...stores.map(hashEntries), ...stores.map(hashAll)]),
    close: () => Promise.resolve(),
  }
}

async function checkStore(path: string, collectorKey: KeyObject): Promise<number> {
  const source = openStoreSource(path)
  const faults = createFaultList(10)
  const startedMs = performance.now()
  const { entries } = await checkEvidence(source, { path, collectorKey, everySignature: false, faultsMax: 10 }, faults)
  const tookMs = performance.now() - startedMs
  source.close()
  if (faults.count() > 0) throw new Error(`the store is not whole: ${JSON.stringify(faults.list()[0])}`)
  return (entries * 1000) / tookMs
}

/** Hashes once each what that many entries' hashes are over. */
function hashEntries({ inputs, entries }: MadeStore): number {
  const startedMs = performance.now()
  for (let i = 0; i < entries; i++) hash('sha256', inputs[i % inputs.length]!, 'binary')
  return (entries * 1000) / (performance.now() - startedMs)
}

/** The same, and the row of each batch once, as a digest hashes it. */
function hashAll({ inputs, rows, entries, perBatch }: MadeStore): number {
  const startedMs = performance.now()
  for (let i = 0; i < entries; i++) {
    hash('sha256', inputs[i % inputs.length]!, 'binary')
    if (i % perBatch === 0) hash('sha256', rows[(i / perBatch) % rows.length]!, 'binary')
  }
  return (entries * 1000) / (performance.now() - startedMs)
}

interface MadeStore {
  path: string
  entries: number
  perBatch: number
  /** What the hashes of its first entries are over; no more are kept, or the heap would be what is measured. */
  inputs: Uint8Array[]
  /** The rows of as many batches, as long as the stored ones. */
  rows: Uint8Array[]
}

const INPUTS_MAX = 2000

/** A store as the collector writes it, through its own committer; only what is sealed is random. */
async function makeStore(
  path: string,
  signingKey: KeyObject,
  { entries, perBatch, batchesAtOnce }: { entries: number; perBatch: number; batchesAtOnce: number },
): Promise<MadeStore> {
  const opened = await openStore(path)
  if (!opened.ok) throw new Error(opened.error.detail)
  const { db, close } = opened.value
  const clock = createSystemClock()
  const options = { mayPassGap: () => false, hallOf: () => 'default' }
  const committer = await createCommitter({ db, clock, randomBytes, signingKey, ...options })
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const time = { boot: clock.boot, mono: 1, wall: FIRST_DAY_WALL_MS, synced: true }
  const key = new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }))
  const boxes = Array.from({ length: BOXES }, (_, i) => createWritingBox(`box-${i}`, privateKey, time))
  const enrolments = boxes.map(({ box }) => ({ entry: { kind: 'enrolment', time, body: { box, key } } as const }))
  await committer.commit([], enrolments, FIRST_DAY_WALL_MS)
  const [inputs, rows]: [Uint8Array[], Uint8Array[]] = [[], []]
  for (let made = 0, turn = 0; made < entries; turn++) {
    const at = FIRST_DAY_WALL_MS + Math.floor((made * DAYS) / entries) * DAY_MS
    const batches = Array.from({ length: batchesAtOnce }, (_, i) => boxes[(turn + i) % BOXES]!.next(perBatch))
    await committer.commit(batches, [], at)
    for (const { batch } of batches) {
      if (rows.length < INPUTS_MAX) rows.push(rowOf(batch, made, at))
      made += batch.entries.length
      // Tag, box, epoch, number and previous hash come before the bytes.
      for (const bytes of batch.entries) {
        if (inputs.length < INPUTS_MAX) inputs.push(Buffer.concat([randomBytes(77 + batch.box.length), bytes]))
      }
    }
  }
  await close()
  return { path, entries, perBatch, inputs, rows }
}

function rowOf({ entries, first, ...batch }: Batch, made: number, at: number): Uint8Array {
  const positions = { first_position: made + 1, last_position: made + entries.length }
  const numbers = { first_seq: first, last_seq: first + entries.length - 1, received_at: at }
  return encodeKeptBatch({ ...batch, ...positions, ...numbers, hall: 'default', receipt: randomBytes(64) })
}

/** A box that prompts and rates all day, with its batches signed. */
function createWritingBox(box: string, privateKey: KeyObject, time: EntryTime) {
  const chain = { box, epoch: new Uint8Array(randomBytes(16)) }
  const key = createPublicKey(privateKey)
  let last = { seq: 0, hash: CHAIN_START }
  let prompt = randomBytes(16)

  function nextEntry(seq: number): Entry {
    if (seq % 2 === 0) {
      const sealed = { key: randomBytes(8), enc: randomBytes(32), text: randomBytes(64) }
      return { kind: 'rating', time, body: { prompt, provenance: 'pad', sealed } }
    }
    prompt = randomBytes(16)
    const service = { case: `3700002026112${String(seq).padStart(8, '0')}`, service: 1 }
    return { kind: 'prompt', time, body: { prompt, window: 'A01', origin: 'panel', for: service, clerk: 'c1024' } }
  }

  return {
    box,
    next(count: number): BoxWork {
      const first = last.seq + 1
      const written = Array.from({ length: count }, (_, i) => nextEntry(first + i))
      const entries = written.map(encodeEntry)
      const hashes = chainHashes(chain, first, last.hash, entries)
      const previous = last.hash
      last = { seq: last.seq + count, hash: hashes.at(-1)! }
      const unsigned = { version: PROTOCOL_VERSION, ...chain, first, previous, entries, newest: last.seq } as const
      const batch = signBatch(unsigned, last.hash, privateKey)
      return { batch, hashes, entries: written, key, bytes: new Uint8Array() }
    },
  }
}

async function inTurn<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = []
  for (const item of items) done.push(await work(item))
  return done
}
