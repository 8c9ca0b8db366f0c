import { expect, test } from 'vitest'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { createOpening } from '#collector/opening/opening.ts'
import { lastPosition, readEvidence } from '#collector/store/evidence.ts'
import { PROJECTION_TABLES } from '#collector/store/tables.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createProjector, decodeRow } from './projector.ts'

const boot = { kind: 'boot', body: { agent: '1.0.0' } } as const
/** More turns of the event loop than anything takes that does not wait for a clock. */
const TURNS = 50

async function turns() {
  for (let i = 0; i < TURNS; i++) await new Promise(setImmediate)
}

/** Resolves when the box has that many receipts, and whoever does not wait for a clock has gone on. */
async function receipts(collector: TestCollector, count: number): Promise<number[]> {
  while (collector.receipts('box-1').length < count) await new Promise(setImmediate)
  await turns()
  return collector.receipts('box-1').map(({ seq }) => seq)
}

async function behind({ store: { db } }: TestCollector): Promise<number> {
  const cursor = await db.selectFrom('projection_cursor').select('position').executeTakeFirstOrThrow()
  return (await lastPosition(db)) - cursor.position
}

async function setUp() {
  const clock = createFakeClock()
  const collector = await createTestCollector({ clock })
  const box = collector.box('box-1')
  await collector.enrol(box)
  await collector.settled()
  box.write(boot, boot, boot, boot)
  return { clock, collector, box }
}

test('while batches come they get receipts, and the tables follow when it is silent', async () => {
  const { clock, collector, box } = await setUp()
  collector.core.messageArrived('batch', 'box-1', box.batch(1, 2))
  expect(await receipts(collector, 1)).toEqual([2])
  expect(await behind(collector)).toBe(2)
  clock.advance(40)
  await turns()
  collector.core.messageArrived('batch', 'box-1', box.batch(3, 3))
  expect(await receipts(collector, 2)).toEqual([2, 3])
  clock.advance(40)
  await turns()
  expect(await behind(collector)).toBe(3)
  clock.advance(10)
  await turns()
  expect(await behind(collector)).toBe(0)
})

test('what the collector itself writes is in the tables at once', async () => {
  const { collector } = await setUp()
  await collector.core.verbs.registerService({ case: 'C1', service: 1 }, 'test')
  await turns()
  expect(await behind(collector)).toBe(0)
})

/** A projector beside the evidence of two boots, whose tables are empty; receipts are always due. */
async function projectorThatMustWait() {
  const { collector, box } = await setUp()
  await collector.send('box-1', box.batch())
  const { db } = collector.store
  for (const table of Object.keys(PROJECTION_TABLES)) {
    await db.deleteFrom(table as keyof typeof PROJECTION_TABLES).execute()
  }
  await db.updateTable('projection_cursor').set({ position: 0 }).execute()
  const clock = createFakeClock()
  const projector = createProjector({
    db,
    clock,
    opening: await createOpening([collector.openingKey]),
    areReceiptsDue: () => true,
    onProjected: () => {},
    onRefused: error => Promise.reject(error),
  })
  const all = (await readEvidence(db, 0, 100)).map(decodeRow)
  projector.committed(all)
  await turns()
  expect(await behind(collector)).toBe(all.length)
  return { clock, collector, projector }
}

test('however many receipts are due, the tables are not further behind than two seconds', async () => {
  const { clock, collector } = await projectorThatMustWait()
  for (let waitedMs = 0; waitedMs < 1990; waitedMs += 10) {
    clock.advance(10)
    await new Promise(setImmediate)
  }
  expect(await behind(collector)).toBeGreaterThan(0)
  clock.advance(10)
  await turns()
  expect(await behind(collector)).toBe(0)
})

test('who asks for everything is not kept waiting, and leaves no timer behind', async () => {
  const { clock, collector, projector } = await projectorThatMustWait()
  await projector.caughtUp()
  expect(await behind(collector)).toBe(0)
  expect(clock.timers()).toBe(0)
})

test('who stops does not wait for its turn first', async () => {
  const { clock, collector, projector } = await projectorThatMustWait()
  await projector.stop()
  expect(await behind(collector)).toBeGreaterThan(0)
  expect(clock.timers()).toBe(0)
})
