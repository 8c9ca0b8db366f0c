import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { createOpening } from '#collector/opening/opening.ts'
import { rebuildStore } from '#collector/rebuild.ts'
import type { ServiceView } from '#collector/schemas.ts'
import { readEvidence } from '#collector/store/evidence.ts'
import { PROJECTION_TABLES } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import { GRADES } from '#protocol/grades.ts'
import { createSealer, sealingContext } from '#protocol/sealing.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { digestProjections, dumpProjections } from './dump.ts'
import { createProjector, decodeRow } from './projector.ts'

async function setUp() {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  let sentUpTo = 0
  const sendAll = async () => {
    const first = sentUpTo + 1
    sentUpTo = box.length()
    await collector.send('box-1', box.batch(first))
  }
  return { collector, box, sendAll }
}

async function register(collector: TestCollector, caseNumber: string, service = 1) {
  const registered = await collector.core.verbs.registerService({ case: caseNumber, service }, 'test')
  if (!registered.ok) throw new Error(registered.error.detail)
  await collector.settled()
}

async function service(collector: TestCollector, caseNumber: string, number = 1): Promise<ServiceView> {
  const found = await collector.core.verbs.findService(caseNumber, number)
  if (!found) throw new Error('not registered')
  return found
}

describe('a rating of a prompt that carried its case', () => {
  test.each(['before', 'after'] as const)('is tied to the service registered %s it arrived', async when => {
    const { collector, box, sendAll } = await setUp()
    if (when === 'before') await register(collector, 'C1')
    await box.rate(box.prompt({ case: 'C1', service: 1 }), 'satisfied')
    await sendAll()
    if (when === 'after') {
      expect(await collector.core.verbs.listPool(10)).toMatchObject([{ case: 'C1', service: 1, why: 'not-registered' }])
      await register(collector, 'C1')
    }
    expect(await service(collector, 'C1')).toMatchObject({
      why: 'rated',
      duplicates: 0,
      rating: {
        grade: 'satisfied',
        provenance: 'pad',
        box: 'box-1',
        epoch: toHex(box.epoch),
        seq: 2,
        hash: toHex(box.hashOf(2)),
        corrected: false,
      },
    })
    expect(await collector.core.verbs.listPool(10)).toEqual([])
  })

  test('is the one of its own service number', async () => {
    const { collector, box, sendAll } = await setUp()
    await register(collector, 'C1', 1)
    await register(collector, 'C1', 2)
    await box.rate(box.prompt({ case: 'C1', service: 2 }), 'dissatisfied')
    await sendAll()
    expect((await service(collector, 'C1', 1)).why).toBe('not-prompted')
    expect((await service(collector, 'C1', 2)).rating?.grade).toBe('dissatisfied')
  })

  test('can be corrected by the citizen, and only then', async () => {
    const { collector, box, sendAll } = await setUp()
    await register(collector, 'C1')
    const prompt = box.prompt({ case: 'C1', service: 1 })
    await box.rate(prompt, 'very-dissatisfied')
    await box.rate(prompt, 'satisfied', 'correction')
    await box.rate(box.prompt({ case: 'C1', service: 1 }), 'very-satisfied')
    await sendAll()
    expect(await service(collector, 'C1')).toMatchObject({
      rating: { grade: 'satisfied', corrected: true, seq: 3 },
      duplicates: 1,
    })
  })
})

test('a rating whose prompt had no case waits in the pool', async () => {
  const { collector, box, sendAll } = await setUp()
  const prompt = box.prompt()
  await box.rate(prompt, 'fairly-satisfied')
  await sendAll()
  expect(await collector.core.verbs.listPool(10)).toMatchObject([
    { prompt: toHex(prompt), window: 'A01', grade: 'fairly-satisfied', why: 'pool' },
  ])
})

test('a rating that does not open is kept and shown as such', async () => {
  const { collector, box, sendAll } = await setUp()
  await register(collector, 'C1')
  const prompt = box.prompt({ case: 'C1', service: 1 })
  const prepared = await (await createSealer(generateKeyPairSync('x25519').publicKey)).prepare()
  const sealed = await prepared.seal({ grade: 'satisfied' }, 'pad', sealingContext('box-1', prompt))
  box.write({ kind: 'rating', body: { prompt, provenance: 'pad', sealed } })
  await sendAll()
  expect(await service(collector, 'C1')).toMatchObject({
    why: 'rated',
    rating: { grade: null, unopened: 'unknown-opening-key' },
  })
})

test('a sealed rating copied under another prompt does not open there', async () => {
  const { collector, box, sendAll } = await setUp()
  await register(collector, 'C1')
  const prompt = box.prompt({ case: 'C1', service: 1 })
  const prepared = await (await createSealer(collector.openingPublic)).prepare()
  const sealed = await prepared.seal({ grade: 'satisfied' }, 'pad', sealingContext('box-1', new Uint8Array(16)))
  box.write({ kind: 'rating', body: { prompt, provenance: 'pad', sealed } })
  await sendAll()
  expect(await service(collector, 'C1')).toMatchObject({ rating: { grade: null, unopened: 'does-not-open' } })
})

describe('a service without a rating says why', () => {
  test('nobody asked', async () => {
    const { collector } = await setUp()
    await register(collector, 'C1')
    expect(await service(collector, 'C1')).toMatchObject({ rating: null, why: 'not-prompted' })
  })

  test('the citizen is being asked', async () => {
    const { collector, box, sendAll } = await setUp()
    await register(collector, 'C1')
    box.prompt({ case: 'C1', service: 1 })
    await sendAll()
    expect((await service(collector, 'C1')).why).toBe('waiting')
  })

  test.each([
    ['declined', undefined],
    ['timed-out', undefined],
    ['cancelled', 'citizen-left'],
    ['pad-unavailable', undefined],
  ] as const)('%s', async (outcome, reason) => {
    const { collector, box, sendAll } = await setUp()
    await register(collector, 'C1')
    box.outcome(box.prompt({ case: 'C1', service: 1 }), outcome, reason)
    await sendAll()
    expect(await service(collector, 'C1')).toMatchObject({ rating: null, why: outcome, ...(reason ? { reason } : {}) })
  })
})

test('the first end of a prompt is its outcome; what contradicts it is kept and counted', async () => {
  const { collector, box, sendAll } = await setUp()
  await register(collector, 'C1')
  const prompt = box.prompt({ case: 'C1', service: 1 })
  box.outcome(prompt, 'timed-out')
  await box.rate(prompt, 'very-satisfied')
  box.outcome(prompt, 'declined')
  await sendAll()
  expect(await service(collector, 'C1')).toMatchObject({ rating: null, why: 'timed-out' })
  expect(await collector.core.verbs.listPool(10)).toMatchObject([{ why: 'prompt-ended' }])
  expect((await collector.core.verbs.health()).oddities).toBe(2)
})

async function dumpOf(collector: TestCollector): Promise<string[]> {
  const lines: string[] = []
  for await (const line of dumpProjections(collector.store.db)) lines.push(line)
  return lines
}

/** Steps of a day at a hall: mostly what happens, and some of what never should. */
const step = fc.record({
  box: fc.nat(1),
  service: fc.nat(3),
  act: fc.oneof(
    { weight: 4, arbitrary: fc.constant('prompt' as const) },
    { weight: 6, arbitrary: fc.constantFrom('rating' as const, 'correction' as const) },
    { weight: 2, arbitrary: fc.constantFrom('declined' as const, 'timed-out' as const) },
    { weight: 2, arbitrary: fc.constant('register' as const) },
    { weight: 1, arbitrary: fc.constantFrom('caseless' as const, 'unknown' as const) },
  ),
  grade: fc.constantFrom(...GRADES),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

async function perform(
  step: Step,
  box: TestBox,
  open: Map<string, Uint8Array>,
  register: (n: number) => Promise<void>,
) {
  const place = `${box.name} ${step.service}`
  const prompt = open.get(place) ?? new Uint8Array(randomBytes(16))
  switch (step.act) {
    case 'prompt':
      return void open.set(place, box.prompt({ case: `C${step.service}`, service: 1 }))
    case 'caseless':
      return void open.set(place, box.prompt())
    case 'rating':
    case 'correction':
      return await box.rate(prompt, step.grade, step.act)
    case 'unknown':
      return await box.rate(new Uint8Array(randomBytes(16)), step.grade)
    case 'register':
      return await register(step.service)
    default:
      return box.outcome(prompt, step.act)
  }
}

test('whatever happens, rebuilding from the evidence gives every projection again, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40, size: 'max' }), async steps => {
      const collector = await createTestCollector()
      const boxes = [collector.box('box-1'), collector.box('box-2')]
      await collector.enrol(...boxes)
      const open = new Map<string, Uint8Array>()
      const sentUpTo = [0, 0]
      for (const [i, each] of steps.entries()) {
        await perform(each, boxes[each.box]!, open, async n => await register(collector, `C${n}`))
        // Sent in uneven portions, so that live slices are cut otherwise than those of the rebuild.
        for (const [b, box] of boxes.entries()) {
          if ((i + b) % 3 !== 0 || box.length() === sentUpTo[b]) continue
          await collector.send(box.name, box.batch(sentUpTo[b]! + 1))
          sentUpTo[b] = box.length()
        }
      }
      const before = await dumpOf(collector)
      const digest = await digestProjections(collector.store.db)
      const prompts = await collector.store.db.selectFrom('prompts').selectAll().execute()
      const effective = await collector.store.db
        .selectFrom('ratings')
        .innerJoin('prompts', 'prompts.prompt', 'ratings.prompt')
        .select('prompts.case_number')
        .where('standing', '=', 'effective')
        .execute()
      await collector.close()
      const rebuilt = await rebuildStore(collector.path, [collector.openingKey])
      expect(rebuilt).toMatchObject({ ok: true, value: { isSame: true, digest } })
      const again = await createTestCollector({ path: collector.path, keys: collector })
      expect(await dumpOf(again)).toEqual(before)
      await again.close()
      expect(prompts.every(prompt => (prompt.outcome === null) === (prompt.ended_position === null))).toBe(true)
      // One effective rating per service.
      expect(new Set(effective.map(row => row.case_number)).size).toBe(effective.length)
    }),
    { numRuns: 12 },
  )
})

test('a service can be asked for as soon as it is registered, before it is projected', async () => {
  const { collector } = await setUp()
  const registered = await collector.core.verbs.registerService(
    { case: 'C1', service: 1, item: '企业设立登记' },
    'test',
  )
  expect(registered.ok).toBe(true)
  expect(await collector.core.verbs.findService('C1', 1)).toMatchObject({ item: '企业设立登记', why: 'not-prompted' })
  expect(await collector.core.verbs.findService('C1', 2)).toBeUndefined()
})

test('rebuilding is refused while a collector runs on the store', async () => {
  const { collector } = await setUp()
  const rebuilt = await rebuildStore(collector.path, [collector.openingKey])
  expect(rebuilt).toMatchObject({ ok: false, error: { code: 'store-in-use' } })
})

test('every table is either evidence, quarantine, or a projection that is rebuilt and compared', async () => {
  const { collector, box, sendAll } = await setUp()
  await register(collector, 'C1')
  const prompt = box.prompt({ case: 'C1', service: 1 })
  await box.rate(prompt, 'satisfied')
  box.outcome(prompt, 'declined')
  await sendAll()
  const dumped = new Set((await dumpOf(collector)).map(line => line.split(' ')[0]!))
  const compared = Object.keys(PROJECTION_TABLES)
  for (const table of ['boxes', 'box_keys', 'epochs', 'services', 'prompts', 'ratings', 'oddities']) {
    expect(dumped).toContain(table)
  }
  const tables = await collector.store.db.introspection.getTables()
  const kept = ['evidence', 'batches', 'registrations', 'quarantine', 'projection_cursor']
  expect([...compared, ...kept].sort()).toEqual(tables.map(table => table.name).sort())
})

test('entries that were not handed over, or no longer, are read back from the evidence in their order', async () => {
  const { collector, box, sendAll } = await setUp()
  await register(collector, 'C1')
  await box.rate(box.prompt({ case: 'C1', service: 1 }), 'satisfied')
  await sendAll()
  const { db } = collector.store
  const before = await dumpOf(collector)
  const rows = await readEvidence(db, 0, 100)
  for (const table of Object.keys(PROJECTION_TABLES))
    await db.deleteFrom(table as keyof typeof PROJECTION_TABLES).execute()
  await db.updateTable('projection_cursor').set({ position: 0 }).execute()
  const projector = createProjector({
    db,
    clock: createSystemClock(),
    areReceiptsDue: () => false,
    opening: await createOpening([collector.openingKey]),
    onProjected: () => {},
    onRefused: error => Promise.reject(error),
  })
  projector.committed([decodeRow(rows.at(-1)!)])
  await projector.caughtUp()
  expect(await dumpOf(collector)).toEqual(before)
})
