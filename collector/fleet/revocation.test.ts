import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createTestBox, type TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { rebuildStore } from '#collector/rebuild.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { encodePresence } from '#protocol/presence.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { addRevoked, readRevoked } from './revoked-file.ts'

const AT_MS = Date.UTC(2026, 10, 24, 1)
const boot = { kind: 'boot', body: { agent: '1' } } as const
const rated = { case: 'C1', service: 1 }

async function setUp() {
  const file = join(temporaryFolder(), 'revoked.yaml')
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  await box.rate(box.prompt(rated), 'dissatisfied')
  await collector.core.verbs.registerService(rated, 'test')
  return { collector, box, file }
}

/** As the command does, and as the file's change is noticed. */
async function revoke(collector: TestCollector, box: TestBox, file: string) {
  addRevoked(file, { box: box.name, serial: 'a1', key: box.spki, reason: '被盗', atMs: AT_MS })
  collector.core.watchRevoked(file)
  await collector.settled()
}

const aside = async (collector: TestCollector) =>
  (await collector.core.verbs.listQuarantine(10)).map(({ code }) => code)
const boxView = async (collector: TestCollector) =>
  (await collector.core.verbs.listBoxes()).find(({ box }) => box === 'box-1')!
const serviceView = async (collector: TestCollector) => await collector.core.verbs.findService('C1', 1)

async function revocations(collector: TestCollector) {
  const rows = await collector.store.db.selectFrom('evidence').select('bytes').where('box', '=', 'collector').execute()
  return rows
    .map(row => decodeEntry(row.bytes))
    .flatMap(read => (read.ok && read.value.kind === 'revocation' ? [read.value.body] : []))
}

describe('a box that is revoked', () => {
  test('is so by an entry of the collector’s own chain, written once however often the file is read', async () => {
    const { collector, box, file } = await setUp()
    await revoke(collector, box, file)
    const body = { box: 'box-1', serial: 'a1', key: box.spki, reason: '被盗', at: AT_MS }
    expect(await revocations(collector)).toEqual([body])
    expect(await boxView(collector)).toMatchObject({ revoked: { atMs: AT_MS, serial: 'a1', reason: '被盗' } })
    expect((await collector.core.verbs.health()).revoked).toBe(1)
    await collector.close()
    const again = await createTestCollector({ path: collector.path, keys: collector })
    again.core.watchRevoked(file)
    await again.settled()
    expect(await revocations(again)).toEqual([body])
  })

  test('keeps what was committed before, which says so; what comes after is set aside', async () => {
    const { collector, box, file } = await setUp()
    await collector.send('box-1', box.batch())
    expect((await serviceView(collector))!.rating).not.toHaveProperty('boxRevokedAtMs')
    await revoke(collector, box, file)
    expect((await serviceView(collector))!.rating).toMatchObject({ grade: 'dissatisfied', boxRevokedAtMs: AT_MS })
    box.write(boot)
    await collector.send('box-1', box.batch(3, 3))
    expect(await aside(collector)).toEqual(['box-revoked'])
    expect(collector.receipts('box-1').map(({ seq }) => seq)).toEqual([2])
  })

  test('stays so after a restart without the file, and after everything is made anew', async () => {
    const { collector, box, file } = await setUp()
    await collector.send('box-1', box.batch())
    await revoke(collector, box, file)
    await collector.close()
    const rebuilt = await rebuildStore(collector.path, [collector.openingKey])
    expect(rebuilt).toMatchObject({ ok: true, value: { isSame: true } })
    const again = await createTestCollector({ path: collector.path, keys: collector })
    expect(await boxView(again)).toMatchObject({ revoked: { serial: 'a1' } })
    box.write(boot)
    await again.send('box-1', box.batch(3, 3))
    expect(await aside(again)).toEqual(['box-revoked'])
  })

  test('while its batch waits for the commit is too late with it', async () => {
    const { collector, box, file } = await setUp()
    collector.core.messageArrived('batch', 'box-1', box.batch())
    await revoke(collector, box, file)
    expect(await aside(collector)).toEqual(['box-revoked'])
    expect(collector.receipts('box-1')).toEqual([])
  })

  test('serves no window: what it says of itself is not believed, and nothing is asked of it', async () => {
    const { collector, box, file } = await setUp()
    const status = encodePresence({
      version: 1,
      online: true,
      agent: '1',
      backlog: 0,
      windows: [{ window: 'A01', pad: 'ready' }],
    })
    collector.core.messageArrived('status', 'box-1', status)
    const ask = () => collector.core.verbs.prompts.ask('A01', rated)
    expect(ask()).toMatchObject({ ok: true })
    await revoke(collector, box, file)
    expect(ask()).toMatchObject({ ok: false, error: { code: 'unknown-window' } })
    collector.core.messageArrived('status', 'box-1', status)
    expect(ask()).toMatchObject({ ok: false, error: { code: 'unknown-window' } })
    expect((await collector.core.verbs.health()).counters['statuses-refused.box-revoked']).toBe(1)
  })

  test('does not come back with its old key, whatever certificate that has', async () => {
    const { collector, box, file } = await setUp()
    await revoke(collector, box, file)
    await collector.core.enrol({ box: 'box-1', key: box.spki, serial: 'b2' })
    const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const spki = new Uint8Array(other.publicKey.export({ format: 'der', type: 'spki' }))
    await collector.core.enrol({ box: 'box-1', key: spki, serial: 'a1' })
    expect(await boxView(collector)).toMatchObject({ revoked: { serial: 'a1' } })
  })

  test('comes back with a new key; what the old one signed stays out, what it had signed stays marked', async () => {
    const { collector, box, file } = await setUp()
    await collector.send('box-1', box.batch())
    await revoke(collector, box, file)
    const replaced = createTestBox({ name: 'box-1', sealTo: collector.openingPublic })
    await collector.core.enrol({ box: 'box-1', key: replaced.spki, serial: 'b2' })
    replaced.write({ kind: 'boot', body: { agent: '1', origin: { reason: 're-enrolled' } } })
    await replaced.rate(replaced.prompt({ case: 'C2', service: 1 }), 'satisfied')
    await collector.core.verbs.registerService({ case: 'C2', service: 1 }, 'test')
    await collector.send('box-1', replaced.batch())
    box.write(boot)
    await collector.send('box-1', box.batch(3, 3))
    expect(await aside(collector)).toEqual(['box-revoked'])
    // A certificate that somebody still gets for the old key changes nothing of that.
    await collector.core.enrol({ box: 'box-1', key: box.spki, serial: 'c3' })
    expect(await boxView(collector)).toMatchObject({ revoked: null, enrolled: true })
    expect((await collector.core.verbs.health()).revoked).toBe(0)
    expect((await serviceView(collector))!.rating).toMatchObject({ boxRevokedAtMs: AT_MS })
    expect((await collector.core.verbs.findService('C2', 1))!.rating).not.toHaveProperty('boxRevokedAtMs')
  })
})

test('a certificate that is revoked without its key keeps only the connection out', async () => {
  const { collector, box, file } = await setUp()
  addRevoked(file, { box: 'box-1', serial: 'a1', reason: '旧证书', atMs: AT_MS })
  collector.core.watchRevoked(file)
  await collector.settled()
  await collector.send('box-1', box.batch())
  expect((await serviceView(collector))!.rating).not.toHaveProperty('boxRevokedAtMs')
  expect(await boxView(collector)).toMatchObject({ revoked: null })
  expect(await revocations(collector)).toHaveLength(1)
})

describe('a batch of a revoked box', () => {
  async function lateBatch() {
    const { collector, box, file } = await setUp()
    box.write(boot, boot)
    await collector.send('box-1', box.batch(1, 1))
    await revoke(collector, box, file)
    await collector.send('box-1', box.batch(2, 3), box.batch(4, 4))
    const rows = await collector.core.verbs.listQuarantine(10)
    const idOf = (bytes: number) => rows.find(row => row.bytes === bytes)!.sha256
    const { acceptBatch } = collector.core.verbs.decisions
    const accept = (batch: Uint8Array) =>
      acceptBatch({ box: 'box-1', sha256: idOf(batch.length) }, '丢失前写下', '运维')
    return { collector, box, accept, acceptBatch }
  }

  test('is taken when a person decides so, named with who and why; its ratings are marked', async () => {
    const { collector, box, accept } = await lateBatch()
    expect(await accept(box.batch(2, 3))).toEqual({ ok: true })
    await collector.settled()
    expect((await serviceView(collector))!.rating).toMatchObject({ seq: 2, boxRevokedAtMs: AT_MS })
    const rows = await collector.store.db.selectFrom('evidence').selectAll().orderBy('position').execute()
    const at = rows.findIndex(row => row.box === 'box-1' && row.seq === 2)
    const read = decodeEntry(rows[at - 1]!.bytes)
    expect(read.ok && read.value).toMatchObject({
      kind: 'acceptance',
      body: { box: 'box-1', epoch: box.epoch, first: 2, last: 3, by: '运维', reason: '丢失前写下' },
    })
    await collector.close()
    const rebuilt = await rebuildStore(collector.path, [collector.openingKey])
    expect(rebuilt).toMatchObject({ ok: true, value: { isSame: true } })
  })

  test('is marked also when the box has a new key by then', async () => {
    const { collector, box, accept } = await lateBatch()
    const { spki } = createTestBox({ name: 'box-1' })
    await collector.core.enrol({ box: 'box-1', key: spki, serial: 'b2' })
    expect(await accept(box.batch(2, 3))).toEqual({ ok: true })
    await collector.settled()
    expect((await serviceView(collector))!.rating).toMatchObject({ seq: 2, boxRevokedAtMs: AT_MS })
  })

  test('is taken in its order, once, and only if it was set aside for that', async () => {
    const { collector, box, accept, acceptBatch } = await lateBatch()
    expect(await accept(box.batch(4, 4))).toMatchObject({
      ok: false,
      error: { code: 'batch-not-acceptable', detail: expect.stringContaining('entries 2 to 3 are missing') },
    })
    expect(await accept(box.batch(2, 3))).toEqual({ ok: true })
    expect(await accept(box.batch(4, 4))).toEqual({ ok: true })
    await collector.settled()
    expect(await accept(box.batch(2, 3))).toMatchObject({ error: { detail: expect.stringContaining('already') } })
    const nowhere = { box: 'box-1', sha256: 'ab'.repeat(32) }
    expect(await acceptBatch(nowhere, 'x', '运维')).toMatchObject({ error: { code: 'unknown-batch' } })
    const rubbish = new Uint8Array([1, 2, 3])
    await collector.send('box-1', rubbish)
    const [row] = (await collector.core.verbs.listQuarantine(10)).filter(({ bytes }) => bytes === 3)
    expect(await acceptBatch({ box: 'box-1', sha256: row!.sha256 }, 'x', '运维')).toMatchObject({
      error: { code: 'batch-not-acceptable', detail: expect.stringContaining('not-decodable') },
    })
  })
})

describe('the list of revoked boxes', () => {
  const revocation = { box: 'box-1', serial: 'a1', reason: '被盗: "是"', atMs: AT_MS }

  test('reads what was added, and keeps time and reason of what is there', () => {
    const file = join(temporaryFolder(), 'revoked.yaml')
    const key = new Uint8Array(91).fill(4)
    expect(readRevoked(file)).toEqual({ ok: true, value: [] })
    expect(addRevoked(file, revocation)).toEqual({ ok: true })
    expect(addRevoked(file, { ...revocation, serial: 'a2', key })).toEqual({ ok: true })
    expect(addRevoked(file, { ...revocation, reason: 'other' })).toMatchObject({ error: { code: 'already-revoked' } })
    expect(readRevoked(file)).toEqual({ ok: true, value: [revocation, { ...revocation, serial: 'a2', key }] })
  })

  test('that cannot be read revokes nobody anew, brings nobody back, and is told', async () => {
    const { collector, box, file } = await setUp()
    await revoke(collector, box, file)
    await collector.close()
    const again = await createTestCollector({ path: collector.path, keys: collector })
    writeFileSync(file, 'revoked: [ {')
    again.core.watchRevoked(file)
    await again.settled()
    expect(again.log.join('')).toContain('revoked-file-not-readable')
    expect(await boxView(again)).toMatchObject({ revoked: { serial: 'a1' } })
  })
})
