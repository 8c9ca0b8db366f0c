import { agentFile, startNode, writeAgentConfiguration } from './agent-process.ts'
import type { Measurement, Subject } from './measurement.ts'
import { median } from './statistics.ts'
import type { Workplace } from './workplace.ts'

/**
 * From starting the process to its `ready` line, which follows the first entry on disk (no broker, no pad), beside a
 * bare Node that prints one line. A box starts as it did the day before, with journal, settings and compiled code kept;
 * the first start with new settings reads them in a process of its own, and makes its journal.
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
    {
      name: 'start-changed',
      title: { zh: '新配置的首次启动', en: 'the first start with new settings and a new journal' },
      against: { zh: '空 Node 打印一行', en: 'a bare Node that prints a line' },
      unit: 'ms',
      better: 'lower',
      goal: null,
    },
  ],
  prepare: prepareStart,
}

const BOX = 'bench-start'
/** Starts of one round; the middle one counts, since a single start is at the mercy of its neighbours. */
const STARTS = 5

async function prepareStart(place: Workplace): Promise<Subject> {
  const identity = (await place.identities([BOX])).boxes[BOX]!
  const configure = () => {
    const settings = { identity, port: '/dev/no-such-pad', logLevel: 'silent' } as const
    return [agentFile(), 'agent', 'run', '--config', writeAgentConfiguration(place.folder('start'), settings), '--json']
  }

  async function startMs(args: readonly string[]): Promise<number> {
    const startedMs = performance.now()
    const started = startNode(place, args)
    await started.line(line => line.startsWith('{"ready":true'))
    const tookMs = performance.now() - startedMs
    await started.stop()
    return tookMs
  }

  async function medianMs(start: () => Promise<number>): Promise<number> {
    const tookMs: number[] = []
    for (let i = 0; i < STARTS; i++) tookMs.push(await start())
    return median(tookMs)
  }

  const usual = configure()
  await startMs(usual)
  return {
    async ours() {
      return [await medianMs(() => startMs(usual)), await startMs(configure())]
    },
    async reference() {
      const bareMs = await medianMs(() => startMs(['-e', `console.log('{"ready":true}')`]))
      return [bareMs, bareMs]
    },
    close: () => Promise.resolve(),
  }
}
