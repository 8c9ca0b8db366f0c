import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { type Counter, type CounterOptions, startCounter } from '#scripts/counter.ts'
import { type CounterClient, createCounterClient } from '#scripts/counter-client.ts'

export interface TestCounter {
  dir: string
  counter: Counter
  client: CounterClient
  /** Every line the three programs printed, and every byte their panels answered is for the test to collect. */
  lines: string[]
  /** Registers a service, prompts, presses and waits until the clerk sees the end; the prompt's id. */
  rate(service: { case: string; service: number }, grade: Parameters<CounterClient['press']>[0]): Promise<string>
}

/** One whole counter for the tests of a file: three real processes, a real serial device, a real broker. */
export function useCounter(options: Pick<CounterOptions, 'broker' | 'profile' | 'isAgentBuilt'> = {}): TestCounter {
  const own = { lines: [] as string[] } as TestCounter
  beforeAll(async () => {
    own.dir = mkdtempSync(join(tmpdir(), 'chuangping-e2e-'))
    own.counter = await startCounter({ ...options, dir: own.dir, onLine: (_, line) => void own.lines.push(line) })
    own.client = createCounterClient(own.counter)
    await own.client.padReady()
  }, 60_000)
  afterAll(async () => {
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
  return own
}
