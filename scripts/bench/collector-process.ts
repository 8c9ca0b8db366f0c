import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { DevelopmentIdentities } from '#provisioning/development.ts'
import { startProgram } from '#scripts/program.ts'
import type { Workplace } from './workplace.ts'

export interface CollectorProcess {
  /** Resolves when every committed entry is projected: opened, tied and to be seen. */
  projected(): Promise<void>
  stop(): Promise<void>
}

const POLL_MS = 25
/** Where files have no disk, on Linux. */
const MEMORY = '/dev/shm'
/** Takes the processor that others leave. */
const LOW_PRIORITY = 15

/**
 * Starts the real collector with its embedded broker and an empty store. `isElsewhere` where the box is measured and
 * not both: in the field they share neither disk nor processor, so the store lies in memory and the box goes first.
 */
export async function startCollectorProcess(
  place: Workplace,
  identities: DevelopmentIdentities,
  { isElsewhere = false } = {},
): Promise<CollectorProcess> {
  const folder = isElsewhere ? mkdtempSync(join(MEMORY, 'chuangping-bench-')) : place.folder('collector')
  const { collector, broker } = identities
  const file = join(folder, 'collector.yaml')
  const embedded = {
    host: '127.0.0.1',
    port: place.brokerPort,
    key: join(broker, 'broker.key'),
    cert: join(broker, 'broker.crt'),
  }
  const settings = {
    store: 'collector.sqlite',
    identity: collector,
    broker: { embedded },
    api: { port: 0, requestsPerMinute: 100_000 },
    keys: 'keys.json',
    log: 'warn',
  }
  writeFileSync(file, stringify(settings))
  const program = await startProgram(['collector', 'run', '--config', file])
  if (isElsewhere) yieldProcessor(program.child.pid!)
  const stop = place.keep(async () => {
    await program.stop()
    if (isElsewhere) rmSync(folder, { recursive: true, force: true })
  })
  const api = String(program.ready['api'])
  const health = async () =>
    (await (await fetch(`${api}/v1/health`)).json()) as { broker: string; behind: number; quarantined: number }
  return {
    stop,
    async projected() {
      for (let now = await health(); now.behind > 0 || now.broker !== 'up'; now = await health()) await delay(POLL_MS)
      const { quarantined } = await health()
      if (quarantined > 0) throw new Error(`the collector quarantined ${quarantined} batches of the bench`)
    },
  }
}

/** Every thread of it; what it starts later inherits from the one that starts it. */
function yieldProcessor(pid: number): void {
  for (const thread of readdirSync(`/proc/${pid}/task`)) setPriority(Number(thread), LOW_PRIORITY)
}
