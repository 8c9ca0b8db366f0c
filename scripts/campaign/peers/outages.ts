import type { SeededRandom } from '#test/sim/seeded-random.ts'
import type { Setup } from './setup.ts'

/** What an outage did to one way of doing it. */
export interface Outcome {
  pressed: number
  thanked: number
  lost: number
  /** Deliveries to the centre beyond the first of a press. */
  doubled: number
  /** From the end of the outage until everything that was going to arrive had arrived. */
  drainS: number
}

export interface OutageSizes {
  queued: number
  kills: number
  cuts: number
  atBroker: number
  /** Nothing new for so long: nothing more will come. Longer than any of them waits before it sends again. */
  stillMs: number
}

export const SIZES: OutageSizes = { queued: 2_000, kills: 10, cuts: 5, atBroker: 500, stillMs: 15_000 }

const AT_A_TIME = 16
const LOOK_EVERY_MS = 100
const DRAIN_MS_MAX = 300_000

export const OUTAGE_NAMES = ['link-outage', 'kill-9', 'power-cut', 'broker-killed', 'broker-wiped'] as const
export type OutageName = (typeof OUTAGE_NAMES)[number]

/** Presses and asks for nothing but what a citizen sees; the same for everybody. */
export async function suffer(
  setup: Setup,
  outage: OutageName,
  sizes: OutageSizes,
  random: SeededRandom,
): Promise<Outcome> {
  const thanked = new Set<number>()
  let next = 1

  async function press(count: number) {
    const last = next + count
    const citizen = async () => {
      while (next < last) {
        const id = next++
        if (await setup.press(id)) thanked.add(id)
      }
    }
    await Promise.all(Array.from({ length: AT_A_TIME }, citizen))
  }

  /** Presses until `stop`, at whatever pace the box has. */
  function pressOn() {
    let isOver = false
    const citizen = async () => {
      while (!isOver) {
        const id = next++
        if (await setup.press(id)) thanked.add(id)
        else await wait(20)
      }
    }
    const citizens = Promise.all(Array.from({ length: AT_A_TIME }, citizen))
    return async () => {
      isOver = true
      await citizens
    }
  }

  const outages: Record<OutageName, () => Promise<void>> = {
    async 'link-outage'() {
      await setup.link.set({ kind: 'refused' })
      await press(sizes.queued)
      await setup.link.set({ kind: 'up' })
    },
    async 'kill-9'() {
      const stop = pressOn()
      for (let i = 0; i < sizes.kills; i++) {
        await wait(700 + random.below(800))
        const start = await setup.killBox()
        await start()
      }
      await stop()
    },
    async 'power-cut'() {
      await setup.link.set({ kind: 'refused' })
      for (let i = 0; i < sizes.cuts; i++) {
        const stop = pressOn()
        await wait(1_500 + random.below(2_000))
        const comeBack = await setup.cutPower()
        await stop()
        await comeBack()
      }
      await setup.link.set({ kind: 'up' })
    },
    async 'broker-killed'() {
      await press(sizes.atBroker)
      await setup.loseBroker(false)
      await press(sizes.atBroker)
      await setup.loseBroker(false)
    },
    async 'broker-wiped'() {
      const start = await setup.stopCentre()
      await press(sizes.atBroker)
      await wait(sizes.stillMs) // Everything that can be at the broker is there, and on its disk.
      await setup.loseBroker(true)
      await start()
    },
  }
  await outages[outage]()
  const drainS = await drained(setup, thanked, sizes.stillMs)
  const arrived = setup.arrivals()
  const doubled = [...arrived.values()].reduce((sum, times) => sum + times - 1, 0)
  const lost = [...thanked].filter(id => !arrived.has(id)).length
  return { pressed: next - 1, thanked: thanked.size, lost, doubled, drainS: Math.round(drainS * 10) / 10 }
}

/** Waits until nothing new arrives; the seconds until the last of it did. */
async function drained(setup: Setup, thanked: ReadonlySet<number>, stillMs: number): Promise<number> {
  const startedMs = performance.now()
  let [seen, changedMs] = [-1, startedMs]
  for (;;) {
    const arrived = setup.arrivals()
    const now = [...arrived.values()].reduce((sum, times) => sum + times, 0)
    const nowMs = performance.now()
    if (now !== seen) [seen, changedMs] = [now, nowMs]
    const isComplete = [...thanked].every(id => arrived.has(id))
    // Those that lost something are given as long as the others to bring it; doubles may come late, too.
    if (nowMs - changedMs > stillMs || (isComplete && nowMs - changedMs > stillMs / 2)) break
    if (nowMs - startedMs > DRAIN_MS_MAX) break
    await wait(LOOK_EVERY_MS)
  }
  return (changedMs - startedMs) / 1000
}

const wait = (delayMs: number) => new Promise<void>(resolve => setTimeout(resolve, delayMs))
