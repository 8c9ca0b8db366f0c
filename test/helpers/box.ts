import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import type { Agent } from '#agent/agent.ts'
import { startAgent } from '#agent/main.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { readSettings } from '#agent/settings.ts'
import type { Grade } from '#protocol/grades.ts'
import { createDeviceModel } from '#virtual-pad/device.ts'
import { openPtyLine } from '#virtual-pad/pty.ts'
import { lineWriter } from './collector.ts'

/** A box in this process, whole: its agent, on a serial device of the kernel with a pad in software behind it. */
export interface InProcessBox extends Agent {
  /** Every line logged. */
  lines: string[]
  /** Resolves with the first line logged, now or later, that holds all of these texts. */
  logged(...texts: string[]): Promise<string>
  press(grade: Grade): void
  /** Asks at the panel, and rates once the pad listens. */
  rate(service: { case: string; service: number }, grade: Grade): Promise<string>
  prompt(service: { case: string; service: number }): Promise<string>
  cancel(prompt: string): Promise<void>
  /** The panel's state once it is as wished. */
  state(isSo: (state: BoxState) => boolean): Promise<BoxState>
}

export interface BoxState {
  link: string
  backlog: number
  windows: {
    window: string
    pad: { state: string }
    isListening: boolean
    session: { state: string }
    today: { prompts: number; rated: number }
  }[]
}

const PROFILE = 'generic-rs485-four-key'
const PROFILES = join(import.meta.dirname, '..', '..', 'device-profiles')

/** `dir` gets configuration and journal; `identity` is the box's own folder. */
export async function startTestBox(
  dir: string,
  identity: string,
  options: {
    window?: string
    onEnd?(close: () => Promise<void>): void
    /** What the service manager would learn by the process ending; by default it fails the test. */
    onFatal?(error: unknown): void
  } = {},
): Promise<InProcessBox> {
  const profile = loadProfile(join(PROFILES, PROFILE))
  if (!profile.ok) throw new Error(profile.error.detail)
  const device = createDeviceModel(profile.value)
  // And a little, because the agent's clock counts whole milliseconds.
  const holdOffMs = profile.value.behaviour.holdOffMs + 20
  const link = join(dir, `pad-${randomUUID()}`)
  const line = openPtyLine({ link, onBytes: bytes => void device.receive(bytes) })
  if (!line.ok) throw new Error(line.error.detail)
  const file = join(dir, 'agent.yaml')
  const windows = [{ window: options.window ?? 'A01', profile: PROFILE, port: link }]
  writeFileSync(file, stringify({ identity, journal: 'journal', windows, panel: { port: 0 } }))
  const read = readSettings(file, {})
  if (!read.ok) throw new Error(read.error.detail)

  const lines: string[] = []
  let waiting: (() => void)[] = []
  const log = pino(
    { level: 'trace' },
    lineWriter(lines, () => {
      for (const wake of waiting.splice(0)) wake()
    }),
  )
  const started = await startAgent({
    settings: read.value.settings,
    base: dir,
    log,
    onFatal: options.onFatal ?? expectNothingFatal,
  })
  if (!started.ok) throw new Error(started.error.detail)
  const { url, isInService, close: closeAgent } = started.value
  let isClosed = false
  async function close() {
    if (isClosed) return
    isClosed = true
    waiting = []
    await closeAgent()
    if (line.ok) line.value.unplug()
  }
  ;(options.onEnd ?? onTestFinished)(close)

  async function state(isSo: (state: BoxState) => boolean): Promise<BoxState> {
    const response = await fetch(`${url}/v1/events`)
    let text = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const events = text.split('\n\n')
      text = events.pop()!
      for (const event of events) {
        const now = JSON.parse(/^data: (.*)$/m.exec(event)![1]!) as BoxState
        if (isSo(now)) return now
      }
    }
    throw new Error('the panel ended before the state was as wished')
  }

  async function call(method: 'POST' | 'DELETE', path: string, body: object): Promise<{ id: string }> {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url + path, { method, headers, body: JSON.stringify(body) })
    const answer = (await response.json()) as { id: string; code?: string }
    if (!response.ok) throw new Error(`${method} ${path} was refused: ${answer.code}`)
    return answer
  }

  async function prompt(service: { case: string; service: number }): Promise<string> {
    return (await call('POST', '/v1/prompts', { for: service })).id
  }

  let pressedMonoMs = Number.NEGATIVE_INFINITY
  /** The next citizen comes no sooner than the pad's hold-off allows. */
  async function nextCitizen() {
    const restMs = pressedMonoMs + holdOffMs - performance.now()
    if (restMs > 0) await new Promise(resolve => setTimeout(resolve, restMs))
  }

  function press(grade: Grade) {
    pressedMonoMs = performance.now()
    const pressed = device.press(grade, performance.now())
    if (!pressed.ok || !line.ok) throw new Error('this pad has no such key')
    for (const { bytes } of pressed.value) line.value.write(Uint8Array.from(bytes))
  }

  await state(({ windows: [window] }) => window?.pad.state === 'ready')
  return {
    url,
    isInService,
    close,
    lines,
    async logged(...texts) {
      for (;;) {
        const found = lines.find(one => texts.every(text => one.includes(text)))
        if (found) return found
        await new Promise<void>(resolve => waiting.push(resolve))
      }
    },
    press,
    prompt,
    async cancel(id) {
      await call('DELETE', `/v1/prompts/${id}`, { reason: 'wrong-case' })
    },
    state,
    async rate(service, grade) {
      const before = (await state(() => true)).windows[0]!.today.rated
      const id = await prompt(service)
      await state(({ windows: [window] }) => window!.isListening)
      await nextCitizen()
      press(grade)
      await state(({ windows: [window] }) => window!.today.rated === before + 1)
      // The box saw the press before now, however busy the machine is.
      pressedMonoMs = performance.now()
      return id
    },
  }
}

function expectNothingFatal(error: unknown): never {
  throw error
}
