import { expect, onTestFinished, test } from 'vitest'
import { createApplier } from '#collector/projection/apply.ts'
import { digestProjections } from '#collector/projection/dump.ts'
import type { ProjectedEntry } from '#collector/projection/projected.ts'
import { createScratchStore } from '#collector/store/scratch-store.ts'
import type { Entry } from '#protocol/entry.ts'

const START_MS = Date.UTC(2026, 10, 24)
const MINUTE_MS = 60_000

/** Prompts of two boxes in turn, with an anchor in every tenth place. */
const items = Array.from({ length: 60 }, (_, i): ProjectedEntry => {
  const wall = START_MS + i * MINUTE_MS
  const time = { boot: new Uint8Array(16).fill(i % 2), mono: i * MINUTE_MS, wall, synced: false }
  const prompt = new Uint8Array(16).fill(i)
  const said =
    i % 10 > 1
      ? { kind: 'prompt', body: { prompt, window: 'A01', origin: 'panel' } }
      : { kind: 'anchor', body: { truth: wall, errorMs: 40, source: 'receipt' } }
  return {
    position: i + 1,
    box: `box-${i % 2}`,
    epoch: new Uint8Array(16).fill(i % 2),
    seq: Math.floor(i / 2) + 1,
    hash: new Uint8Array(32),
    receivedAtMs: wall + 100 * MINUTE_MS,
    entry: { ...said, time } as Entry,
  }
})

async function openStore() {
  const store = await createScratchStore(':memory:')
  onTestFinished(store.close)
  const applier = createApplier()
  return {
    digest: () => digestProjections(store.db),
    take: (slice: readonly ProjectedEntry[]) => store.db.transaction().execute(trx => applier.apply(trx, slice)),
    rollBack: (slice: readonly ProjectedEntry[]) =>
      store.db
        .transaction()
        .execute(async trx => {
          await applier.apply(trx, slice)
          throw new Error('no room')
        })
        .catch((error: Error) => expect(error.message).toBe('no room')),
  }
}

test('what was rolled back is not built upon, wherever it happens', async () => {
  const whole = await openStore()
  await whole.take(items)
  const broken = await openStore()
  for (let at = 0; at < items.length; at += 7) {
    if (at % 2) await broken.rollBack(items.slice(at, at + 20))
    await broken.take(items.slice(at, at + 7))
  }
  expect(await broken.digest()).toBe(await whole.digest())
})
