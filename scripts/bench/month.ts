import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { agentFile, SETTLE_MS, startNode, writeAgentConfiguration } from './agent-process.ts'
import { writeLongJournal } from './long-journal.ts'
import type { Measurement, Subject } from './measurement.ts'
import { readResidentMiB } from './process-figures.ts'
import type { Workplace } from './workplace.ts'

const BOX = 'bench-month'
/** A window with 200 citizens a day writes so much in a month and more, every kind of entry counted. */
const ENTRIES = 200_000

const against = { zh: '空日志链的盒子', en: 'the same box with an empty journal' }

/** A box that was offline for a month is started, offline: to its `ready` line, and what it holds when it is quiet. */
export const month: Measurement = {
  name: 'month',
  rows: [
    {
      name: 'month-start',
      title: { zh: '离线一月（20 万条目）后启动', en: 'start with 200,000 entries without a receipt' },
      against,
      unit: 'ms',
      better: 'lower',
      goal: 1.5,
    },
    {
      name: 'month-memory',
      title: { zh: '离线一月后空闲常驻内存', en: 'resident memory when idle, with 200,000 entries' },
      against,
      unit: 'MiB',
      better: 'lower',
      goal: 1.15,
    },
  ],
  prepare: prepareMonth,
}

async function prepareMonth(place: Workplace): Promise<Subject> {
  const identity = (await place.identities([BOX])).boxes[BOX]!
  // Both have been started before, so that neither reads its settings anew.
  const configure = () => {
    const folder = place.folder('month')
    return { folder, file: writeAgentConfiguration(folder, { identity, port: '/dev/no-such-pad', logLevel: 'silent' }) }
  }
  const [long, empty] = [configure(), configure()]
  mkdirSync(join(long.folder, 'journal'), { mode: 0o700 })
  writeLongJournal(join(long.folder, 'journal'), BOX, ENTRIES)

  for (const { file } of [long, empty]) {
    const once = startNode(place, [agentFile(), 'agent', 'run', '--config', file, '--json'])
    await once.line(line => line.startsWith('{"ready":true'))
    await once.stop()
  }

  async function startAndSettle(file: string): Promise<number[]> {
    const startedMs = performance.now()
    const agent = startNode(place, [agentFile(), 'agent', 'run', '--config', file, '--json'])
    await agent.line(line => line.startsWith('{"ready":true'))
    const tookMs = performance.now() - startedMs
    await delay(SETTLE_MS)
    const residentMiB = readResidentMiB(agent.pid)
    await agent.stop()
    return [tookMs, residentMiB]
  }

  return {
    ours: () => startAndSettle(long.file),
    reference() {
      rmSync(join(empty.folder, 'journal'), { recursive: true, force: true })
      return startAndSettle(empty.file)
    },
    close: () => Promise.resolve(),
  }
}
