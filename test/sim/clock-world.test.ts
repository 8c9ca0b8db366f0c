import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createApplier } from '#collector/projection/apply.ts'
import { dayOf } from '#collector/projection/day.ts'
import { digestProjections } from '#collector/projection/dump.ts'
import { createScratchStore } from '#collector/store/scratch-store.ts'
import { findInstants } from '#collector/time/find-instants.ts'
import { type ClockWorld, createClockWorld, type Happening, happenings } from './clock-world.ts'

async function worldOf(acts: readonly Happening[], check: (world: ClockWorld) => Promise<void>) {
  const world = await createClockWorld()
  try {
    for (const act of acts) {
      await world.run(act)
      if (act.act === 'link') await check(world)
    }
    await world.run({ act: 'link', thereMs: 20, backMs: 20 })
    await world.run({ act: 'link', thereMs: 20, backMs: 20 })
    await check(world)
  } finally {
    await world.close()
  }
}

async function checkTruth(store: ClockWorld['store'], arrived: ClockWorld['arrived']) {
  const timed = arrived.filter(({ item }) => item.entry.kind === 'prompt')
  const instants = await findInstants(
    store.db,
    timed.map(({ item }) => item.position),
  )
  for (const { item, truthMs } of timed) {
    const { earliest, latest, best } = instants.get(item.position)!
    expect(truthMs).toBeLessThanOrEqual(latest)
    expect(truthMs).toBeGreaterThanOrEqual(earliest ?? NEVER)
    expect(best).toBeLessThanOrEqual(latest)
    expect(best).toBeGreaterThanOrEqual(earliest ?? NEVER)
  }
  // Counted on the day of that, however often it has been learnt better since.
  const counted = await store.db.selectFrom('prompts').select(['position', 'day', 'day_sure']).execute()
  for (const { position, ...day } of counted) expect(day).toEqual(dayOf(instants.get(position!)!))
  return timed.map(({ item }) => ({ ...instants.get(item.position)!, epoch: String(item.epoch) }))
}

const NEVER = Number.NEGATIVE_INFINITY

test('whatever the clocks do, the truth lies between the bounds, and nothing in a chain is out of order', async () => {
  await fc.assert(
    fc.asyncProperty(happenings, acts => {
      // Who stands still and does not count it is outside what drift allows; the next test has those.
      const counted = acts.filter(({ act }) => act !== 'sleep')
      return worldOf(counted, async ({ store, arrived }) => {
        const instants = await checkTruth(store, arrived)
        for (const [i, { earliest, best, epoch }] of instants.entries()) {
          const before = instants[i - 1]
          if (before?.epoch !== epoch) continue
          expect(best).toBeGreaterThanOrEqual(before.best)
          expect(earliest ?? NEVER).toBeGreaterThanOrEqual(before.earliest ?? NEVER)
        }
      })
    }),
    { numRuns: 100 },
  )
}, 60_000)

test('a machine that stood still and did not count it is found out by its next anchor, and the truth lies between again', async () => {
  const soon = { act: 'link', thereMs: 20, backMs: 20 } as const
  let foundOut = 0
  await fc.assert(
    fc.asyncProperty(happenings, happenings, (before, after) => {
      // An epoch that does not say what it came after is another chain, and its anchors say nothing of this one.
      const awake = (acts: readonly Happening[]) =>
        acts.filter(one => one.act !== 'sleep' && (one.act !== 'epoch' || one.isExplained))
      const asleep = [{ act: 'write' }, { act: 'sleep', ms: 100 * 86_400_000 }, { act: 'write' }] as const
      const acts = [...awake(before), soon, soon, ...asleep, ...awake(after)]
      return worldOf(acts, async ({ store, arrived, isSleepFoundOut }) => {
        // Before the box has heard of it nobody can know.
        if (!isSleepFoundOut()) return
        foundOut++
        await checkTruth(store, arrived)
      })
    }),
    { numRuns: 40 },
  )
  expect(foundOut).toBeGreaterThan(30)
}, 60_000)

test('worked out anew from the evidence, in other slices, every table is the same to the byte', async () => {
  await fc.assert(
    fc.asyncProperty(happenings, fc.integer({ min: 1, max: 50 }), (acts, size) =>
      worldOf(acts, async ({ store, arrived }) => {
        const anew = await createScratchStore(':memory:')
        const applier = createApplier()
        for (let at = 0; at < arrived.length; at += size) {
          const slice = arrived.slice(at, at + size).map(({ item }) => item)
          await anew.db.transaction().execute(trx => applier.apply(trx, slice))
        }
        const digest = await digestProjections(anew.db)
        await anew.close()
        expect(digest).toBe(await digestProjections(store.db))
      }),
    ),
    { numRuns: 15 },
  )
}, 60_000)
