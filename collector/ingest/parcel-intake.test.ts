import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createTestBox, type TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { addRevoked } from '#collector/fleet/revoked-file.ts'
import { toHex } from '#protocol/codec.ts'
import { sealParcel } from '#protocol/parcel.ts'
import { readReceipt } from '#protocol/receipt.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const boot = { kind: 'boot', body: { agent: '1.0.0' } } as const

async function setUp() {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  box.write(...Array.from({ length: 12 }, () => boot))
  return { collector, box }
}

async function parcel(key: KeyObject, ...batches: Uint8Array[]): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of sealParcel(key, batches)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Batches `first` to `last`, one parcel. */
const of = (collector: TestCollector, ...batches: Uint8Array[]) => parcel(collector.openingPublic, ...batches)

async function take(collector: TestCollector, bytes: Uint8Array, giveUpMissing = false) {
  const taken = await collector.core.verbs.takeParcel(Readable.from([bytes]), { giveUpMissing })
  await collector.settled()
  return taken
}

async function taken(collector: TestCollector, bytes: Uint8Array, giveUpMissing = false) {
  const result = await take(collector, bytes, giveUpMissing)
  if (!result.ok) throw new Error(`${result.error.code} ${result.error.detail}`)
  return result.value
}

const evidence = async (collector: TestCollector) =>
  (await collector.store.db.selectFrom('evidence').selectAll().orderBy('position').execute()).map(
    ({ box, seq, position, hash }) => `${position} ${box} ${seq} ${toHex(hash)}`,
  )

function believed(collector: TestCollector, receipts: readonly Uint8Array[]) {
  return receipts.map(bytes => {
    const receipt = readReceipt(bytes, createPublicKey(collector.signingKey))
    if (!receipt.ok) throw new Error(receipt.error.detail)
    const { box, seq, hash } = receipt.value
    return { box, seq, hash: toHex(hash) }
  })
}

const chain = (box: TestBox, committed: number) => ({ box: box.name, epoch: toHex(box.epoch), committed })

describe('a parcel', () => {
  test('is committed like what comes over the broker, and answered by a receipt to carry back', async () => {
    const { collector, box } = await setUp()
    const report = await taken(collector, await of(collector, box.batch(1, 5), box.batch(6, 12)))
    expect(report).toMatchObject({
      batches: 2,
      entries: { new: 12, known: 0 },
      chains: [chain(box, 12)],
      refused: [],
    })
    expect(report.fault).toBeUndefined()
    expect(believed(collector, report.receipts)).toEqual([{ box: 'box-1', seq: 12, hash: toHex(box.hashOf(12)) }])
    expect(collector.receipts('box-1').at(-1)).toMatchObject({ seq: 12 })
  })

  test('imported three times changes nothing after the first', async () => {
    const { collector, box } = await setUp()
    const bytes = await of(collector, box.batch(1, 5), box.batch(6, 12))
    await taken(collector, bytes)
    const before = await evidence(collector)
    for (const _ of [2, 3]) {
      const again = await taken(collector, bytes)
      expect(again).toMatchObject({ entries: { new: 0, known: 12 }, chains: [chain(box, 12)], refused: [] })
      expect(believed(collector, again.receipts)).toMatchObject([{ seq: 12 }])
    }
    expect(await evidence(collector)).toEqual(before)
  })

  test('adds only what is new to what the link brought before', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 7))
    expect(await taken(collector, await of(collector, box.batch(1, 5), box.batch(6, 12)))).toMatchObject({
      entries: { new: 5, known: 7 },
    })
  })

  test('may carry several boxes and several journals of each', async () => {
    const { collector, box } = await setUp()
    const other = collector.box('box-2')
    const earlier = createTestBox({ name: 'box-1', privateKey: box.privateKey })
    await collector.enrol(other)
    other.write(boot)
    earlier.write(boot, boot)
    const report = await taken(collector, await of(collector, earlier.batch(), box.batch(), other.batch()))
    expect(report.chains).toEqual([chain(earlier, 2), chain(box, 12), chain(other, 1)])
    expect(report.receipts).toHaveLength(3)
  })
})

describe('a parcel behind missing entries', () => {
  test('is not taken, names what is missing, and the receipt says where to go on from', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 2))
    const report = await taken(collector, await of(collector, box.batch(5, 8), box.batch(9, 12)))
    expect(report.chains).toEqual([{ ...chain(box, 2), missing: { from: 3, to: 4 } }])
    expect(report.entries).toEqual({ new: 0, known: 0 })
    expect(believed(collector, report.receipts)).toMatchObject([{ seq: 2 }])
  })

  test('is no proof that the box has lost them, however often it comes', async () => {
    const { collector, box } = await setUp()
    const late = await of(collector, box.batch(5, 12))
    for (let i = 0; i < 8; i++) await taken(collector, late)
    expect(await collector.core.verbs.listGaps()).toEqual([])
    expect(await taken(collector, await of(collector, box.batch(1, 4), box.batch(5, 12)))).toMatchObject({
      entries: { new: 12 },
    })
  })

  test('is taken when a person gives them up, under a gap that stays', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 2))
    const report = await taken(collector, await of(collector, box.batch(5, 8), box.batch(9, 12)), true)
    expect(report).toMatchObject({ entries: { new: 8, known: 0 }, chains: [chain(box, 12)], refused: [] })
    expect(await collector.core.verbs.listGaps()).toMatchObject([{ from: 3, to: 4, state: 'given-up' }])
    expect(await taken(collector, await of(collector, box.batch(3, 4)), true)).toMatchObject({
      refused: [{ code: 'late-for-gap' }],
    })
  })
})

describe('what is in a parcel and cannot be believed', () => {
  test('is set aside with the reason, and does not hinder the rest', async () => {
    const { collector, box } = await setUp()
    const stranger = createTestBox({ name: 'box-1' })
    const unknown = createTestBox({ name: 'box-9' })
    stranger.write(boot)
    unknown.write(boot)
    const report = await taken(collector, await of(collector, stranger.batch(), unknown.batch(), box.batch()))
    expect(report.refused).toMatchObject([
      { box: 'box-1', first: 1, last: 1, code: 'bad-signature' },
      { box: 'box-9', code: 'not-enrolled' },
    ])
    expect(report.chains).toEqual([chain(box, 12)])
    expect(believed(collector, report.receipts)).toMatchObject([{ box: 'box-1', seq: 12 }])
    expect((await collector.core.verbs.listQuarantine(9)).map(({ code }) => code).sort()).toEqual([
      'bad-signature',
      'not-enrolled',
    ])
  })

  test('is refused with giving up as without, and gives nothing up', async () => {
    const { collector, box } = await setUp()
    const stranger = createTestBox({ name: 'box-1', epoch: box.epoch })
    stranger.write(boot, boot, boot)
    const report = await taken(collector, await of(collector, stranger.batch(3, 3)), true)
    expect(report.refused).toMatchObject([{ code: 'bad-signature' }])
    await collector.send('box-1', box.batch(3, 12))
    expect(await collector.core.verbs.listGaps()).toMatchObject([{ from: 1, to: 2, state: 'open' }])
  })

  test('of a revoked box waits for a person, as if it had come over the broker', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 3))
    const file = join(temporaryFolder(), 'revoked.yaml')
    addRevoked(file, { box: 'box-1', serial: 'a1', key: box.spki, reason: '被盗', atMs: 1 })
    collector.core.watchRevoked(file)
    await collector.settled()
    const report = await taken(collector, await of(collector, box.batch(4, 12)))
    expect(report).toMatchObject({ refused: [{ code: 'box-revoked', first: 4 }], receipts: [] })
    expect(await collector.core.verbs.listQuarantine(9)).toMatchObject([{ code: 'box-revoked' }])
  })

  test('of a journal that contradicts the committed one is named as forked', async () => {
    const { collector, box } = await setUp()
    const copy = createTestBox({ name: 'box-1', privateKey: box.privateKey, epoch: box.epoch })
    copy.write({ kind: 'boot', body: { agent: '6.6.6' } })
    await collector.send('box-1', box.batch(1, 3))
    expect(await taken(collector, await of(collector, copy.batch()))).toMatchObject({ refused: [{ code: 'forked' }] })
  })

  test('ends the reading after a hundred batches, so that a stick cannot fill the quarantine', async () => {
    const { collector } = await setUp()
    const unknown = createTestBox({ name: 'box-9' })
    unknown.write(...Array.from({ length: 105 }, () => boot))
    const many = Array.from({ length: 105 }, (_, i) => unknown.batch(i + 1, i + 1))
    const report = await taken(collector, await of(collector, ...many))
    expect(report.refused).toHaveLength(100)
    expect(report.fault).toMatchObject({ code: 'too-many-refused' })
  })
})

describe('a parcel that is damaged', () => {
  test('is taken up to its last whole batch, and says where it broke', async () => {
    const { collector } = await setUp()
    const screen = collector.box('box-2')
    await collector.enrol(screen)
    // Longer than a chunk.
    screen.write(...Array.from({ length: 300 }, () => boot))
    const whole = await of(collector, screen.batch(1, 60), screen.batch(61, 300))
    const report = await taken(collector, whole.subarray(0, 70 + 16_400 + 500))
    expect(report).toMatchObject({
      batches: 1,
      entries: { new: 60 },
      chains: [chain(screen, 60)],
      fault: { code: 'parcel-cut', detail: expect.stringContaining('chunk 2') },
    })
    expect(report.receipts).toHaveLength(1)
    expect(await taken(collector, whole)).toMatchObject({
      entries: { new: 240, known: 60 },
      chains: [chain(screen, 300)],
    })
  })

  test('in its beginning, foreign, or of another version takes nothing and says why', async () => {
    const { collector, box } = await setUp()
    const before = await evidence(collector)
    const good = await of(collector, box.batch())
    const foreign = await parcel(generateKeyPairSync('x25519').publicKey, box.batch())
    const cases: [string, Uint8Array][] = [
      ['not-a-parcel', Buffer.from('chuangping receipts v1\nend 0\n')],
      ['unknown-version', Buffer.from(good.toString('latin1').replace('parcel v1', 'parcel v2'), 'latin1')],
      ['unknown-opening-key', foreign],
      ['parcel-cut', good.subarray(0, 4000)],
      ['parcel-altered', good.map((byte, i) => (i === 4000 ? byte ^ 1 : byte))],
    ]
    for (const [code, bytes] of cases) {
      expect(await take(collector, bytes), code).toMatchObject({ ok: false, error: { code } })
    }
    expect(await evidence(collector)).toEqual(before)
  })

  test('inside, though sealed rightly, is read no further', async () => {
    const { collector, box } = await setUp()
    const report = await taken(collector, await of(collector, box.batch(1, 3), Buffer.from('junk'), box.batch(4, 12)))
    expect(report).toMatchObject({
      entries: { new: 3 },
      fault: { code: 'parcel-not-valid', detail: expect.stringContaining('item 2') },
    })
  })
})

test('a parcel that the store has no room for says so, and goes in whole once there is', async () => {
  const { collector, box } = await setUp()
  const bytes = await of(collector, box.batch())
  await sql`PRAGMA max_page_count = 1`.execute(collector.store.db)
  box.write(...Array.from({ length: 400 }, () => boot))
  const full = await taken(collector, await of(collector, box.batch(1, 412)))
  expect(full).toMatchObject({ entries: { new: 0 }, fault: { code: 'not-taken' } })
  await sql`PRAGMA max_page_count = 1000000`.execute(collector.store.db)
  expect(await taken(collector, bytes)).toMatchObject({ entries: { new: 12 }, chains: [chain(box, 12)] })
})
