import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { loadCollectorConfiguration } from '#collector/configuration.ts'
import { type RunningCollector, startCollector } from '#collector/main.ts'
import { createSystemClock } from '#runtime/system-clock.ts'

export interface InProcessCollector extends RunningCollector {
  /** Every line logged. */
  lines: string[]
  get(path: string): Promise<unknown>
}

/** The collector whole, in this process, on the identities in `dir`; with its own broker, or at the one of `brokerUrl`. */
export async function startTestCollector(
  dir: string,
  brokerUrl?: string,
  onEnd: (close: () => Promise<void>) => void = onTestFinished,
): Promise<InProcessCollector> {
  const embedded = { host: '127.0.0.1', port: 0, key: 'broker/broker.key', cert: 'broker/broker.crt' }
  const file = join(dir, 'collector.yaml')
  const settings = {
    store: 'store/collector.sqlite',
    identity: 'collector',
    broker: brokerUrl ? { url: brokerUrl } : { embedded },
    api: { port: 0 },
    keys: 'api-keys.yaml',
  }
  writeFileSync(file, stringify(settings))
  const configuration = loadCollectorConfiguration(file, {})
  if (!configuration.ok) throw new Error(configuration.error.detail)
  const lines: string[] = []
  const log = pino({ level: 'trace' }, lineWriter(lines))
  const started = await startCollector(configuration.value, { clock: createSystemClock(), randomBytes, log })
  if (!started.ok) throw new Error(started.error.detail)
  onEnd(started.value.close)
  return {
    ...started.value,
    lines,
    get: async path => await (await fetch(started.value.url + path)).json(),
  }
}

/** Takes what a logger writes, line by line. */
export function lineWriter(into: string[], onLine = () => {}): Writable {
  return new Writable({
    write(chunk, _encoding, done) {
      into.push(String(chunk))
      onLine()
      done()
    },
  })
}
