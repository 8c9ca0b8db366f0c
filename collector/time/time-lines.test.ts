import { describe, expect, onTestFinished, test } from 'vitest'
import { createApplier } from '#collector/projection/apply.ts'
import { formatDay } from '#collector/projection/day.ts'
import type { ProjectedEntry } from '#collector/projection/projected.ts'
import { createScratchStore } from '#collector/store/scratch-store.ts'
import { maxElapsedMs, minElapsedMs } from '#protocol/drift.ts'
import type { Entry, EntryBody } from '#protocol/entry.ts'
import { findInstants } from './find-instants.ts'
import type { Instant } from './instant.ts'

const NOON_MS = Date.UTC(2026, 10, 24, 4)
const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

interface Written {
  /** Which boot of the machine; 1 when not said. */
  boot?: number
  mono: number
  /** The wall clock, which counts as trusted when it is said. */
  wall?: number
  received: number
  anchor?: { truth: number; errorMs: number }
  epoch?: number
  origin?: EntryBody<'boot'>['origin']
}

const id = (what: number, n: number) => new Uint8Array(16).fill(n, 1).fill(what, 0, 1)

/** What the collector makes of entries of one box, taken in slices of `size`. */
async function timesOf(written: readonly Written[], size = written.length) {
  const store = await createScratchStore(':memory:')
  onTestFinished(store.close)
  const items = written.map((each, i): ProjectedEntry => {
    const { boot = 1, mono, wall, received, anchor, epoch = 1, origin } = each
    const time = { boot: id(1, boot), mono, wall: wall ?? 0, synced: wall !== undefined }
    const entry = (
      anchor
        ? { kind: 'anchor', time, body: { ...anchor, source: 'receipt' } }
        : origin
          ? { kind: 'boot', time, body: { agent: '1', origin } }
          : { kind: 'prompt', time, body: { prompt: id(2, i + 1), window: 'A01', origin: 'panel' } }
    ) as Entry
    const hash = new Uint8Array(32)
    return { position: i + 1, box: 'box-1', epoch: id(3, epoch), seq: i + 1, hash, receivedAtMs: received, entry }
  })
  const applier = createApplier()
  for (let at = 0; at < items.length; at += size) {
    await store.db.transaction().execute(trx => applier.apply(trx, items.slice(at, at + size)))
  }
  const prompts = items.filter(({ entry }) => entry.kind === 'prompt').map(({ position }) => position)
  const found = await findInstants(store.db, prompts)
  const days = await store.db.selectFrom('prompts').select(['day', 'day_sure']).orderBy('position').execute()
  return {
    instants: prompts.map((position): Instant => found.get(position)!),
    days: days.map(({ day, day_sure }) => [formatDay(day!), day_sure === 1]),
    oddities: (await store.db.selectFrom('oddities').selectAll().execute()).map(({ code }) => code),
  }
}

/** The whole truth about a moment that the collector saw with so little delay. */
const anchorAt = (truth: number, errorMs = 50) => ({ truth, errorMs })

describe('an entry of a boot with an anchor', () => {
  test('lies within the error of the anchor and the drift between, before it and after it', async () => {
    const received = NOON_MS + 1000
    const { instants } = await timesOf([
      { mono: 1000, received },
      { mono: 1000 + HOUR_MS, received, anchor: anchorAt(NOON_MS) },
      { mono: 1000 + 2 * HOUR_MS, received: NOON_MS + 3 * HOUR_MS },
    ])
    expect(instants[0]).toMatchObject({
      earliest: NOON_MS - 50 - maxElapsedMs(HOUR_MS),
      latest: NOON_MS + 50 - minElapsedMs(HOUR_MS),
    })
    expect(instants[1]).toMatchObject({
      earliest: NOON_MS - 50 + minElapsedMs(HOUR_MS),
      latest: NOON_MS + 50 + maxElapsedMs(HOUR_MS),
    })
    expect(Math.abs(instants[0]!.best - (NOON_MS - HOUR_MS))).toBeLessThan(100)
    expect(Math.abs(instants[1]!.best - (NOON_MS + HOUR_MS))).toBeLessThan(100)
  })

  test('between two of them is as close to either as the nearer one makes it', async () => {
    const far = { mono: DAY_MS, received: NOON_MS + DAY_MS + 1000, anchor: anchorAt(NOON_MS + DAY_MS) }
    const { instants } = await timesOf([
      { mono: 0, received: NOON_MS + 1000, anchor: anchorAt(NOON_MS) },
      { mono: 1000, received: NOON_MS + DAY_MS },
      { mono: DAY_MS - 1000, received: NOON_MS + DAY_MS },
      far,
    ])
    for (const { earliest, latest } of instants) expect(latest - earliest!).toBeLessThan(110)
  })

  test('is never later than its receipt, whatever the anchor leaves open', async () => {
    const { instants } = await timesOf([
      { mono: 0, received: NOON_MS + 100 },
      { mono: 10_000, received: NOON_MS + 100, anchor: anchorAt(NOON_MS, HOUR_MS) },
      { mono: 11_000, received: NOON_MS + 1_100 },
    ])
    expect(instants[0]!.latest).toBe(NOON_MS + 100 - minElapsedMs(10_000))
    expect(instants[1]!.latest).toBe(NOON_MS + 1_100)
  })

  test('is dated by a trusted wall clock inside the bounds, also after that was set wrong for a while', async () => {
    const at = (mono: number, wall: number) => ({ mono, wall, received: NOON_MS + DAY_MS })
    const { instants } = await timesOf([
      { mono: 0, received: NOON_MS + 100, anchor: anchorAt(NOON_MS) },
      at(HOUR_MS, NOON_MS + HOUR_MS + 7),
      at(2 * HOUR_MS, NOON_MS + 2 * HOUR_MS + 10 * DAY_MS),
      at(3 * HOUR_MS, NOON_MS + 3 * HOUR_MS - 7),
    ])
    const bests = instants.map(({ best }) => best)
    expect(bests).toEqual([NOON_MS + HOUR_MS + 7, instants[1]!.latest, NOON_MS + 3 * HOUR_MS - 7])
  })
})

describe('a boot without an anchor', () => {
  const before = { boot: 1, mono: 5_000, received: NOON_MS + 100, anchor: anchorAt(NOON_MS) }
  const late = NOON_MS + 20 * DAY_MS

  test('lies between the one before and the one after, however long it waited', async () => {
    const { instants } = await timesOf([
      before,
      { boot: 1, mono: 5_000 + HOUR_MS, received: NOON_MS + HOUR_MS + 100 },
      { boot: 2, mono: 10_000, received: late },
      { boot: 2, mono: 10_000 + HOUR_MS, received: late },
      { boot: 3, mono: 7_000, received: late },
      { boot: 3, mono: 7_000 + HOUR_MS, received: late, anchor: anchorAt(late - 1000) },
    ])
    const [last, first, second] = instants
    expect(first!.earliest).toBe(last!.earliest)
    expect(second!.earliest).toBe(last!.earliest! + minElapsedMs(HOUR_MS))
    // The third boot began an hour before its anchor, and the second had run an hour by then.
    const began = late - 950 - minElapsedMs(HOUR_MS)
    expect(second!.latest).toBe(began)
    expect(first!.latest).toBe(began - minElapsedMs(HOUR_MS))
  })

  test('that was the first of all was some time before what came next, and since when nobody knows', async () => {
    const { instants, days } = await timesOf([
      { boot: 1, mono: 0, received: late },
      { boot: 2, mono: 0, received: late, anchor: anchorAt(late - HOUR_MS) },
    ])
    expect(instants[0]).toEqual({ earliest: null, latest: late - HOUR_MS + 50, best: late - HOUR_MS + 50 })
    expect(days[0]![1]).toBe(false)
  })

  test('is dated by its wall clock where that is trusted, as far as the bounds allow, and late where not', async () => {
    const wall = NOON_MS + HOUR_MS
    const times = async (each: { wall?: number }) =>
      (await timesOf([before, { boot: 2, mono: 0, received: late, ...each }])).instants[0]!
    expect(await times({ wall })).toMatchObject({ best: wall, latest: late })
    expect(await times({ wall: late + DAY_MS })).toMatchObject({ best: late, latest: late })
    expect(await times({ wall: NOON_MS - DAY_MS })).toMatchObject({ best: NOON_MS, earliest: NOON_MS - 50 })
    expect(await times({ wall: 0 })).toMatchObject({ best: late })
    expect(await times({})).toMatchObject({ best: late })
  })
})

test('an anchor that comes later corrects the day on which earlier prompts of that boot count, and of the boots before', async () => {
  const late = NOON_MS + 20 * DAY_MS
  const offline: Written[] = [
    { boot: 1, mono: 0, received: NOON_MS + 100, anchor: anchorAt(NOON_MS) },
    ...[0, 1, 2].map(n => ({ boot: 1, mono: HOUR_MS + n * DAY_MS, received: late })),
  ]
  expect((await timesOf(offline)).days).toEqual([
    ['2026-11-24', true],
    ['2026-11-25', true],
    ['2026-11-26', true],
  ])
  const dark: Written[] = [0, 1, 2].map(n => ({ boot: 1, mono: HOUR_MS + n * DAY_MS, received: late }))
  expect((await timesOf(dark)).days).toEqual([0, 1, 2].map(() => ['2026-12-14', false]))
  const anchor: Written = { boot: 1, mono: HOUR_MS + 10 * DAY_MS, received: late + 1000, anchor: anchorAt(late) }
  for (const size of [1, 2, 9]) {
    expect((await timesOf([...dark, anchor], size)).days).toEqual([
      ['2026-12-04', true],
      ['2026-12-05', true],
      ['2026-12-06', true],
    ])
  }
})

test('what comes after an anchor in one breath with it is dated by what the anchor made of what came before', async () => {
  const late = NOON_MS + 20 * DAY_MS
  const wall = NOON_MS + 2 * DAY_MS
  const written: Written[] = [
    { boot: 1, mono: 0, received: late },
    { boot: 1, mono: HOUR_MS, received: late, anchor: anchorAt(NOON_MS) },
    // Before the anchor told, the prompt at the beginning might have been as late as its receipt.
    { boot: 2, mono: 0, received: late, wall },
  ]
  for (const size of [1, 2, 3]) expect((await timesOf(written, size)).instants[1]!.best).toBe(wall)
})

describe('what contradicts itself', () => {
  test('an anchor after its own receipt, or before what had already been, says nothing and is noted', async () => {
    const first = { mono: 0, received: NOON_MS + 100, anchor: anchorAt(NOON_MS) }
    const ahead = { mono: 1000, received: NOON_MS + 1100, anchor: anchorAt(NOON_MS + DAY_MS) }
    const behind = { mono: 1000, received: NOON_MS + 1100, anchor: anchorAt(NOON_MS - DAY_MS) }
    for (const odd of [ahead, behind]) {
      const { instants, oddities } = await timesOf([first, odd, { mono: 2000, received: NOON_MS + 2100 }])
      expect(oddities).toEqual(['anchor-contradicts'])
      expect(Math.abs(instants[0]!.best - (NOON_MS + 2000))).toBeLessThan(60)
    }
  })

  test('the later of two anchors stands when less time has passed between them than the machine counted', async () => {
    const { instants, oddities } = await timesOf([
      { mono: 0, received: NOON_MS + DAY_MS, anchor: anchorAt(NOON_MS) },
      { mono: 2 * HOUR_MS, received: NOON_MS + DAY_MS, anchor: anchorAt(NOON_MS + HOUR_MS) },
      { mono: 2 * HOUR_MS + 1000, received: NOON_MS + DAY_MS },
    ])
    expect(oddities).toEqual([])
    expect(Math.abs(instants[0]!.best - (NOON_MS + HOUR_MS + 1000))).toBeLessThan(60)
  })

  test('when the collector’s clock is set back, order is kept and every bound is still one', async () => {
    const { instants } = await timesOf([
      { mono: 0, received: NOON_MS + 100, anchor: anchorAt(NOON_MS) },
      { mono: 1000, received: NOON_MS + 1100 },
      ...[1, 2, 3].map(n => ({ mono: 1000 + n * HOUR_MS, received: NOON_MS - DAY_MS + n * HOUR_MS })),
    ])
    for (const [i, { earliest, latest, best }] of instants.entries()) {
      expect(earliest!).toBeLessThanOrEqual(best)
      expect(best).toBeLessThanOrEqual(latest)
      if (i > 0) expect(best).toBeGreaterThanOrEqual(instants[i - 1]!.best)
    }
  })
})

describe('another epoch', () => {
  const first = { mono: 0, received: NOON_MS + 100, anchor: anchorAt(NOON_MS) }
  const begun = (origin: EntryBody<'boot'>['origin']): Written[] => [
    { boot: 1, mono: HOUR_MS, received: NOON_MS + 2 * HOUR_MS, epoch: 2, origin },
    { boot: 1, mono: HOUR_MS, received: NOON_MS + 2 * HOUR_MS, epoch: 2 },
  ]

  test('goes on from the one it names', async () => {
    const origin = { reason: 'quarantined', epoch: id(3, 1), seq: 1, hash: new Uint8Array(32) } as const
    const { instants } = await timesOf([first, ...begun(origin)])
    expect(instants[0]).toMatchObject({ earliest: NOON_MS - 50 + minElapsedMs(HOUR_MS) })
  })

  test('that names none stands by itself', async () => {
    const { instants } = await timesOf([first, ...begun({ reason: 'replaced' })])
    expect(instants[0]).toMatchObject({ earliest: null, latest: NOON_MS + 2 * HOUR_MS })
  })

  test('cannot tell an epoch that goes on beside it what came after', async () => {
    const origin = { reason: 'quarantined', epoch: id(3, 1), seq: 1, hash: new Uint8Array(32) } as const
    const late = NOON_MS + DAY_MS
    const { instants } = await timesOf([
      { boot: 1, mono: 0, received: NOON_MS + DAY_MS },
      { boot: 1, mono: HOUR_MS, received: late, epoch: 2, origin },
      { boot: 1, mono: 2 * HOUR_MS, received: late, epoch: 1 },
      { boot: 1, mono: HOUR_MS, received: late, epoch: 2, anchor: anchorAt(NOON_MS + HOUR_MS) },
    ])
    expect(instants.map(({ latest }) => latest)).toEqual([NOON_MS + HOUR_MS + 50 - minElapsedMs(HOUR_MS), late])
  })
})
