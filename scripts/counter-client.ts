import type { Grade } from '#protocol/grades.ts'
import type { Counter } from './counter.ts'

/** What a business system, a clerk, a citizen and an onlooker do at a running counter, over its real interfaces. */
export interface CounterClient {
  /** Resolves when the pad is ready to ask. */
  padReady(): Promise<void>
  register(service: ServiceRef): Promise<void>
  /** Asks for a rating as the clerk's page does; the prompt's id. */
  prompt(service: ServiceRef): Promise<string>
  /** Asks for a rating as a business system does, through the collector; the prompt's id. */
  order(window: string, service: ServiceRef): Promise<string>
  /** Resolves when a prompt is open and the pad would believe a press. */
  listening(): Promise<void>
  press(grade: Grade): Promise<void>
  /** Resolves with the prompt's outcome. */
  ended(prompt: string): Promise<string>
  /** Resolves with the rating once the collector shows the service rated. */
  tied(service: ServiceRef): Promise<Rating>
  /** The virtual pad's state once it satisfies `isSo`. */
  padState(isSo: (state: PadState) => boolean): Promise<PadState>
}

export interface ServiceRef {
  case: string
  service: number
}

export interface Rating {
  grade: Grade | null
  provenance: string
  box: string
  epoch: string
  seq: number
  hash: string
  corrected: boolean
}

export interface PadState {
  plugged: boolean
  commands: { name: string }[]
  frames: { direction: 'in' | 'out'; hex: string }[]
  shown: { lamp: string }
}

interface ClerkWindow {
  pad: { state: string }
  isListening: boolean
}

const PATIENCE_MS = 30_000

export function createCounterClient(counter: Counter): CounterClient {
  const key = { authorization: `Bearer ${counter.apiKey}` }

  async function call(url: string, method: 'GET' | 'POST', body?: object, headers: Record<string, string> = {}) {
    const response = await fetch(url, {
      method,
      headers: { 'accept-language': 'en', ...(body && { 'content-type': 'application/json' }), ...headers },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${new URL(url).pathname}: ${response.status} ${text}`)
    return text ? JSON.parse(text) : undefined
  }

  async function padState(isSo: (state: PadState) => boolean) {
    return await firstEvent(`${counter.padUrl}/v1/events`, 'state', isSo)
  }

  async function clerkSees(isSo: (window: ClerkWindow) => boolean) {
    await firstEvent<{ windows: ClerkWindow[] }>(`${counter.clerkUrl}/v1/events`, 'state', state =>
      state.windows.some(isSo),
    )
  }

  return {
    async register(service) {
      await call(`${counter.collectorUrl}/v1/services`, 'POST', service, key)
    },
    async order(window, service) {
      const { prompt } = await call(`${counter.collectorUrl}/v1/windows/${window}/prompts`, 'POST', service, key)
      return prompt
    },
    async prompt(service) {
      const { id } = await call(`${counter.clerkUrl}/v1/prompts`, 'POST', { for: service, origin: 'panel' })
      return id
    },
    padReady: () => clerkSees(({ pad }) => pad.state === 'ready'),
    listening: () => clerkSees(({ isListening }) => isListening),
    async press(grade) {
      await call(`${counter.padUrl}/v1/press`, 'POST', { grade })
    },
    async ended(prompt) {
      const url = `${counter.clerkUrl}/v1/prompts/${prompt}`
      return await afterEachEvent(`${counter.clerkUrl}/v1/events`, async () => {
        const { state, outcome } = await call(url, 'GET')
        return state === 'finished' ? outcome : undefined
      })
    },
    async tied({ case: number, service }) {
      const url = `${counter.collectorUrl}/v1/services/${encodeURIComponent(number)}/${service}`
      return await afterEachEvent(`${counter.collectorUrl}/v1/events`, async () => {
        const { rating } = await call(url, 'GET')
        return rating ?? undefined
      })
    },
    padState,
  }
}

/** Asks at once and after every event of a stream, until there is an answer. */
async function afterEachEvent<T>(url: string, ask: () => Promise<T | undefined>): Promise<T> {
  const response = await fetch(url, { signal: patience(url) })
  // Subscribed first, asked then: what happens between the two is in the stream.
  const now = await ask()
  if (now !== undefined) return now
  for await (const _ of response.body!) {
    const then = await ask()
    if (then !== undefined) return then
  }
  throw new Error(`${new URL(url).pathname} ended before the answer came`)
}

/** The first event of this name whose data satisfies the condition. */
async function firstEvent<T>(url: string, name: string, isSo: (data: T) => boolean): Promise<T> {
  const response = await fetch(url, { signal: patience(url) })
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const lines = event.split('\n')
      if (!lines.includes(`event: ${name}`)) continue
      const data = JSON.parse(lines.find(line => line.startsWith('data: '))!.slice(6)) as T
      if (isSo(data)) return data
    }
  }
  throw new Error(`${new URL(url).pathname} ended before the event came`)
}

function patience(url: string): AbortSignal {
  const patient = new AbortController()
  const reason = new Error(
    `${new URL(url).pathname}: what was waited for did not happen within ${PATIENCE_MS / 1000} s`,
  )
  setTimeout(() => patient.abort(reason), PATIENCE_MS).unref()
  return patient.signal
}
