import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startEmbeddedBroker } from '#collector/broker/embedded.ts'
import { createCounters } from '#collector/counters.ts'
import { createRevocations } from '#collector/fleet/revocations.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { upTopicOfAll } from '#protocol/topics.ts'
import type { DevelopmentIdentities } from '#provisioning/development.ts'
import { connectAs } from './box-client.ts'
import type { Workplace } from './workplace.ts'

/** The reference of ingest: the same embedded broker in one process with a consumer that only counts. */
export interface CountingBroker {
  port: number
  /** Resolves when so many messages were counted since the start. */
  counted(total: number): Promise<void>
  stop(): Promise<void>
}

/** Without a consumer it only acknowledges what is published. */
export async function startCountingBroker(
  place: Workplace,
  identities: DevelopmentIdentities,
  options: { hasConsumer: boolean },
): Promise<CountingBroker> {
  const { broker, collector } = identities
  const child = fork(import.meta.filename, [broker, options.hasConsumer ? collector : ''])
  const closed = once(child, 'close')
  const stop = place.keep(async () => {
    child.kill('SIGKILL')
    await closed
  })
  const told = async <T>(key: string): Promise<T> => {
    for (;;) {
      const [message] = (await Promise.race([
        once(child, 'message'),
        closed.then(() => Promise.reject(new Error('the counting broker ended too early'))),
      ])) as [Record<string, T>]
      if (key in message) return message[key]!
    }
  }
  const port = await told<number>('port')
  return {
    port,
    stop,
    async counted(total) {
      const reached = told('reached')
      child.send({ total })
      await reached
    },
  }
}

/** The child. Ends when its parent is gone. */
async function serve(brokerFolder: string, collectorFolder: string) {
  process.on('disconnect', () => process.exit())
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}) // The parent ends it.
  const tls = {
    ca: readFileSync(join(brokerFolder, 'ca.crt')),
    cert: readFileSync(join(brokerFolder, 'broker.crt')),
    key: readFileSync(join(brokerFolder, 'broker.key')),
  }
  const [counters, revocations] = [createCounters(), createRevocations()]
  const { port } = await startEmbeddedBroker({ host: '127.0.0.1', port: 0, tls, counters, revocations })
  let count = 0
  let wanted = Number.POSITIVE_INFINITY
  const look = () => {
    if (count < wanted) return
    wanted = Number.POSITIVE_INFINITY
    process.send!({ reached: count })
  }
  process.on('message', ({ total }: { total: number }) => {
    wanted = total
    look()
  })
  if (collectorFolder) {
    const consumer = await connectAs(COLLECTOR_NAME, collectorFolder, port)
    consumer.on('message', () => {
      count += 1
      look()
    })
    await consumer.subscribeAsync(upTopicOfAll('batch'), { qos: 1 })
  }
  process.send!({ port })
}

if (import.meta.main) await serve(process.argv[2]!, process.argv[3]!)
