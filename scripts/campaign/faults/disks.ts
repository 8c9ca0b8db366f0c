import { type Disk, disturbFlushes } from '#scripts/campaign/disk.ts'
import { boxOf, type Faultable, type FaultKind } from '#scripts/campaign/fault.ts'
import type { PlannedFault } from '#scripts/campaign/plan.ts'
import type { Supervised } from '#scripts/campaign/supervised.ts'

/** What happens to the disk under the agent's store, and under the collector's. */

interface Side {
  name: 'agent' | 'collector'
  zh: string
  en: string
  of(world: Faultable, plan: PlannedFault): { name: string; program: Supervised; disk: Disk }
}

const SIDES: readonly Side[] = [
  {
    name: 'agent',
    zh: '盒子',
    en: 'the box',
    of(world, plan) {
      const { name, agent, disk } = boxOf(world, plan)
      return { name, program: agent, disk }
    },
  },
  {
    name: 'collector',
    zh: '汇集中心',
    en: 'the collector',
    of: ({ centre }) => ({ name: 'collector', program: centre.collector, disk: centre.disk }),
  },
]

/** From nothing left, over less than one entry, to just below and above what a prompt needs. */
const LEFT_BYTES = [0, 512, 4_096, 40_000, 400_000, 3_900_000, 4_300_000] as const

const kindsOf = (side: Side): readonly FaultKind[] => [
  {
    name: `${side.name}-power-cut`,
    title: {
      zh: `${side.zh}断电（未落盘的全部丢失）`,
      en: `power cut at ${side.en}: all that was not flushed is gone`,
    },
    needs: ['image'],
    claims(world, plan) {
      const { name } = side.of(world, plan)
      return [`process ${name}`, `disk ${name}`]
    },
    async arm(world, plan, happened) {
      const { program, disk } = side.of(world, plan)
      // The processor loses its power with the disk. A process that outlived it would be told that an fsync under
      // way had succeeded: the kernel drops the metadata it waits for, and then finds nothing to wait for.
      program.freeze()
      await disk.cutPower()
      happened()
      const release = await program.hold()
      return async () => {
        await disk.comeBack()
        release()
      }
    },
  },
  {
    name: `${side.name}-disk-full`,
    title: { zh: `${side.zh}磁盘写满`, en: `the disk of ${side.en} is full` },
    needs: ['own-disk'],
    claims: (world, plan) => [`disk ${side.of(world, plan).name}`],
    arm(world, plan, happened) {
      const { disk } = side.of(world, plan)
      disk.fill(LEFT_BYTES[Math.floor(plan.draw * LEFT_BYTES.length)]!)
      happened()
      return disk.free
    },
  },
  tracing(side, 'flush-fails', 'error=EIO:when=1+', { zh: '落盘报错（EIO）', en: 'fsync fails' }),
  tracing(side, 'flush-slow', 'delay_exit=200000:when=1+', { zh: '落盘缓慢（200 毫秒）', en: 'fsync takes 200 ms' }),
  tracing(side, 'killed-in-flush', 'signal=SIGKILL:when=1', {
    zh: '在落盘调用中被 kill -9',
    en: 'killed inside fsync',
  }),
]

function tracing(side: Side, name: string, inject: string, title: FaultKind['title']): FaultKind {
  return {
    name: `${side.name}-${name}`,
    title: { zh: `${side.zh}${title.zh}`, en: `${side.en}: ${title.en}` },
    needs: ['strace'],
    claims: (world, plan) => [`process ${side.of(world, plan).name}`],
    async arm(world, plan, happened) {
      const running = side.of(world, plan).program.now()
      if (!running) return () => {}
      const letGo = await disturbFlushes(running.child.pid!, inject)
      happened()
      return letGo
    },
  }
}

export const DISK_FAULTS: readonly FaultKind[] = SIDES.flatMap(kindsOf)
