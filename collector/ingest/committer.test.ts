import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openStore } from '#collector/store/store.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createCommitter } from './committer.ts'
import type { OwnWork } from './work.ts'

const DAY_MS = 24 * 60 * 60 * 1000

/** A new store, and one entry of the collector's own to commit. */
async function setUp() {
  const store = await openStore(join(temporaryFolder(), 'collector.sqlite'))
  if (!store.ok) throw new Error(store.error.detail)
  onTestFinished(store.value.close)
  const clock = createFakeClock()
  const committer = await createCommitter({
    db: store.value.db,
    clock,
    randomBytes,
    mayPassGap: () => false,
    signingKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
    hallOf: () => 'hall-1',
  })
  const time = { boot: clock.boot, mono: 0, wall: clock.wallMs(), synced: true }
  const own: OwnWork = { entry: { kind: 'refused', time, body: { what: 'provenance', by: 'test', code: 'test' } } }
  return { committer, own, todayWallMs: clock.wallMs() }
}

test('what was committed just before midnight is in the digest of its day, also when the next commit follows at once', async () => {
  const { committer, own, todayWallMs } = await setUp()
  await committer.commit([], [own, own], todayWallMs)
  const { committed } = await committer.commit([], [own], todayWallMs + DAY_MS)
  expect(committed[0]?.entry).toMatchObject({ kind: 'digest', body: { entries: 2 } })
})

test('a day is over for what was committed on it a moment before', async () => {
  const { committer, own, todayWallMs } = await setUp()
  expect(committer.isDayOver(todayWallMs + DAY_MS)).toBe(false)
  await committer.commit([], [own], todayWallMs)
  expect(committer.isDayOver(todayWallMs)).toBe(false)
  expect(committer.isDayOver(todayWallMs + DAY_MS)).toBe(true)
})
