import { describe, expect, test } from 'vitest'
import { createTestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { encodeBatch, signBatch } from '#protocol/batch.ts'
import { CHAIN_START } from '#protocol/chain.ts'
import { toHex } from '#protocol/codec.ts'

const boot = { kind: 'boot', body: { agent: '1.0.0' } } as const

async function quarantined(collector: TestCollector) {
  return (await collector.core.verbs.listQuarantine(100)).map(({ box, code }) => ({ box, code }))
}

async function evidenceOf(collector: TestCollector, box: string) {
  const { db } = collector.store
  return await db.selectFrom('evidence').selectAll().where('box', '=', box).orderBy('position').execute()
}

async function setUp() {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  return { collector, box }
}

describe('a batch from an enrolled box', () => {
  test('is committed with its exact bytes and answered by a receipt for its last entry', async () => {
    const { collector, box } = await setUp()
    box.write(boot, boot, boot)
    await collector.send('box-1', box.batch())
    expect((await evidenceOf(collector, 'box-1')).map(({ seq, hash }) => [seq, toHex(hash)])).toEqual([
      [1, toHex(box.hashOf(1))],
      [2, toHex(box.hashOf(2))],
      [3, toHex(box.hashOf(3))],
    ])
    expect(collector.receipts('box-1')).toMatchObject([
      { epoch: box.epoch, seq: 3, hash: new Uint8Array(box.hashOf(3)) },
    ])
  })

  test('leaves the signature and the receipt beside the entries they vouch for', async () => {
    const { collector, box } = await setUp()
    box.write(boot, boot)
    await collector.send('box-1', box.batch())
    const [batch] = await collector.store.db.selectFrom('batches').selectAll().where('box', '=', 'box-1').execute()
    expect(batch).toMatchObject({ first_seq: 1, last_seq: 2 })
    expect(toHex(batch!.receipt)).toBe(toHex(collector.receipts('box-1')[0]!.signature))
  })

  test('sent again changes nothing and is answered again', async () => {
    const { collector, box } = await setUp()
    box.write(boot, boot)
    await collector.send('box-1', box.batch())
    const before = await evidenceOf(collector, 'box-1')
    await collector.send('box-1', box.batch())
    expect(await evidenceOf(collector, 'box-1')).toEqual(before)
    expect(collector.receipts('box-1').map(receipt => receipt.seq)).toEqual([2, 2])
  })

  test('that overlaps what is committed adds only what is new', async () => {
    const { collector, box } = await setUp()
    box.write(boot, boot, boot)
    await collector.send('box-1', box.batch(1, 2))
    box.write(boot)
    await collector.send('box-1', box.batch(2, 4))
    expect((await evidenceOf(collector, 'box-1')).map(row => row.seq)).toEqual([1, 2, 3, 4])
    expect(collector.receipts('box-1').map(receipt => receipt.seq)).toEqual([2, 4])
  })

  test('is not committed past a gap: the receipt says where to go on from', async () => {
    const { collector, box } = await setUp()
    box.write(boot, boot, boot, boot)
    await collector.send('box-1', box.batch(1, 1))
    await collector.send('box-1', box.batch(3, 4))
    expect((await evidenceOf(collector, 'box-1')).map(row => row.seq)).toEqual([1])
    expect(collector.receipts('box-1').map(receipt => receipt.seq)).toEqual([1, 1])
    expect(await quarantined(collector)).toEqual([])
  })

  test('of an epoch never seen that does not begin at its beginning is told to begin there', async () => {
    const { collector, box } = await setUp()
    box.write(boot, boot)
    await collector.send('box-1', box.batch(2, 2))
    expect(collector.receipts('box-1')).toMatchObject([{ seq: 0, hash: CHAIN_START }])
    expect(await evidenceOf(collector, 'box-1')).toEqual([])
  })

  test('of a new epoch begins a chain of its own', async () => {
    const { collector, box } = await setUp()
    box.write(boot)
    await collector.send('box-1', box.batch())
    const reborn = createTestBox({ name: 'box-1', privateKey: box.privateKey })
    reborn.write(boot, boot)
    await collector.send('box-1', reborn.batch())
    expect((await evidenceOf(collector, 'box-1')).map(row => row.seq)).toEqual([1, 1, 2])
  })
})

test('a whole box sent again after the collector restarted changes nothing', async () => {
  const { collector, box } = await setUp()
  box.write(...Array.from({ length: 40 }, () => boot))
  const batches = Array.from({ length: 8 }, (_, i) => box.batch(i * 5 + 1, i * 5 + 5))
  await collector.send('box-1', ...batches)
  const before = await evidenceOf(collector, 'box-1')
  await collector.close()
  const again = await createTestCollector({ path: collector.path, keys: collector })
  await again.send('box-1', ...batches)
  expect(await evidenceOf(again, 'box-1')).toEqual(before)
  expect(again.receipts('box-1').at(-1)).toMatchObject({ seq: 40, hash: new Uint8Array(box.hashOf(40)) })
})

describe('a batch that cannot be believed is quarantined with its reason and gets no receipt', () => {
  type Make = (setting: Awaited<ReturnType<typeof setUp>>) => Uint8Array | Promise<Uint8Array>
  const cases: [code: string, make: Make][] = [
    ['not-decodable', () => new Uint8Array([0xff, 1, 2])],
    ['batch-too-big', () => new Uint8Array(300 * 1024)],
    ['wrong-box', ({ box }) => box.batch(1, 2, batch => ({ ...batch, box: 'box-2' }))],
    [
      'bad-signature',
      ({ box }) => {
        const other = createTestBox({ name: 'box-1', epoch: box.epoch })
        other.write(boot, boot)
        return other.batch()
      },
    ],
    [
      'bad-signature',
      ({ box }) => {
        const [first, second] = [box.batch(1, 1), box.batch(2, 2)]
        const forged = Buffer.from(first)
        forged.set(second.subarray(-64), forged.length - 64)
        return forged
      },
    ],
    [
      'unknown-version',
      ({ box }) => {
        const bytes = Buffer.from(box.batch())
        const at = bytes.indexOf('version') + 'version'.length
        expect(bytes[at]).toBe(1)
        bytes[at] = 2
        return bytes
      },
    ],
    [
      'entry-not-decodable',
      ({ box }) => box.batch(1, 2, batch => ({ ...batch, entries: [new Uint8Array([1, 2, 3])] })),
    ],
    [
      'kind-not-allowed',
      ({ box }) => {
        box.write({ kind: 'case', body: { case: 'C1', service: 1, source: 'box' } })
        return box.batch()
      },
    ],
  ]
  test.each(cases)('%s', async (code, make) => {
    const setting = await setUp()
    setting.box.write(boot, boot)
    const bytes = await make(setting)
    await setting.collector.send('box-1', bytes)
    expect(await quarantined(setting.collector)).toEqual([{ box: 'box-1', code }])
    expect(setting.collector.receipts('box-1')).toEqual([])
    expect(await evidenceOf(setting.collector, 'box-1')).toEqual([])
  })

  test('not-enrolled', async () => {
    const { collector } = await setUp()
    const stranger = collector.box('box-9')
    stranger.write(boot)
    await collector.send('box-9', stranger.batch())
    expect(await quarantined(collector)).toEqual([{ box: 'box-9', code: 'not-enrolled' }])
  })

  test.each([
    ['in place of what is committed', 1, 2],
    ['beside what follows it', 2, 3],
  ])('forked, %s', async (_, first, last) => {
    const { collector, box } = await setUp()
    box.write(boot, boot)
    await collector.send('box-1', box.batch())
    const fork = createTestBox({ name: 'box-1', privateKey: box.privateKey, epoch: box.epoch })
    fork.write({ kind: 'boot', body: { agent: '6.6.6' } }, boot, boot, boot)
    await collector.send('box-1', fork.batch(first, last), fork.batch(3, 4))
    expect(await quarantined(collector)).toEqual([
      { box: 'box-1', code: 'forked' },
      { box: 'box-1', code: 'forked' },
    ])
    expect((await evidenceOf(collector, 'box-1')).map(row => toHex(row.hash))).toEqual([
      toHex(box.hashOf(1)),
      toHex(box.hashOf(2)),
    ])
    // To each the answer is what is committed here: a box whose card came back older learns it so.
    expect(collector.receipts('box-1').map(({ seq, hash }) => ({ seq, hash: toHex(hash) }))).toEqual(
      [2, 2, 2].map(seq => ({ seq, hash: toHex(box.hashOf(2)) })),
    )
  })

  test('forked behind a beginning that both share: the answer is the end of that', async () => {
    const { collector, box } = await setUp()
    box.write(...Array.from({ length: 9 }, () => boot))
    await collector.send('box-1', box.batch())
    const fork = createTestBox({ name: 'box-1', privateKey: box.privateKey, epoch: box.epoch })
    fork.write(...Array.from({ length: 5 }, () => boot), { kind: 'boot', body: { agent: '6.6.6' } }, boot)
    await collector.send('box-1', fork.batch(2, 7), fork.batch(6, 7))
    expect(collector.receipts('box-1').map(({ seq, hash }) => ({ seq, hash: toHex(hash) }))).toEqual([
      { seq: 9, hash: toHex(box.hashOf(9)) },
      { seq: 5, hash: toHex(fork.hashOf(5)) },
      { seq: 9, hash: toHex(box.hashOf(9)) },
    ])
  })
})

test('a poisoned batch blocks neither what its box sends behind it nor other boxes', async () => {
  const { collector, box } = await setUp()
  const healthy = collector.box('box-2')
  await collector.enrol(healthy)
  box.write(boot, boot)
  healthy.write(boot)
  const poisoned = box.batch(1, 1)
  poisoned[poisoned.length - 1]! ^= 1
  collector.core.messageArrived('batch', 'box-1', box.batch(1, 1))
  collector.core.messageArrived('batch', 'box-1', poisoned)
  collector.core.messageArrived('batch', 'box-2', healthy.batch())
  collector.core.messageArrived('batch', 'box-1', box.batch(2, 2))
  await collector.settled()
  expect(collector.receipts('box-1').map(receipt => receipt.seq)).toEqual([1, 2])
  expect(collector.receipts('box-2').map(receipt => receipt.seq)).toEqual([1])
  expect(await quarantined(collector)).toEqual([{ box: 'box-1', code: 'bad-signature' }])
})

test('the same poison sent over and over takes one place in the quarantine', async () => {
  const { collector } = await setUp()
  const rubbish = new Uint8Array([1, 2, 3])
  await collector.send('box-1', rubbish, rubbish)
  await collector.send('box-1', rubbish)
  expect(await collector.core.verbs.listQuarantine(10)).toMatchObject([{ box: 'box-1', bytes: 3, times: 3 }])
})

test('batches of many boxes share one transaction', async () => {
  const { collector } = await setUp()
  const boxes = Array.from({ length: 20 }, (_, i) => collector.box(`hall-${i}`))
  await collector.enrol(...boxes)
  const committed = new Set<number>()
  for (const box of boxes) {
    box.write(boot)
    collector.core.messageArrived('batch', box.name, box.batch())
  }
  await collector.settled()
  const rows = await collector.store.db.selectFrom('batches').select(['box', 'received_at']).execute()
  for (const row of rows) if (row.box.startsWith('hall')) committed.add(row.received_at)
  expect(committed.size).toBe(1)
})

test('a full disk gives no receipt and loses nothing; with room again the same batch is committed', async () => {
  const { collector, box } = await setUp()
  box.write(...Array.from({ length: 400 }, () => boot))
  await collector.close()
  // As many pages as it has now: the next commit finds no room.
  const full = await createTestCollector({ path: collector.path, keys: collector, pagesMax: 1 })
  await full.send('box-1', box.batch())
  expect(full.receipts('box-1')).toEqual([])
  expect((await full.core.verbs.health()).store).toBe('refusing')
  expect(full.log.filter(line => line.includes('store-refuses'))).toHaveLength(1)
  const services = Array.from({ length: 99 }, (_, i) => ({ case: 'C1', service: i + 1, item: '事'.repeat(200) }))
  const answers = await Promise.all(services.map(service => full.core.verbs.registerService(service, 'test')))
  expect(new Set(answers.map(answer => (answer.ok ? 'stored' : answer.error.code)))).toEqual(new Set(['store-refused']))
  await full.close()
  const roomy = await createTestCollector({ path: collector.path, keys: collector })
  await roomy.send('box-1', box.batch())
  expect(roomy.receipts('box-1')).toMatchObject([{ seq: 400 }])
})

test('a batch signed for another purpose or epoch does not fit', async () => {
  const { collector, box } = await setUp()
  box.write(boot)
  const unsigned = {
    version: 1,
    box: 'box-1',
    epoch: new Uint8Array(16).fill(9),
    first: 1,
    previous: new Uint8Array(32),
    entries: [new Uint8Array([1])],
    newest: 1,
  } as const
  const spliced = {
    ...signBatch({ ...unsigned, epoch: box.epoch, entries: [...unsigned.entries] }, box.hashOf(1), box.privateKey),
  }
  await collector.send('box-1', encodeBatch({ ...spliced, epoch: unsigned.epoch }))
  expect(await quarantined(collector)).toEqual([{ box: 'box-1', code: 'bad-signature' }])
})
