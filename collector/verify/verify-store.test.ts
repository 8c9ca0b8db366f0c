import { createPublicKey } from 'node:crypto'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { shareFullStore } from '#collector/fixtures/full-store.ts'
import { tamper } from '#collector/fixtures/tamper.ts'
import { createCommitter } from '#collector/ingest/committer.ts'
import { createScratchStore, type SchemaRow } from '#collector/store/scratch-store.ts'
import { openStore } from '#collector/store/store.ts'
import { decodeBatch } from '#protocol/batch.ts'
import { toHex } from '#protocol/codec.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { comparedTables } from './check-tables.ts'
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

test('several threads find what one finds, and the joints between them hold', async () => {
  const bent = tamper(store().path, attacker => {
    attacker.remove('evidence', 12)
    const late = attacker.rowids('batches').at(-4)!
    attacker.write('batches', late, { received_at: Number(attacker.row('batches', late)['received_at']) + 1 })
  })
  for (const path of [store().path, bent]) {
    const [one, three] = [await verify(path, { jobs: 1 }), await verify(path, { jobs: 3 })]
    expect(three).toMatchObject({ entries: one.entries, batches: one.batches, bytes: one.bytes, chains: one.chains })
    const sorted = (faults: readonly object[]) => faults.map(fault => JSON.stringify(fault)).sort()
    expect(sorted(three.faults)).toEqual(sorted(one.faults))
  }
  expect((await verify(bent)).faultCount).toBeGreaterThan(1)
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
    ]) {
      raw.exec(`delete from ${table} where position > ${at}`)
    }
  })
  const { notes, faults } = await verify(path)
  expect(notes).toEqual([{ code: 'tables-behind', entries: expect.any(Number) }])
  // Rows that later entries changed are not what the entries up to the cursor give; nothing else is wrong.
  expect(faults.filter(({ table }) => !['boxes', 'epochs', 'prompts', 'box_keys', 'ratings'].includes(table))).toEqual(
    [],
  )
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

test('kinds that a chain may not hold are named, though everything about them is signed', async () => {
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
  const time = { boot: clock.boot, mono: 1, wall: clock.wallMs(), synced: true }
  const enrolment = { kind: 'enrolment', time, body: { box: 'box-1', key: box.spki } } as const
  const ofBox = { kind: 'boot', time, body: { agent: '1' } } as const
  await committer.commit([], [{ entry: enrolment }, { entry: ofBox }], clock.wallMs())
  box.write({ kind: 'case', body: { case: 'C1', service: 1, source: 'box-1' } })
  const batch = decodeBatch(box.batch())
  if (!batch.ok) throw new Error(batch.error.detail)
  const work = { batch: batch.value, hashes: [box.hashOf(1)], entries: [ofBox], bytes: new Uint8Array() }
  await committer.commit([{ ...work, key: createPublicKey(box.privateKey) }], [], clock.wallMs())
  await opened.value.close()
  const { faults } = await verify(path)
  expect(faults.filter(({ code }) => code === 'kind-not-allowed')).toMatchObject([
    { table: 'evidence', position: 2, box: 'collector', seq: 2 },
    { table: 'evidence', position: 3, box: 'box-1', seq: 1 },
  ])
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

test('a table that nothing checks is not passed over: verify does not start', async () => {
  const scratch = await createScratchStore(':memory:')
  const another: SchemaRow = { type: 'table', name: 'new_table', tbl_name: 'new_table', sql: '' }
  expect(() => comparedTables(scratch.schema, true)).not.toThrow()
  expect(() => comparedTables([...scratch.schema, another], true)).toThrow('new_table')
  await scratch.close()
})
