import { agentFile, startNode, writeAgentConfiguration } from './agent-process.ts'
import type { Measurement, Subject } from './measurement.ts'
import type { Workplace } from './workplace.ts'

/**
 * From starting the process to its `ready` line, which follows the first entry on disk (a new journal each
 * time, no broker, no pad), beside a bare Node that prints one line.
 */
export const start: Measurement = {
  name: 'start',
  rows: [
    {
      name: 'start',
      title: { zh: '启动到首条目落盘并就绪', en: 'start to first durable entry and ready' },
      against: { zh: '空 Node 打印一行', en: 'a bare Node that prints a line' },
      unit: 'ms',
      better: 'lower',
      goal: 3.5,
    },
  ],
  prepare: prepareStart,
}

const BOX = 'bench-start'

async function prepareStart(place: Workplace): Promise<Subject> {
  const identity = (await place.identities([BOX])).boxes[BOX]!

  async function startMs(args: readonly string[]): Promise<number> {
    const startedMs = performance.now()
    const started = startNode(place, args)
    await started.line(line => line.startsWith('{"ready":true'))
    const tookMs = performance.now() - startedMs
    await started.stop()
    return tookMs
  }

  const configure = () =>
    writeAgentConfiguration(place.folder('start'), { identity, port: '/dev/no-such-pad', logLevel: 'silent' })
  return {
    ours: async () => [await startMs([agentFile(), 'agent', 'run', '--config', configure(), '--json'])],
    reference: async () => [await startMs(['-e', `console.log('{"ready":true}')`])],
    close: () => Promise.resolve(),
  }
}
