import type { Tool } from '#scripts/campaign/machine.ts'
import type { PlannedSession, WorldPlan } from '#scripts/campaign/plan.ts'
import { startWorld } from '#scripts/campaign/world.ts'
import type { Setup } from './setup.ts'

/** As many pads as make presses come as fast as the others' do. */
const WINDOWS = 16
const BETWEEN_MS = 460

/** Chuangping through the same script: its own agent with real pads, Mosquitto, and the collector as the centre. */
export async function startOurs(dir: string, tools: ReadonlySet<Tool>, isBuilt: boolean): Promise<Setup> {
  const profile = 'generic-rs485-four-key'
  const boxes = [{ windows: Array.from({ length: WINDOWS }, () => ({ profile })) }]
  const plan: WorldPlan = { seed: 1, broker: 'mosquitto', boxes, load: 1, kinds: [] }
  const world = await startWorld(plan, { dir, tools, isBuilt })
  const [box] = world.boxes
  const { centre, broker } = world
  const freeAtMs = Array<number>(WINDOWS).fill(0)

  const arrivals = () => {
    const counts = new Map<number, number>()
    for (const { case: name } of centre.read()?.ratings ?? []) {
      counts.set(Number(name), (counts.get(Number(name)) ?? 0) + 1)
    }
    return counts
  }

  return {
    name: 'chuangping',
    async press(id) {
      // One citizen at a window, and then the next: a finger is not faster than a pad's hold-off.
      const window = id % WINDOWS
      await new Promise(resolve => setTimeout(resolve, Math.max(0, freeAtMs[window]! - performance.now())))
      const planned: PlannedSession = { ...CITIZEN, window }
      const { session, gone } = box!.windows[window]!.serve(planned, String(id))
      await gone
      freeAtMs[window] = performance.now() + BETWEEN_MS
      return session.pressed.some(({ isThanked }) => isThanked)
    },
    arrivals,
    link: box!.wire,
    async killBox() {
      const release = await box!.agent.hold()
      return async () => {
        release()
        await padsReady()
      }
    },
    async cutPower() {
      box!.agent.freeze()
      await box!.disk.cutPower()
      const release = await box!.agent.hold()
      return async () => {
        await box!.disk.comeBack()
        release()
        await padsReady()
      }
    },
    async loseBroker(isWiped) {
      await broker!.kill()
      await broker!.comeBack(isWiped)
    },
    async stopCentre() {
      const release = await centre.collector.hold()
      return async () => {
        release()
        await centre.collector.ready()
      }
    },
    stop: world.stop,
  }

  async function padsReady() {
    await box!.agent.ready()
    while ((await box!.state())?.windows.some(({ pad }) => pad.state !== 'ready') ?? true) {
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

const CITIZEN: Omit<PlannedSession, 'window'> = {
  kind: 'session',
  startMs: 0,
  box: 0,
  behaviour: 'press',
  grades: ['satisfied', 'satisfied'],
  thinkMs: 0,
}
