import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createTestBox, type TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { rebuildStore } from '#collector/rebuild.ts'
import { toHex } from '#protocol/codec.ts'
import { decodeEntry, type EntryBody } from '#protocol/entry.ts'

const boot = { kind: 'boot', body: { agent: '1' } } as const
type Origin = NonNullable<EntryBody<'boot'>['origin']>

async function setUp() {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  box.write(boot, boot, boot)
  return { collector, box }
}

/** The next journal of the same box. */
function next(box: TestBox, origin?: Origin): TestBox {
  const made = createTestBox({ name: box.name, privateKey: box.privateKey })
  made.write({ kind: 'boot', body: { agent: '2', ...(origin ? { origin } : {}) } }, boot)
  return made
}

const endOf = (box: TestBox, seq = box.length()) => ({ epoch: box.epoch, seq, hash: box.hashOf(seq) })

async function findingsWritten(collector: TestCollector): Promise<number> {
  const rows = await collector.store.db.selectFrom('evidence').select('bytes').where('box', '=', 'collector').execute()
  return rows.map(row => decodeEntry(row.bytes)).filter(read => read.ok && read.value.kind === 'finding').length
}

async function viewOf(collector: TestCollector) {
  return (await collector.core.verbs.listBoxes()).find(({ box }) => box === 'box-1')!
}

describe('a box that begins a new journal', () => {
  test('and says where the one before ended is in order, with both linked', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch())
    const second = next(box, { reason: 'quarantined', ...endOf(box) })
    await collector.send('box-1', second.batch())
    const view = await viewOf(collector)
    expect(view.findings).toEqual([])
    expect(view.epochs).toMatchObject([
      { epoch: toHex(second.epoch), first: 1, last: 2, reason: 'quarantined', origin: 'explained', missing: 0 },
      { epoch: toHex(box.epoch), first: 1, last: 3, reason: null, origin: 'first' },
    ])
  })

  test.each<[string, (box: TestBox) => Origin | undefined]>([
    ['says nothing', () => undefined],
    ['says that it is the first', () => ({ reason: 'first' })],
    ['says less than is committed', box => ({ reason: 'replaced', ...endOf(box, 2) })],
    ['says another end', box => ({ reason: 'replaced', ...endOf(box), hash: new Uint8Array(32) })],
  ])('and %s leaves an end that nobody explained, for ever', async (_, origin) => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch())
    const second = next(box, origin(box))
    await collector.send('box-1', second.batch(1, 1), second.batch(2, 2))
    const finding = { code: 'unexplained-end', epoch: toHex(box.epoch), seq: 3 }
    expect((await viewOf(collector)).findings).toMatchObject([finding])
    expect((await viewOf(collector)).epochs[0]).toMatchObject({ origin: 'unexplained' })
    expect((await collector.core.verbs.health()).findings).toBe(1)
    await collector.close()
    const rebuilt = await rebuildStore(collector.path, [collector.openingKey])
    expect(rebuilt).toMatchObject({ ok: true, value: { isSame: true } })
    const again = await createTestCollector({ path: collector.path, keys: collector })
    expect((await viewOf(again)).findings).toMatchObject([finding])
  })
})

describe('a journal that is written on after the next one began', () => {
  test('is an overlap, found once, whichever of the two goes on', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 3))
    const second = next(box, { reason: 'replaced', ...endOf(box) })
    await collector.send('box-1', second.batch())
    box.write(boot, boot)
    await collector.send('box-1', box.batch(4, 4))
    await collector.send('box-1', box.batch(5, 5))
    second.write(boot)
    await collector.send('box-1', second.batch(3, 3))
    expect((await viewOf(collector)).findings).toMatchObject([
      { code: 'epoch-overlap', epoch: toHex(box.epoch), seq: 4 },
    ])
    expect(await collector.core.verbs.listQuarantine(10)).toEqual([])
  })

  test('is one also when the collector was restarted between the two', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 3))
    const second = next(box, { reason: 'replaced', ...endOf(box) })
    await collector.send('box-1', second.batch())
    await collector.close()
    const again = await createTestCollector({ path: collector.path, keys: collector })
    box.write(boot, boot)
    await again.send('box-1', box.batch(4, 4))
    await again.close()
    // What arrived last is of the older journal; which of the two began last does not change by that.
    const third = await createTestCollector({ path: collector.path, keys: collector })
    second.write(boot)
    await third.send('box-1', second.batch(3, 3), box.batch(5, 5))
    expect((await viewOf(third)).findings).toMatchObject([{ code: 'epoch-overlap', epoch: toHex(box.epoch) }])
    expect(await findingsWritten(third)).toBe(1)
  })

  test('is none when it is only sent again', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 3))
    await collector.send('box-1', next(box, { reason: 'replaced', ...endOf(box) }).batch())
    await collector.send('box-1', box.batch(1, 3), box.batch(2, 2))
    expect((await viewOf(collector)).findings).toEqual([])
  })
})

describe('a journal copied and run on two machines', () => {
  test('forks: both say another thing under one number, which is found once and kept', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch())
    const copy = createTestBox({ name: 'box-1', privateKey: box.privateKey, epoch: box.epoch })
    copy.write(boot, boot, boot)
    for (const each of [box, copy]) each.write({ kind: 'boot', body: { agent: each === box ? 'a' : 'b' } })
    await collector.send('box-1', box.batch(4, 4), copy.batch(4, 4))
    copy.write(boot)
    await collector.send('box-1', copy.batch(4, 5))
    const view = await viewOf(collector)
    expect(view.findings).toMatchObject([{ code: 'forked', epoch: toHex(box.epoch), seq: 4 }])
    const [row] = await collector.store.db.selectFrom('findings').selectAll().execute()
    expect(toHex(row!.hash)).toBe(toHex(copy.hashOf(4)))
    expect((await collector.core.verbs.listQuarantine(10)).map(({ code }) => code)).toEqual(['forked', 'forked'])
    expect(view.committed).toMatchObject({ seq: 4 })
  })
})

test('a batch repeated in one transaction with a later one is no fork', async () => {
  const { collector, box } = await setUp()
  for (const batch of [box.batch(1, 2), box.batch(3, 3), box.batch(1, 1), box.batch(1, 2)]) {
    collector.core.messageArrived('batch', 'box-1', batch)
  }
  await collector.settled()
  expect((await viewOf(collector)).findings).toEqual([])
  expect(await collector.core.verbs.listQuarantine(10)).toEqual([])
})

test('what a refused commit had noticed is noticed again at the next', async () => {
  const { collector, box } = await setUp()
  await collector.send('box-1', box.batch())
  box.write(...Array.from({ length: 400 }, () => boot))
  await collector.close()
  const full = await createTestCollector({ path: collector.path, keys: collector, pagesMax: 1 })
  const second = next(box)
  second.write(...Array.from({ length: 400 }, () => boot))
  await full.send('box-1', second.batch())
  expect(full.receipts('box-1')).toEqual([])
  // The same process finds room again: only now the end counts as noticed.
  await sql.raw('pragma max_page_count = 100000').execute(full.store.db)
  await full.send('box-1', second.batch())
  expect((await viewOf(full)).findings).toMatchObject([{ code: 'unexplained-end' }])
})
