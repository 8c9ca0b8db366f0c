import { boxOf, type Faultable, type FaultKind } from '#scripts/campaign/fault.ts'
import type { PlannedFault } from '#scripts/campaign/plan.ts'

/** What happens to clocks and pads. */

const [HOUR_S, DAY_S] = [3_600, 86_400]
const JUMPS_S = [-90, 90, -3 * HOUR_S, 7 * HOUR_S, -26 * HOUR_S, 40 * DAY_S, -400 * DAY_S, 15 * 365 * DAY_S] as const
/** The centre has a time source: its clock is set, not lost. Back by less than a world's certificates are old. */
const CENTRE_JUMPS_S = [-90, 90, -2_400, 2 * HOUR_S] as const

const jumpOf = (jumps: readonly number[], draw: number) => jumps[Math.floor(draw * jumps.length)]!

const padOf = (world: Faultable, plan: PlannedFault) => {
  const pads = world.boxes.flatMap(box => box.windows.map(({ name, pad }) => ({ name: `${box.name} ${name}`, pad })))
  return pads[plan.target % pads.length]!
}

const padClaims = (world: Faultable, plan: PlannedFault) => [`pad ${padOf(world, plan).name}`]

const RENAME_MS = 30

export const EDGE_FAULTS: readonly FaultKind[] = [
  {
    name: 'box-clock-jumps',
    title: { zh: '盒子时钟跳变', en: "the box's clock jumps" },
    needs: ['faketime'],
    claims: (world, plan) => [`clock ${boxOf(world, plan).name}`],
    arm(world, plan, happened) {
      const box = boxOf(world, plan)
      if (box.setClock(jumpOf(JUMPS_S, plan.draw))) happened()
      return () => void box.setClock(0)
    },
  },
  {
    name: 'collector-clock-jumps',
    title: { zh: '汇集中心时钟跳变', en: "the collector's clock jumps" },
    needs: ['faketime'],
    claims: () => ['clock collector'],
    arm({ centre }, plan, happened) {
      if (centre.setClock(jumpOf(CENTRE_JUMPS_S, plan.draw))) happened()
      return () => void centre.setClock(0)
    },
  },
  {
    name: 'pad-unplugged',
    title: { zh: '评价器被拔出', en: 'the pad is unplugged' },
    needs: [],
    claims: padClaims,
    arm(world, plan, happened) {
      const { pad } = padOf(world, plan)
      pad.unplug()
      happened()
      return () => pad.plug(false)
    },
  },
  {
    name: 'pad-renamed',
    title: { zh: '评价器换了设备名', en: 'the pad comes back under another name' },
    needs: [],
    claims: padClaims,
    async arm(world, plan, happened) {
      const { pad } = padOf(world, plan)
      pad.unplug()
      await new Promise(resolve => setTimeout(resolve, RENAME_MS))
      pad.plug(true)
      happened()
      return () => {}
    },
  },
  {
    name: 'pad-garbled',
    title: { zh: '评价器线路有干扰', en: 'noise on the line of the pad' },
    needs: [],
    claims: padClaims,
    arm(world, plan, happened) {
      const { pad } = padOf(world, plan)
      pad.setGarbled(true)
      happened()
      return () => pad.setGarbled(false)
    },
  },
]
