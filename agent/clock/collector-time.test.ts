import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createCollectorTime } from './collector-time.ts'

const NOON_MS = Date.UTC(2026, 10, 24, 4)
const DAY_MS = 86_400_000

/** A box that asked, and was answered with the true time after so long each way. */
function answered(thereMs: number, backMs: number) {
  const clock = createFakeClock(NOON_MS)
  const time = createCollectorTime(clock)
  function ask(there: number, back: number) {
    const sinceMonoMs = clock.monoMs()
    clock.advance(there)
    const word = { atWallMs: clock.wallMs(), sinceMonoMs }
    clock.advance(back)
    time.learned(word)
    return word
  }
  const word = ask(thereMs, backMs)
  return { clock, time, ask, word, truth: () => clock.wallMs() }
}

describe('the time at the collector', () => {
  test('is not known before its first word', () => {
    const clock = createFakeClock()
    expect(createCollectorTime(clock).at(clock.monoMs())).toBeUndefined()
    expect(createCollectorTime(clock).latestWallMs()).toBeUndefined()
  })

  test('is known to half of what the word took, both ways together, and to drift from then on', () => {
    const { clock, time } = answered(100, 300)
    expect(time.at(clock.monoMs())!.errorMs).toBeLessThan(210)
    clock.advance(DAY_MS)
    // 500 parts in a million of a day.
    expect(time.at(clock.monoMs())!.errorMs).toBeGreaterThan(43_200)
    expect(time.at(clock.monoMs())!.errorMs).toBeLessThan(43_450)
  })

  test('always lies within the error, however long words take and whichever are shown again', () => {
    const way = fc.oneof(fc.nat(500), fc.nat(DAY_MS))
    const happening = fc.record({ there: way, back: way, waitMs: way, again: fc.nat(9) })
    fc.assert(
      fc.property(fc.array(happening, { minLength: 1, maxLength: 20 }), happenings => {
        const { clock, time, ask, word, truth } = answered(5, 5)
        const words = [word]
        for (const { there, back, waitMs, again } of happenings) {
          clock.advance(waitMs)
          words.push(ask(there, back))
          time.learned(words[again % words.length]!)
          const { wallMs, errorMs } = time.at(clock.monoMs())!
          expect(Math.abs(wallMs - truth())).toBeLessThanOrEqual(errorMs)
          expect(time.latestWallMs()).toBeGreaterThanOrEqual(truth())
        }
      }),
    )
  })

  test('is not moved by the wall clock, which may jump by years', () => {
    const { clock, time } = answered(10, 10)
    const before = time.at(clock.monoMs())
    clock.jumpWall(-56 * 365 * DAY_MS)
    expect(time.at(clock.monoMs())).toEqual(before)
  })

  test('an old word that is shown again neither moves it nor makes it less sure', () => {
    const { clock, time, word, ask } = answered(10, 10)
    clock.advance(DAY_MS)
    ask(10, 10)
    const before = time.at(clock.monoMs())
    time.learned(word)
    expect(time.at(clock.monoMs())).toEqual(before)
  })

  test('follows a collector whose clock was set, and does not go back for an old word', () => {
    const { clock, time, word } = answered(10, 10)
    clock.advance(1000)
    time.learned({ atWallMs: clock.wallMs() + DAY_MS, sinceMonoMs: clock.monoMs() - 20 })
    const set = time.at(clock.monoMs())!
    expect(Math.abs(set.wallMs - (clock.wallMs() + DAY_MS))).toBeLessThan(30)
    time.learned(word)
    expect(time.at(clock.monoMs())).toEqual(set)
  })

  test('a word that somebody kept back does not make the present seem earlier than it is', () => {
    const { time, truth } = answered(10, DAY_MS)
    expect(time.latestWallMs()).toBeGreaterThanOrEqual(truth())
  })
})
