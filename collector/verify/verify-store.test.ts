import { createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestBox, type TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { shareFullStore } from '#collector/fixtures/full-store.ts'
import { tamper } from '#collector/fixtures/tamper.ts'
import { type Committer, createCommitter } from '#collector/ingest/committer.ts'
import type { BoxWork } from '#collector/ingest/work.ts'
import { createScratchStore, type SchemaRow } from '#collector/store/scratch-store.ts'
import { openStore } from '#collector/store/store.ts'
import { type Batch, decodeBatch } from '#protocol/batch.ts'
import { toHex } from '#protocol/codec.ts'
import { decodeEntry, type EntryTime } from '#protocol/entry.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { comparedTables } from './check-tables.ts'
import { compareDigests } from './compare-digests.ts'
import type { VerifyFault } from './fault.ts'
import { createOwnWords, latin1 } from './own-words.ts'
import { scanDigest, scanKind, scanPrompt } from './scan-entry.ts'
import { openStoreSource } from './store-source.ts'
import { type VerifyStoreOptions, verifyStore } from './verify-store.ts'

const store = shareFullStore()

async function verify(path: string, options: Partial<VerifyStoreOptions> = {}) {
  const { signingKey, openingKey } = store().keys
  const verified = await verifyStore({
    path,
    collectorKey: createPublicKey(signingKey),
    openingKeys: [openingKey],
    workFolder: temporaryFolder(),
    ...options,
  })
  if (!verified.ok) throw new Error(verified.error.detail)
  return verified.value
}

const sealed = { openingKeys: undefined } as unknown as Partial<VerifyStoreOptions>

/** Of each closed day one signature, in a batch that is not the newest of its chain: only the digest shows it. */
const FLIP_ONE_OF_EACH_DAY = `update batches set signature = zeroblob(64) where first_position in (
  select min(b.first_position) from batches b join batches later on later.epoch = b.epoch and later.first_seq > b.last_seq
  where b.first_position < (select min(position) from digests where day = (select max(day) from digests))
  group by (b.received_at + 28800000) / 86400000)`

test('several threads find what one finds, and the joints between them hold', async () => {
  const bent = tamper(store().path, attacker => {
    attacker.remove('evidence', 12)
    const late = attacker.rowids('batches').at(-4)!
    attacker.write('batches', late, { received_at: Number(attacker.row('batches', late)['received_at']) + 1 })
  })
  const flipped = tamper(store().path, ({ raw }) => raw.exec(FLIP_ONE_OF_EACH_DAY))
  for (const path of [store().path, bent, flipped]) {
    const [one, three] = [await verify(path, { jobs: 1 }), await verify(path, { jobs: 3 })]
    expect(three).toMatchObject({ entries: one.entries, batches: one.batches, bytes: one.bytes, chains: one.chains })
    const sorted = (faults: readonly object[]) => faults.map(fault => JSON.stringify(fault)).sort()
    expect(sorted(three.faults)).toEqual(sorted(one.faults))
  }
  expect((await verify(bent)).faultCount).toBeGreaterThan(1)
  const found = (await verify(flipped, { jobs: 4 })).faults.filter(({ code }) => code === 'bad-signature')
  expect(found.length).toBe(4)
})

test('a digest that is not where two threads meet is missed', async () => {
  const path = tamper(store().path, ({ raw }) => {
    // The digests of the second day, taken out together with their batch.
    const { first, last } = raw
      .prepare<[], { first: number; last: number }>(
        `select first_position as first, last_position as last from batches
         where first_position = (select position from digests where day = '2026-03-03' order by position limit 1)`,
      )
      .get()!
    raw.exec(
      `delete from evidence where position between ${first} and ${last}; delete from batches where first_position = ${first}`,
    )
  })
  for (const jobs of [1, 4]) {
    const tables = (await verify(path, { jobs })).faults.map(({ table, code }) => `${table} ${code}`)
    expect(tables).toContain('evidence entry-missing')
  }
})

test('without the opening keys grades are left out, and everything else is still compared', async () => {
  const grades = tamper(store().path, ({ raw }) => {
    raw.exec(`update ratings set grade = 'very-satisfied', tags = null, words = 'x', fault = null`)
  })
  expect(await verify(grades, sealed)).toMatchObject({ faults: [], notes: [{ code: 'grades-not-opened' }] })
  expect((await verify(grades)).faultCount).toBeGreaterThan(0)
  const standing = tamper(store().path, ({ raw }) => {
    raw.exec(`update ratings set standing = 'pool' where position = (select min(position) from ratings)`)
  })
  expect((await verify(standing, sealed)).faults).toMatchObject([{ table: 'ratings', columns: ['standing'] }])
})

test('a store is read while its collector runs, and not a byte of it is changed', async () => {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  await box.rate(box.prompt(), 'satisfied')
  await collector.send('box-1', box.batch())
  const options = { collectorKey: createPublicKey(collector.signingKey), openingKeys: [collector.openingKey] }
  expect(await verify(collector.path, options)).toMatchObject({
    faults: [],
    notes: [],
    prompts: { opened: 1, open: 0 },
  })
  box.write({ kind: 'boot', body: { agent: '1' } })
  await collector.send('box-1', box.batch(3, 3))
  expect(collector.receipts('box-1').at(-1)?.seq).toBe(3)
})

test('tables that a stopped collector has still to make are no fault, and are said to be missing', async () => {
  const path = tamper(store().path, ({ raw }) => {
    const at = 20
    raw.exec(`update projection_cursor set position = ${at}, hash = (select hash from evidence where position = ${at})`)
    // What the entries behind the cursor gave is not there yet: the tables as they were then.
    for (const table of [
      'services',
      'ratings',
      'oddities',
      'digests',
      'box_keys',
      'findings',
      'acceptances',
      'gaps',
      'epochs',
      'time_marks',
      'instants',
    ]) {
      raw.exec(`delete from ${table} where position > ${at}`)
    }
  })
  const { notes, faults } = await verify(path)
  expect(notes).toEqual([{ code: 'tables-behind', entries: expect.any(Number) }])
  // Rows that later entries changed are not what the entries up to the cursor give; nothing else is wrong.
  const changing = ['boxes', 'epochs', 'prompts', 'box_keys', 'ratings', 'time_chains', 'time_marks']
  expect(faults.filter(({ table }) => !changing.includes(table))).toEqual([])
})

describe('prompts', () => {
  let collector: TestCollector
  beforeEach(async () => {
    collector = await createTestCollector()
  })
  const verifyOwn = async () => {
    await collector.close()
    const { signingKey, openingKey, path } = collector
    return await verify(path, { collectorKey: createPublicKey(signingKey), openingKeys: [openingKey] })
  }

  test('that are open at the end are counted, and no fault', async () => {
    const box = collector.box('box-1')
    await collector.enrol(box)
    box.prompt()
    box.outcome(box.prompt(), 'declined')
    await collector.send('box-1', box.batch())
    expect(await verifyOwn()).toMatchObject({ faults: [], prompts: { opened: 2, ended: 1, open: 1 } })
  })

  test('with two ends, two openings, or an end and no opening are named by the entry that is too many', async () => {
    const box = collector.box('box-1')
    await collector.enrol(box)
    const prompt = box.prompt()
    await box.rate(prompt, 'satisfied')
    await box.rate(prompt, 'dissatisfied', 'correction')
    box.outcome(prompt, 'declined')
    box.prompt(undefined, prompt)
    box.outcome(new Uint8Array(16).fill(5), 'timed-out')
    await collector.send('box-1', box.batch())
    const { faults } = await verifyOwn()
    expect(faults.map(({ code, position, box }) => [code, position, box])).toEqual([
      ['prompt-not-conserved', 5, 'box-1'],
      ['prompt-not-conserved', 6, 'box-1'],
      ['prompt-not-conserved', 7, 'box-1'],
    ])
  })
})

/** What somebody who holds the collector's signing key can write: whatever its committer is given. */
async function forge(write: (commit: Commit, box: TestBox, time: EntryTime) => Promise<void>): Promise<string> {
  const path = join(temporaryFolder(), 'collector.sqlite')
  const opened = await openStore(path)
  if (!opened.ok) throw new Error(opened.error.detail)
  const clock = createSystemClock()
  const committer = await createCommitter({
    db: opened.value.db,
    clock,
    randomBytes: length => new Uint8Array(length).fill(1),
    mayPassGap: () => false,
    signingKey: store().keys.signingKey,
    hallOf: () => 'default',
  })
  const box = createTestBox({ name: 'box-1' })
  const time = { boot: clock.boot, mono: 1, wall: MONDAY_WALL_MS, synced: true }
  const enrolment = { kind: 'enrolment', time, body: { box: 'box-1', key: box.spki } } as const
  await committer.commit([], [{ entry: enrolment }], MONDAY_WALL_MS)
  await write(committer.commit, box, time)
  await opened.value.close()
  return path
}
type Commit = Committer['commit']

const MONDAY_WALL_MS = Date.UTC(2026, 2, 2, 2)
const DAY_MS = 24 * 60 * 60 * 1000

/** A batch of a box as the committer takes it, signed or not. */
function workOf(box: TestBox, first: number, last: number, change: Partial<Batch> = {}): BoxWork {
  const batch = decodeBatch(box.batch(first, last))
  if (!batch.ok) throw new Error(batch.error.detail)
  const read = batch.value.entries.map(bytes => decodeEntry(bytes))
  const entries = read.flatMap(entry => (entry.ok ? [entry.value] : []))
  const hashes = entries.map((_, i) => box.hashOf(first + i))
  const key = createPublicKey(box.privateKey)
  return { batch: { ...batch.value, ...change }, hashes, entries, bytes: new Uint8Array(), key }
}

const boot = { kind: 'boot', body: { agent: '1' } } as const

test('kinds that a chain may not hold are named, though everything about them is signed', async () => {
  const path = await forge(async (commit, box, time) => {
    await commit([], [{ entry: { ...boot, time } }], MONDAY_WALL_MS)
    box.write({ kind: 'case', body: { case: 'C1', service: 1, source: 'box-1' } })
    await commit([workOf(box, 1, 1)], [], MONDAY_WALL_MS)
  })
  const { faults } = await verify(path)
  expect(faults.filter(({ code }) => code === 'kind-not-allowed')).toMatchObject([
    { table: 'evidence', position: 2, box: 'collector', seq: 2 },
    { table: 'evidence', position: 3, box: 'box-1', seq: 1 },
  ])
})

test('a batch that no box signed is found under a digest too: the newest always, any with every signature', async () => {
  const unsigned = { signature: new Uint8Array(64).fill(7) }
  const path = await forge(async (commit, box) => {
    box.write(boot, boot)
    await commit([workOf(box, 1, 1, unsigned)], [], MONDAY_WALL_MS)
    await commit([workOf(box, 2, 2, unsigned)], [], MONDAY_WALL_MS)
    await commit([], [], MONDAY_WALL_MS + DAY_MS)
  })
  expect((await verify(path)).faults).toMatchObject([{ code: 'bad-signature', position: 3, seq: 2 }])
  const every = await verify(path, { everySignature: true })
  expect(every.faults.map(({ code, position }) => [code, position])).toEqual([
    ['bad-signature', 2],
    ['bad-signature', 3],
  ])
})

test('after its box was revoked a batch needs a decision that names it', async () => {
  const made = (accepted: number) =>
    forge(async (commit, box, time) => {
      box.write(boot, boot)
      await commit([workOf(box, 1, 1)], [], MONDAY_WALL_MS)
      const revocation = { box: 'box-1', serial: 'a', key: box.spki, reason: 'stolen', at: MONDAY_WALL_MS }
      const numbers = { epoch: box.epoch, first: accepted, last: accepted }
      const acceptance = { box: 'box-1', batch: new Uint8Array(32), ...numbers, by: 'operator', reason: 'before' }
      const said = [
        { entry: { kind: 'revocation', time, body: revocation } },
        { entry: { kind: 'acceptance', time, body: acceptance } },
      ] as const
      await commit([], said, MONDAY_WALL_MS)
      await commit([{ ...workOf(box, 2, 2), isAccepted: true }], [], MONDAY_WALL_MS)
    })
  expect((await verify(await made(2))).faults).toEqual([])
  expect((await verify(await made(3))).faults).toMatchObject([{ code: 'box-revoked', box: 'box-1', seq: 2 }])
})

const readable = (body: object) =>
  Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, value instanceof Uint8Array ? toHex(value) : value]),
  )

test('what is scanned of an entry is what decoding it says', () => {
  const { path } = store()
  const source = openStoreSource(path)
  const rows = source.evidence(1, 1000, 1000)
  source.close()
  expect(rows.length).toBeGreaterThan(60)
  for (const { bytes } of rows) {
    const entry = decodeEntry(bytes as Buffer)
    if (!entry.ok) throw new Error(entry.error.detail)
    const padded = Buffer.concat([Buffer.alloc(7, 0xff), bytes as Buffer, Buffer.alloc(5, 0xff)])
    expect(scanKind(padded, 7, 7 + (bytes as Buffer).length)).toBe(entry.value.kind)
    const prompt = 'prompt' in entry.value.body ? entry.value.body.prompt : undefined
    expect(scanPrompt(bytes as Buffer)).toEqual(prompt && Buffer.from(prompt))
    expect(scanKind(bytes as Buffer, 0, 12)).toBeUndefined()
    const digest = scanDigest(padded, 7, 7 + (bytes as Buffer).length)
    if (entry.value.kind === 'digest') expect(readable(digest!)).toEqual(readable(entry.value.body))
    else expect(digest).toBeUndefined()
  }
  expect(scanKind(Buffer.alloc(4000, 0xa1), 0, 4000)).toBeUndefined()
})

test('a gap is the one the collector gave up, to the number and the hash', () => {
  const [epoch, previous] = [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)]
  const body = { box: 'box-1', epoch, from: 3, to: 4, previous, reason: 'not-sent' } as const
  const words = createOwnWords([{ position: 9, kind: 'gap', body }])
  const [id, hash] = [latin1(epoch), latin1(previous)]
  expect(words.isGap('box-1', id, 3, 4, hash)).toBe(true)
  expect(words.isGap('box-2', id, 3, 4, hash)).toBe(false)
  expect(words.isGap('box-1', hash.slice(0, 16), 3, 4, hash)).toBe(false)
  expect(words.isGap('box-1', id, 2, 4, hash)).toBe(false)
  expect(words.isGap('box-1', id, 3, 5, hash)).toBe(false)
  expect(words.isGap('box-1', id, 3, 4, id + id)).toBe(false)
})

test('a digest is wrong when any of its figures is, and not compared where its hall is known to be wrong', () => {
  const [root, batches] = ['r'.repeat(32), 'b'.repeat(32)]
  const due = { hall: 'h', day: '2026-03-02', entries: 2, root, batches, from: 1, to: 2, isDirty: false }
  const bytes = (text: string) => Buffer.from(text, 'latin1')
  const body = { hall: 'h', day: '2026-03-02', entries: 2, root: bytes(root), batches: bytes(batches) }
  const faultsWith = (change: object, sum = due, isNamed = false) => {
    const faults: VerifyFault[] = []
    const said = { position: 3, epoch: 'e'.repeat(16), bodies: [{ seq: 1, position: 3, body: { ...body, ...change } }] }
    const report = (fault: VerifyFault) => faults.push(fault)
    compareDigests([sum], said, { position: 3 }, { report, checkSingly: () => isNamed })
    return faults.map(({ code }) => code)
  }
  expect(faultsWith({})).toEqual([])
  for (const change of [{ day: '2026-03-03' }, { entries: 3 }, { root: bytes(batches) }, { batches: bytes(root) }]) {
    expect(faultsWith(change)).toEqual(['digest-differs'])
    expect(faultsWith(change, due, true)).toEqual([])
    expect(faultsWith(change, { ...due, isDirty: true })).toEqual([])
  }
  expect(faultsWith({ hall: 'other' })).toEqual(['digest-missing', 'digest-differs'])
})

test('a table that nothing checks is not passed over: verify does not start', async () => {
  const scratch = await createScratchStore(':memory:')
  const another: SchemaRow = { type: 'table', name: 'new_table', tbl_name: 'new_table', sql: '' }
  expect(() => comparedTables(scratch.schema, true)).not.toThrow()
  expect(() => comparedTables([...scratch.schema, another], true)).toThrow('new_table')
  await scratch.close()
})
