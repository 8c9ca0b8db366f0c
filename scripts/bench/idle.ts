import { setTimeout as delay } from 'node:timers/promises'
import { openPtyLine } from '#virtual-pad/pty.ts'
import { SETTLE_MS, startAgentProcess, startNode, untilState, writeAgentConfiguration } from './agent-process.ts'
import { startCollectorProcess } from './collector-process.ts'
import type { Measurement, Subject } from './measurement.ts'
import { readCpuMs, readResidentMiB } from './process-figures.ts'
import type { Workplace } from './workplace.ts'

const BOX = 'bench-idle'
const WINDOW_MS = 5_000

/**
 * A box with nothing to do: pad plugged in (a pseudo-terminal), link up, everything receipted. Both processes
 * are watched over the same seconds, which is closer than taking turns.
 */
export const idle: Measurement = {
  name: 'idle',
  rows: [
    {
      name: 'idle-memory',
      title: { zh: '空闲时常驻内存', en: 'resident memory when idle' },
      against: { zh: '空 Node', en: 'a bare Node' },
      unit: 'MiB',
      better: 'lower',
      goal: 1.55,
    },
    {
      name: 'idle-cpu',
      title: { zh: '空闲时处理器时间', en: 'processor time when idle' },
      against: { zh: '只有每秒一次定时器的 Node', en: 'a bare Node with a timer of one second' },
      unit: 's/min',
      better: 'lower',
      goal: 2,
    },
  ],
  prepare: prepareIdle,
}

async function prepareIdle(place: Workplace): Promise<Subject> {
  const identities = await place.identities([BOX])
  const line = openPtyLine({ onBytes: () => {} })
  if (!line.ok) throw new Error(line.error.detail)
  const unplug = place.keep(() => Promise.resolve(line.value.unplug()))
  const collector = await startCollectorProcess(place, identities)
  const configuration = writeAgentConfiguration(place.folder('idle'), {
    identity: identities.boxes[BOX]!,
    port: line.value.devicePath,
    logLevel: 'info',
  })
  const agent = await startAgentProcess(place, configuration)
  const bare = startNode(place, ['-e', 'setInterval(() => {}, 1000)'])
  await agent.line(text => text.includes('"msg":"pad-ready"'))
  await untilState(agent.url, state => state.link === 'online' && state.backlog === 0)
  await delay(SETTLE_MS)
  let bareFigures: readonly number[] = []

  return {
    async ours() {
      const before = [agent.pid, bare.pid].map(readCpuMs)
      await delay(WINDOW_MS)
      const [own, other] = [agent.pid, bare.pid].map((pid, i) => {
        const cpuMs = readCpuMs(pid) - before[i]!
        return [readResidentMiB(pid), (cpuMs / WINDOW_MS) * 60]
      })
      bareFigures = other!
      return own!
    },
    reference: () => Promise.resolve(bareFigures),
    async close() {
      await agent.stop()
      await bare.stop()
      await collector.stop()
      await unplug()
    },
  }
}
