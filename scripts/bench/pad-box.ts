import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { openPtyLine } from '#virtual-pad/pty.ts'
import { type AgentProcess, startAgentProcess } from './agent-process.ts'
import { promptBody } from './sessions.ts'
import type { Workplace } from './workplace.ts'

const WINDOW = 'A01'
const PROFILE = 'generic-pj06'
const PROFILES = join(import.meta.dirname, '../../device-profiles')
/** The box believes the key this long after it asked. */
const LISTENS_AFTER_MS = 20
/** Key 1 of the pad: one bare byte. */
const KEY = Buffer.of(1)
const PATIENCE_MS = 10_000

/** The real agent process with a pad on a pseudo-terminal, where pressing a key is writing a byte. */
export interface PadBox {
  agent: AgentProcess
  /** Prompts, presses, and gives how long the first byte of the thank-you took, ms. A pseudo-terminal has no wire time. */
  press(): Promise<number>
  stop(): Promise<void>
}

/** A pad that is asked and pressed many times a minute: the same bytes, with the waits of people and voices left out. */
function writeQuickProfile(folder: string): void {
  cpSync(join(PROFILES, PROFILE), join(folder, PROFILE), { recursive: true })
  const file = join(folder, PROFILE, 'profile.yaml')
  const quick = readFileSync(file, 'utf8')
    .replaceAll(/wait: \d+ms/g, `wait: ${LISTENS_AFTER_MS}ms`)
    .replace(/holdOff: \d+ms/, 'holdOff: 1ms')
  writeFileSync(file, quick)
}

export async function startPadBox(place: Workplace, folder: string, identity: string): Promise<PadBox> {
  let heard = Buffer.alloc(0)
  let isListening = false
  let wake = () => {}
  const line = openPtyLine({
    onBytes(bytes) {
      heard = Buffer.concat([heard, bytes])
      wake()
    },
  })
  if (!line.ok) throw new Error(line.error.detail)
  const unplug = place.keep(() => Promise.resolve(line.value.unplug()))
  writeQuickProfile(join(folder, 'profiles'))
  const configuration = join(folder, 'agent.yaml')
  const windows = [{ window: WINDOW, profile: PROFILE, port: line.value.devicePath }]
  const settings = { identity, profiles: 'profiles', windows, panel: { port: 0 }, logLevel: 'info' }
  writeFileSync(configuration, stringify(settings))
  const agent = await startAgentProcess(place, configuration)
  await agent.line(text => text.includes('"msg":"pad-ready"'))
  const watching = new AbortController()
  void watchListening(agent.url, watching.signal, is => {
    isListening = is
    wake()
  })

  async function until(isSo: () => boolean): Promise<void> {
    const timeout = AbortSignal.timeout(PATIENCE_MS)
    while (!isSo()) {
      if (timeout.aborted) throw new Error('the box did not answer its pad')
      await new Promise<void>(resolve => {
        wake = resolve
        timeout.addEventListener('abort', () => resolve(), { once: true })
      })
    }
  }

  return {
    agent,
    async press() {
      await until(() => !isListening)
      const { for: service } = promptBody()
      const asked = await fetch(`${agent.url}/v1/prompts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ window: WINDOW, for: service }),
      })
      if (asked.status !== 201) throw new Error(`the box refused a prompt: ${await asked.text()}`)
      await asked.arrayBuffer()
      await until(() => isListening)
      heard = Buffer.alloc(0)
      const pressedMs = performance.now()
      line.value.write(KEY)
      await until(() => heard.length > 0)
      return performance.now() - pressedMs
    },
    async stop() {
      watching.abort()
      await agent.stop()
      await unplug()
    },
  }
}

/** Tells whether a press counts now, from the box's own live events, until aborted. */
async function watchListening(url: string, signal: AbortSignal, tell: (isListening: boolean) => void): Promise<void> {
  try {
    const response = await fetch(`${url}/v1/events`, { signal })
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      const newest = [...text.matchAll(/"isListening":(true|false)/g)].at(-1)
      if (newest) tell(newest[1] === 'true')
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
