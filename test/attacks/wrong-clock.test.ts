import { createPublicKey } from 'node:crypto'
import { expect, test } from 'vitest'
import { createUplink } from '#agent/uplink/uplink.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { createTestDesk } from '#test/helpers/desk.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { signingKeys } from '#test/helpers/test-keys.ts'

const MONTH_MS = 30 * 86_400_000
const service = (n: number) => ({ case: `37000020261124000${n}`, service: 1 })

/** The real journal and uplink of a box, with a clock that lies when told, sending to a real collector. */
async function boxAt(collector: TestCollector, name: string) {
  const keys = signingKeys()
  const one = await createTestDesk({ box: name, sealTo: collector.openingPublic })
  const spki = new Uint8Array(keys.publicKey.export({ format: 'der', type: 'spki' }))
  await collector.core.enrol({ box: name, key: spki })
  const ready = one.changed()
  one.desk.window('A01').padChanged('ready')
  await ready
  const batches: Uint8Array[] = []
  const uplink = createUplink({
    clock: createFakeClock(),
    journal: one.journal,
    box: name,
    boxKey: keys.privateKey,
    receiptKey: createPublicKey(collector.signingKey),
    sendBatch: bytes => void batches.push(bytes),
    onProgress() {},
    onCollectorTime() {},
    onResend() {},
  })
  uplink.linkUp()
  return {
    ...one,
    async rate(forService: { case: string; service: number }, grade: 'satisfied' | 'dissatisfied') {
      await one.desk.prompt({ for: forService, origin: 'panel' })
      const rated = one.changed()
      one.desk.window('A01').pressed(grade)
      await rated
      const idle = one.changed()
      one.clock.advance(3_000)
      await idle
      while (uplink.backlog() > 0) {
        uplink.wake()
        await collector.send(name, ...batches.splice(0))
        const { bytes } = collector.sent.filter(item => item.box === name && item.kind === 'receipt').at(-1)!
        uplink.receiptArrived(bytes)
      }
    },
  }
}

test('an entry that a wrong clock dates back keeps its place in the chain, and no earlier time than what came before it', async () => {
  const collector = await createTestCollector()
  const box = await boxAt(collector, 'box-1')
  for (const n of [1, 2]) await collector.core.verbs.registerService(service(n), 'test')
  await box.rate(service(1), 'satisfied')
  box.clock.jumpWall(-MONTH_MS)
  await box.rate(service(2), 'dissatisfied')
  const [first, second] = await Promise.all([1, 2].map(n => collector.core.verbs.findService(service(n).case, 1)))
  const [honest, dated] = [first!.rating!, second!.rating!]
  // It claims to be a month older, and stands after what was receipted before it was made.
  expect(honest.wallMs - dated.wallMs).toBeGreaterThan(MONTH_MS - 60_000)
  expect(dated.atMs).toBeGreaterThanOrEqual(honest.atMs)
  expect(dated.latestMs).toBeLessThanOrEqual(dated.receivedAtMs)
  expect(dated.seq).toBeGreaterThan(honest.seq)
  expect(dated.receivedAtMs).toBeGreaterThanOrEqual(honest.receivedAtMs)
  const times = [...box.journal.newestFirst()].map(({ time }) => time).reverse()
  const isBackwards = (clock: 'mono' | 'wall') => times.some((time, i) => i > 0 && time[clock] < times[i - 1]![clock])
  // Whoever reads the chain sees the wall clock go back while the machine ran on.
  expect([isBackwards('mono'), isBackwards('wall')]).toEqual([false, true])
})

test('a rating dated back at another window does not take the place of the one that came first', async () => {
  const collector = await createTestCollector()
  const [first, late] = [await boxAt(collector, 'box-1'), await boxAt(collector, 'box-2')]
  await collector.core.verbs.registerService(service(3), 'test')
  await first.rate(service(3), 'dissatisfied')
  late.clock.jumpWall(-MONTH_MS)
  await late.rate(service(3), 'satisfied')
  expect(await collector.core.verbs.findService(service(3).case, 1)).toMatchObject({
    duplicates: 1,
    rating: { box: 'box-1', grade: 'dissatisfied' },
  })
})
