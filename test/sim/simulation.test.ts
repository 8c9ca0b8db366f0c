import { expect, test } from 'vitest'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createWorld } from './world.ts'

const FIRST_SEED = Number(process.env['SEED'] ?? 1)
const WORLDS = Number(process.env['WORLDS'] ?? 40)
const STEPS = 150

test(`${WORLDS} worlds: whatever fails between box and collector, every entry arrives, once, in order`, async () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + WORLDS; seed++) {
    const world = await createWorld(seed, temporaryFolder())
    const where = `again with: SEED=${seed} WORLDS=1 npx vitest run test/sim (faults: ${world.faults.join(', ') || 'none'})`
    for (let i = 0; i < STEPS; i++) {
      await world.step()
      expect(world.timers(), `timers pile up, ${where}`).toBeLessThanOrEqual(1)
    }
    const stored = await world.committed()
    expect(new Set(stored).size, `stored twice, ${where}`).toBe(stored.length)
    await world.heal()
    expect(await world.committed(), `lost, doubled or out of order, ${where}`).toEqual(world.appended())
    expect(world.receipted(), `never all receipted, ${where}`).toBe(world.appended().length)
    await world.close()
  }
}, 180_000)
