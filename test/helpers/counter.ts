import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type Counter, type CounterOptions, startCounter } from '#scripts/counter.ts'
import { type CounterClient, createCounterClient } from '#scripts/counter-client.ts'
import { createRecordingRelay, type RecordingRelay } from './recording-relay.ts'
import { type Finding, searchWritten } from './search-written.ts'

export interface TestCounter {
  dir: string
  counter: Counter
  client: CounterClient
  /** Every line the three programs printed. */
  lines: string[]
  /** Everything readable that should not be, in all that was written, printed and told the clerk so far. */
  readable(cases: readonly string[]): Finding[]
  /** Registers a service, prompts, presses and waits until the clerk sees the end; the prompt's id. */
  rate(service: { case: string; service: number }, grade: Parameters<CounterClient['press']>[0]): Promise<string>
}

/** One whole counter for the tests of a file: three real processes, a real serial device, a real broker. */
export function useCounter(
  options: Pick<CounterOptions, 'broker' | 'profile' | 'isAgentBuilt' | 'agentEnv'> = {},
): TestCounter {
  const own = { lines: [] as string[] } as TestCounter
  let relay: RecordingRelay | undefined
  beforeAll(async () => {
    own.dir = mkdtempSync(join(tmpdir(), 'chuangping-e2e-'))
    const counter = await startCounter({ ...options, dir: own.dir, onLine: (_, line) => void own.lines.push(line) })
    // The clerk's computer stands behind a relay that keeps a copy.
    relay = await createRecordingRelay(() => Number(new URL(counter.clerkUrl).port))
    own.counter = { ...counter, clerkUrl: `http://127.0.0.1:${relay.port}` }
    own.client = createCounterClient(own.counter)
    await own.client.padReady()
  }, 60_000)
  afterAll(async () => {
    await relay?.close()
    await own.counter?.stop()
    rmSync(own.dir, { recursive: true, force: true })
  })
  own.rate = async (service, grade) => {
    await own.client.register(service)
    const prompt = await own.client.prompt(service)
    await own.client.listening()
    await own.client.press(grade)
    await own.client.ended(prompt)
    return prompt
  }
  own.readable = cases => {
    const traffic = Buffer.concat([relay!.bytes('client'), relay!.bytes('server')])
    return searchWritten({ dir: own.dir, output: own.lines, traffic, cases })
  }
  return own
}
