import { expect, test } from 'vitest'
import { createCounters } from '#collector/counters.ts'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createRefusalBook } from './refusal-book.ts'

const HOUR_MS = 60 * 60 * 1000
const refused = (box: string, n: number) => ({
  box,
  code: 'not-valid',
  detail: 'd',
  bytes: new Uint8Array([n, n >> 8]),
})

async function setUp() {
  const { store } = await createTestCollector()
  const [clock, counters] = [createFakeClock(), createCounters()]
  return { clock, counters, book: createRefusalBook({ db: store.db, clock, counters }) }
}

test('a batch that keeps coming is written down the first time and whenever its number has doubled', async () => {
  const { book } = await setUp()
  const written: number[] = []
  for (let times = 1; times <= 20; times++) {
    const work = await book.note(refused('box-1', 1))
    if (work?.entry.kind === 'quarantined') written.push(work.entry.body.times)
  }
  expect(written).toEqual([1, 2, 4, 8, 16])
  const { sha256 } = (await book.note(refused('box-1', 2)))!.entry.body as { sha256: Uint8Array }
  expect(book.timesOf({ box: 'box-1', sha256, times: 1 })).toBe(1)
})

test('what could not be written is worth an entry the next time', async () => {
  const { book } = await setUp()
  expect(await book.note(refused('box-1', 1))).toBeDefined()
  book.notWritten(refused('box-1', 1))
  expect((await book.note(refused('box-1', 1)))?.entry.body).toMatchObject({ times: 1 })
})

test('one box can fill a hundred entries an hour and no more, whatever it sends; others are not held back', async () => {
  const { book, clock, counters } = await setUp()
  let written = 0
  for (let n = 0; n < 150; n++) if (await book.note(refused('box-1', n))) written += 1
  expect(written).toBe(100)
  expect(counters.values()).toMatchObject({ 'batches-dropped.quarantine-limit': 50 })
  expect(await book.note(refused('box-2', 1))).toBeDefined()
  clock.advance(HOUR_MS)
  expect(await book.note(refused('box-1', 999))).toBeDefined()
})
