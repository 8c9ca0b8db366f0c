import { describe, expect, test } from 'vitest'
import { createTestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { rebuildStore } from '#collector/rebuild.ts'
import { toHex } from '#protocol/codec.ts'
import { decodeEntry, type EntryKind } from '#protocol/entry.ts'
import { encodePresence } from '#protocol/presence.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { STALLED_MS_MIN } from './holdings.ts'

const boot = { kind: 'boot', body: { agent: '1' } } as const

async function setUp() {
  const clock = createFakeClock()
  const collector = await createTestCollector({ clock })
  const box = collector.box('box-1')
  await collector.enrol(box)
  box.write(...Array.from({ length: 10 }, () => boot))
  return { clock, collector, box }
}
type Setting = Awaited<ReturnType<typeof setUp>>

/** Sends the same again as a box does that has no more of what is before it, until it is taken. */
async function insist({ clock, collector }: Setting, batch: Uint8Array) {
  let delayMs = 5000
  for (let times = 1; times <= 20; times++) {
    await collector.send('box-1', batch)
    if (collector.receipts('box-1').at(-1)!.seq >= 7) return times
    clock.advance(delayMs)
    delayMs = Math.min(delayMs * 2, 300_000)
  }
  throw new Error('never taken')
}

async function ownEntries(collector: TestCollector, kind: EntryKind) {
  const rows = await collector.store.db.selectFrom('evidence').select('bytes').where('box', '=', 'collector').execute()
  return rows
    .map(row => decodeEntry(row.bytes))
    .flatMap(read => (read.ok && read.value.kind === kind ? [read.value] : []))
}

async function committed(collector: TestCollector): Promise<number[]> {
  const { db } = collector.store
  const rows = await db.selectFrom('evidence').select('seq').where('box', '=', 'box-1').orderBy('position').execute()
  return rows.map(row => row.seq)
}

describe('entries that are missing', () => {
  test('are listed with since when, counted, and gone from the list once they come', async () => {
    const { clock, collector, box } = await setUp()
    const { verbs } = collector.core
    await collector.send('box-1', box.batch(1, 3))
    const since = clock.wallMs()
    await collector.send('box-1', box.batch(7, 10))
    clock.advance(4000)
    await collector.send('box-1', box.batch(7, 10))
    expect(await verbs.listGaps()).toEqual([
      {
        box: 'box-1',
        epoch: toHex(box.epoch),
        from: 4,
        to: 6,
        state: 'open',
        sinceMs: since,
        attempts: 2,
        explained: false,
      },
    ])
    expect((await verbs.health()).gaps).toEqual({ open: 1, lost: 0, unexplained: 0, stalled: 0 })
    await collector.send('box-1', box.batch(4, 10))
    expect(await verbs.listGaps()).toEqual([])
    expect(await committed(collector)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(await ownEntries(collector, 'gap')).toEqual([])
  })

  test('that the box can no longer send block it not for ever: they are given up in the open', async () => {
    const setting = await setUp()
    const { collector, box } = setting
    await collector.send('box-1', box.batch(1, 3))
    expect(await insist(setting, box.batch(7, 9))).toBeGreaterThanOrEqual(6)
    expect(await committed(collector)).toEqual([1, 2, 3, 7, 8, 9])
    const [gap] = await ownEntries(collector, 'gap')
    expect(gap!.body).toEqual({
      box: 'box-1',
      epoch: box.epoch,
      from: 4,
      to: 6,
      previous: new Uint8Array(box.hashOf(6)),
      reason: 'not-sent',
    })
    expect(await collector.core.verbs.listGaps()).toMatchObject([
      { from: 4, to: 6, state: 'given-up', explained: false },
    ])
    expect((await collector.core.verbs.health()).gaps).toMatchObject({ open: 0, lost: 1, unexplained: 1 })
    // From there on the chain is whole again.
    await collector.send('box-1', box.batch(10, 10))
    expect(collector.receipts('box-1').at(-1)).toMatchObject({ seq: 10, hash: new Uint8Array(box.hashOf(10)) })
  })

  test('the gap is an entry before those behind it, in the same transaction', async () => {
    const setting = await setUp()
    const { collector, box } = setting
    await collector.send('box-1', box.batch(1, 3))
    await insist(setting, box.batch(7, 9))
    const rows = await collector.store.db.selectFrom('evidence').selectAll().orderBy('position').execute()
    const at = rows.findIndex(row => row.box === 'box-1' && row.seq === 7)
    const before = decodeEntry(rows[at - 1]!.bytes)
    expect(before.ok && before.value.kind).toBe('gap')
    expect(rows[at - 1]!.received_at).toBe(rows[at]!.received_at)
  })

  test('that come after they were given up are kept aside and disturb nothing', async () => {
    const setting = await setUp()
    const { collector, box } = setting
    await collector.send('box-1', box.batch(1, 3))
    await insist(setting, box.batch(7, 9))
    await collector.send('box-1', box.batch(4, 6), box.batch(2, 8))
    const aside = await collector.core.verbs.listQuarantine(10)
    expect(aside.map(({ code }) => code)).toEqual(['late-for-gap', 'late-for-gap'])
    expect(await committed(collector)).toEqual([1, 2, 3, 7, 8, 9])
    expect(collector.receipts('box-1').at(-1)).toMatchObject({ seq: 9 })
    // What was there is known again, and contradicts nothing.
    await collector.send('box-1', box.batch(1, 3), box.batch(8, 9))
    expect(await collector.core.verbs.listQuarantine(10)).toHaveLength(2)
    expect((await collector.core.verbs.health()).findings).toBe(0)
  })

  test('are explained by a person, who is named; the gap stays, also when everything is made anew', async () => {
    const setting = await setUp()
    const { collector, box } = setting
    await collector.send('box-1', box.batch(1, 3))
    await insist(setting, box.batch(7, 9))
    const { decisions, listGaps } = collector.core.verbs
    const gap = { box: 'box-1', epoch: toHex(box.epoch), from: 4 }
    expect(await decisions.explainGap({ ...gap, from: 5 }, '换卡', '运维')).toMatchObject({
      ok: false,
      error: { code: 'unknown-gap' },
    })
    expect(await decisions.explainGap(gap, '存储卡更换', '运维')).toMatchObject({ ok: true })
    await collector.settled()
    const explained = [{ from: 4, to: 6, state: 'given-up', explained: true, by: '运维', note: '存储卡更换' }]
    expect(await listGaps()).toMatchObject(explained)
    await collector.close()
    const rebuilt = await rebuildStore(collector.path, [collector.openingKey])
    expect(rebuilt).toMatchObject({ ok: true, value: { isSame: true } })
    const again = await createTestCollector({ path: collector.path, keys: collector })
    expect(await again.core.verbs.listGaps()).toMatchObject(explained)
    await again.send('box-1', box.batch(10, 10))
    expect(again.receipts('box-1').at(-1)).toMatchObject({ seq: 10 })
  })

  test('before the first of an epoch are given up in the same way', async () => {
    const setting = await setUp()
    const { collector, box } = setting
    await insist(setting, box.batch(7, 9))
    expect(await collector.core.verbs.listGaps()).toMatchObject([{ from: 1, to: 6, state: 'given-up' }])
    expect(await committed(collector)).toEqual([7, 8, 9])
  })

  test('at the end of a journal that was lost are counted from what its successor says', async () => {
    const { collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 3))
    const next = createTestBox({ name: 'box-1', privateKey: box.privateKey })
    const origin = { reason: 'quarantined', epoch: box.epoch, seq: 10, hash: box.hashOf(10) } as const
    next.write({ kind: 'boot', body: { agent: '1', origin } })
    await collector.send('box-1', next.batch())
    expect(await collector.core.verbs.listGaps()).toMatchObject([
      { epoch: toHex(box.epoch), from: 4, to: 10, state: 'tail-lost', explained: true },
    ])
    // Recovered from what was set aside: found as an overlap, and no longer missing.
    await collector.send('box-1', box.batch(4, 6))
    expect(await collector.core.verbs.listGaps()).toMatchObject([{ from: 7, to: 10, state: 'tail-lost' }])
    await collector.send('box-1', box.batch(7, 10))
    expect(await collector.core.verbs.listGaps()).toEqual([])
  })
})

describe('a box is stalled', () => {
  const presence = (backlog: number) => encodePresence({ version: 1, online: true, agent: '1', backlog, windows: [] })
  const stalledSince = async (collector: TestCollector) =>
    (await collector.core.verbs.listBoxes()).find(({ box }) => box === 'box-1')!.stalledSinceMs

  test('when its status says that it holds entries and none come', async () => {
    const { clock, collector, box } = await setUp()
    const since = clock.wallMs()
    collector.core.messageArrived('status', 'box-1', presence(10))
    clock.advance(STALLED_MS_MIN)
    expect(await stalledSince(collector)).toBe(since)
    expect((await collector.core.verbs.health()).gaps.stalled).toBe(1)
    await collector.send('box-1', box.batch())
    expect(await stalledSince(collector)).toBeNull()
  })

  test('when its batches say that there is more, and that does not come', async () => {
    const { clock, collector, box } = await setUp()
    await collector.send('box-1', box.batch(1, 3))
    clock.advance(STALLED_MS_MIN)
    expect(await stalledSince(collector)).not.toBeNull()
  })

  test('but not by a last will, which says what was when the connection began', async () => {
    const { clock, collector } = await setUp()
    collector.core.messageArrived('status', 'box-1', presence(0))
    const will = encodePresence({ version: 1, online: false, agent: '1', backlog: 4, windows: [] })
    collector.core.messageArrived('status', 'box-1', will)
    clock.advance(2 * STALLED_MS_MIN)
    expect(await stalledSince(collector)).toBeNull()
  })
})
