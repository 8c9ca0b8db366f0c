import { describe, expect, test } from 'vitest'
import type { EntryBody, EntryTime } from '#protocol/entry.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createAnchors } from './anchors.ts'
import { createCollectorTime } from './collector-time.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

function setUp() {
  const clock = createFakeClock()
  /** What the collector's clock says, whatever this machine's wall clock does. */
  let aheadMs = clock.wallMs() - clock.monoMs()
  const collectorTime = createCollectorTime(clock)
  const written: (EntryBody<'anchor'> & { mono: number })[] = []
  const anchors = createAnchors({
    clock,
    collectorTime,
    append(body) {
      // The stamp is taken later than the decision, as on a busy machine.
      clock.advance(100)
      const time: EntryTime = { boot: clock.boot, mono: clock.monoMs(), wall: clock.wallMs(), synced: false }
      written.push({ ...body(time), mono: time.mono })
    },
  })
  return {
    clock,
    written,
    truth: () => clock.monoMs() + aheadMs,
    setCollector(ms: number) {
      aheadMs += ms
    },
    /** The collector answers after so long. */
    hear(delayMs = 40, source: 'receipt' | 'session' = 'receipt') {
      const sinceMonoMs = clock.monoMs()
      const word = { atWallMs: sinceMonoMs + aheadMs, sinceMonoMs }
      clock.advance(delayMs)
      collectorTime.learned(word)
      anchors.consider(source)
      return word
    },
    again(word: { atWallMs: number; sinceMonoMs: number }) {
      collectorTime.learned(word)
      anchors.consider('receipt')
    },
  }
}

describe('an anchor', () => {
  test('is written with the first word, and says the truth for its own stamp within its error', () => {
    const { hear, written, truth } = setUp()
    hear(40, 'session')
    expect(written).toMatchObject([{ source: 'session' }])
    expect(Math.abs(written[0]!.truth - truth())).toBeLessThanOrEqual(written[0]!.errorMs)
    expect(written[0]!.errorMs).toBeLessThan(30)
  })

  test('causes no other by its own receipt, nor do the receipts of a busy day', () => {
    const { clock, hear, written } = setUp()
    hear()
    for (let i = 0; i < 500; i++) {
      clock.advance(60_000)
      hear(40)
    }
    expect(written).toHaveLength(1)
  })

  test('is written again when drift has made the last one worse by a minute, and not before', () => {
    const { clock, hear, written } = setUp()
    hear()
    clock.advance(32 * HOUR_MS)
    hear()
    expect(written).toHaveLength(1)
    clock.advance(3 * HOUR_MS)
    hear()
    expect(written).toHaveLength(2)
  })

  test('is written again when a first word that was kept back is followed by a quick one', () => {
    const { clock, hear, written } = setUp()
    hear(HOUR_MS)
    expect(written[0]!.errorMs).toBeGreaterThan(HOUR_MS / 2)
    clock.advance(10)
    hear()
    expect(written).toHaveLength(2)
    expect(written[1]!.errorMs).toBeLessThan(60)
  })

  test('is written again when the wall clock has jumped, and when the collector’s was set', () => {
    const { clock, hear, written, setCollector, truth } = setUp()
    hear()
    clock.jumpWall(-56 * 365 * DAY_MS)
    hear()
    expect(written).toHaveLength(2)
    setCollector(10_000)
    hear()
    expect(written).toHaveLength(3)
    expect(Math.abs(written[2]!.truth - truth())).toBeLessThanOrEqual(written[2]!.errorMs)
  })

  test('is not written for an old word that is shown again, whatever the clocks did meanwhile', () => {
    const { clock, hear, again, written } = setUp()
    const word = hear()
    clock.jumpWall(DAY_MS)
    clock.advance(10 * DAY_MS)
    again(word)
    expect(written).toHaveLength(1)
  })

  test('is written a few times a day at most, however often a clock jumps', () => {
    const { clock, hear, written } = setUp()
    for (let i = 0; i < 24 * 10; i++) {
      clock.jumpWall((i % 2 ? 1 : -1) * DAY_MS)
      clock.advance(HOUR_MS)
      hear()
    }
    expect(written.length).toBeLessThanOrEqual(6 * 10 + 1)
    expect(written.length).toBeGreaterThan(40)
  })
})
