import { boxOf, type FaultKind } from '#scripts/campaign/fault.ts'
import type { Supervised } from '#scripts/campaign/supervised.ts'

/** A process that is killed, frozen, or comes back with less than it had. */

async function killed(program: Supervised, happened: () => void) {
  const release = await program.hold()
  happened()
  return release
}

/** Stops a process in the middle of whatever it does, as a machine that swaps or a hypervisor that pauses it. */
function frozen(program: Supervised, happened: () => void) {
  const goOn = program.freeze()
  happened()
  return goOn
}

export const PROCESS_FAULTS: readonly FaultKind[] = [
  {
    name: 'agent-killed',
    title: { zh: '盒子程序被 kill -9', en: 'the agent is killed' },
    needs: [],
    claims: (world, plan) => [`process ${boxOf(world, plan).name}`],
    arm: (world, plan, happened) => killed(boxOf(world, plan).agent, happened),
  },
  {
    name: 'agent-frozen',
    title: { zh: '盒子程序停顿', en: 'the agent stands still' },
    needs: [],
    claims: (world, plan) => [`process ${boxOf(world, plan).name}`],
    arm: (world, plan, happened) => frozen(boxOf(world, plan).agent, happened),
  },
  {
    name: 'collector-killed',
    title: { zh: '汇集中心被 kill -9', en: 'the collector is killed' },
    needs: [],
    claims: () => ['process collector'],
    arm: (world, _, happened) => killed(world.centre.collector, happened),
  },
  {
    name: 'collector-frozen',
    title: { zh: '汇集中心停顿', en: 'the collector stands still' },
    needs: [],
    claims: () => ['process collector'],
    arm: (world, _, happened) => frozen(world.centre.collector, happened),
  },
  {
    name: 'collector-restored',
    title: { zh: '汇集中心恢复为旧备份', en: 'the collector comes back from an old backup' },
    needs: [],
    claims: () => ['process collector', 'disk collector'],
    async arm({ centre }, { draw }, happened) {
      if (draw < 0.6 && (await centre.restore())) happened()
      else await centre.backUp()
      return () => {}
    },
  },
  {
    name: 'broker-killed',
    title: { zh: '消息服务被 kill -9', en: 'the broker is killed' },
    needs: ['mosquitto'],
    claims: ({ broker }) => broker && ['process broker'],
    async arm({ broker }, _, happened) {
      await broker!.kill()
      happened()
      return () => broker!.comeBack(false)
    },
  },
  {
    name: 'broker-wiped',
    title: { zh: '消息服务的数据全部丢失', en: 'the broker loses everything it held' },
    needs: ['mosquitto'],
    claims: ({ broker }) => broker && ['process broker'],
    async arm({ broker }, _, happened) {
      await broker!.kill()
      happened()
      return () => broker!.comeBack(true)
    },
  },
]
