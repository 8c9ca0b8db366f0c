import { describe, expect, test } from 'vitest'
import { createSeededRandom } from '#test/sim/seeded-random.ts'
import { type OUTAGE_NAMES, suffer } from './outages.ts'
import type { Setup } from './setup.ts'

const SIZES = { queued: 40, kills: 0, cuts: 0, atBroker: 20, stillMs: 100 }

/** A way of doing it that does with each press what it is told: how often it arrives, and whether it is thanked. */
function createPretender(times: (id: number) => number, isThanked = (_: number) => true): Setup & { done: string[] } {
  const arrived = new Map<number, number>()
  const done: string[] = []
  const note = (what: string) => {
    done.push(what)
    return Promise.resolve()
  }
  const later = (what: string) => async () => {
    await note(what)
    return () => note(`${what} over`)
  }
  return {
    name: 'pretender',
    done,
    press(id) {
      if (times(id) > 0) arrived.set(id, times(id))
      return Promise.resolve(isThanked(id))
    },
    arrivals: () => arrived,
    link: { port: 0, set: ({ kind }) => note(`link ${kind}`), onRecord() {}, close: () => note('closed') },
    killBox: later('kill'),
    cutPower: later('cut'),
    loseBroker: isWiped => note(isWiped ? 'wiped' : 'broker killed'),
    stopCentre: later('centre stopped'),
    stop: () => note('stopped'),
  }
}

const sufferedBy = (pretender: Setup, outage: (typeof OUTAGE_NAMES)[number]) =>
  suffer(pretender, outage, SIZES, createSeededRandom(1))

describe('the outage script', () => {
  test('counts what was thanked for and did not arrive, and what arrived again', async () => {
    const { drainS, ...counts } = await sufferedBy(
      createPretender(id => (id % 10 === 0 ? 0 : id % 4 === 1 ? 2 : 1)),
      'link-outage',
    )
    expect(counts).toEqual({ pressed: 40, thanked: 40, lost: 4, doubled: 10 })
    expect(drainS).toBeLessThan(1)
  })

  test('blames nobody for a press without thanks', async () => {
    const pretender = createPretender(
      () => 0,
      id => id > 40,
    )
    expect(await sufferedBy(pretender, 'link-outage')).toMatchObject({ thanked: 0, lost: 0 })
  })

  test('strikes while presses wait: the link is up again, and the centre back, only afterwards', async () => {
    const outage = createPretender(() => 1)
    await sufferedBy(outage, 'link-outage')
    expect(outage.done).toEqual(['link refused', 'link up'])
    const wiped = createPretender(() => 1)
    await sufferedBy(wiped, 'broker-wiped')
    expect(wiped.done).toEqual(['centre stopped', 'wiped', 'centre stopped over'])
  })
})
