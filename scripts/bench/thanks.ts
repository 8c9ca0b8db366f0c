import { join } from 'node:path'
import { openFloor } from './floor.ts'
import type { Measurement, RowPlan, Subject } from './measurement.ts'
import { startPadBox } from './pad-box.ts'
import { quantile } from './statistics.ts'
import type { Workplace } from './workplace.ts'

const BOX = 'bench-thanks'
const PRESSES = 300
const WRITES = 2_000
/** What a box may take beside its disk, however fast that is. */
const BESIDE_MS = 5

const row = (name: string, quantileName: string, goal: number | null): RowPlan => ({
  name,
  title: {
    zh: `串口按键字节到致谢首字节 ${quantileName}`,
    en: `byte from the pad to first byte of the thanks ${quantileName}`,
  },
  against: {
    zh: `3 × 覆写 + fdatasync ${quantileName} + 5 ms`,
    en: `3 × overwrite + fdatasync ${quantileName} + 5 ms`,
  },
  unit: 'ms',
  better: 'lower',
  goal,
})

/** From the byte of a key on the serial line to the first byte of the thank-you, in the real agent process. */
export const thanks: Measurement = {
  name: 'thanks',
  rows: [row('thanks-p50', 'p50', null), row('thanks-p99', 'p99', 1)],
  prepare: prepareThanks,
}

async function prepareThanks(place: Workplace): Promise<Subject> {
  const folder = place.folder('thanks')
  const box = await startPadBox(place, folder, (await place.identities([BOX])).boxes[BOX]!)
  const floor = openFloor(join(folder, 'floor'), WRITES)
  return {
    async ours() {
      const tookMs: number[] = []
      for (let i = 0; i < PRESSES; i++) tookMs.push(await box.press())
      return [quantile(tookMs, 0.5), quantile(tookMs, 0.99)]
    },
    reference() {
      const tookMs: number[] = []
      for (let i = 0; i < WRITES; i++) {
        const startedMs = performance.now()
        floor.write()
        tookMs.push(performance.now() - startedMs)
      }
      return Promise.resolve([0.5, 0.99].map(q => 3 * quantile(tookMs, q) + BESIDE_MS))
    },
    async close() {
      floor.close()
      await box.stop()
    },
  }
}
