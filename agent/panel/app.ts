import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Desk, WindowView } from '#agent/rating/desk.ts'
import type { Clock } from '#protocol/clock.ts'
import { isLoopback, refusalOf } from './access.ts'
import { type Answer, json, problem, send } from './answer.ts'
import { createBodyReader } from './body.ts'
import { pushState } from './live-state.ts'
import { pageAt } from './pages.ts'
import type { Pairing } from './pairing.ts'
import { createRateLimit } from './rate-limit.ts'
import { cancelCheck, pairingCheck, promptCheck } from './schemas.ts'

export interface PanelState {
  box: string
  link: 'online' | 'offline'
  backlog: number
  /** `isListening`: a prompt is open and the pad is past what it needs after being asked; a press counts now. */
  windows: (WindowView & { isListening: boolean })[]
}

const REQUESTS_PER_SECOND_MAX = 50
const WATCHERS_MAX = 32
const COOKIE = 'chuangping-pairing'
const COOKIE_SECONDS = 400 * 86_400
const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'self'; frame-ancestors 'none'",
}

type Handler = (request: IncomingMessage, response: ServerResponse, id: string) => Answer | Promise<Answer>

/**
 * The box's local API and the clerk's page, on Node's own HTTP server: a framework that speaks in the web's
 * Request and Response costs a quarter of the box's memory. Routes only translate: the verbs are the desk's.
 * Nothing here can read or write a grade.
 */
export function createPanelApp(deps: {
  clock: Clock
  desk: Pick<Desk, 'prompt' | 'cancel' | 'find'>
  pairing: Pairing
  state(): PanelState
  /** What was counted since the start. */
  counters(): Record<string, number>
  /** Calls back after each change of the state; returns how to stop. */
  watch(onChange: () => void): () => void
  allowedOrigins: readonly string[]
  /** Folder of the built page. */
  pages: string
}): (request: IncomingMessage, response: ServerResponse) => void {
  const { desk, pairing, allowedOrigins } = deps
  const mayGoOn = createRateLimit(deps.clock, REQUESTS_PER_SECOND_MAX)
  const readPrompt = createBodyReader(promptCheck)
  const readCancel = createBodyReader(cancelCheck)
  const readPairing = createBodyReader(pairingCheck)
  let watchers = 0

  /** By method and path; `:id` is the prompt's. */
  const routes: Record<string, Handler> = {
    'GET /v1/state': () => json(deps.state()),

    'GET /v1/health': () => json({ ok: true, counters: deps.counters() }),

    async 'POST /v1/prompts'(request) {
      const body = await readPrompt(request)
      if (!body.ok) return problem(request, body.error.code, body.error.detail)
      const { withoutCase, origin = 'api', ...order } = body.value
      if (!order.for && !withoutCase) return problem(request, 'case-number-missing')
      const asked = await desk.prompt({ ...order, origin, isWanted: () => isListenedTo(request) })
      if (asked.ok) return json(asked.value.prompt, asked.value.isNew ? 201 : 200)
      const { code, detail } = asked.error
      return code === 'asker-gone' ? undefined : problem(request, code, detail)
    },

    'GET /v1/prompts/:id'(request, _, id) {
      const prompt = desk.find(id)
      return prompt ? json(prompt) : problem(request, 'prompt-unknown')
    },

    async 'DELETE /v1/prompts/:id'(request, _, id) {
      const body = await readCancel(request)
      if (!body.ok) return problem(request, body.error.code, body.error.detail)
      const cancelled = await desk.cancel(id, body.value.reason, body.value.note)
      return cancelled.ok ? json(cancelled.value) : problem(request, cancelled.error.code, cancelled.error.detail)
    },

    async 'GET /v1/events'(request, response) {
      if (watchers >= WATCHERS_MAX) return problem(request, 'too-many-requests')
      watchers += 1
      await pushState(response, deps).finally(() => {
        watchers -= 1
      })
      return undefined
    },

    async 'POST /v1/pairing'(request) {
      const body = await readPairing(request)
      if (!body.ok) return problem(request, body.error.code, body.error.detail)
      const token = pairing.redeem(body.value.code)
      if (!token) return problem(request, 'pairing-refused')
      const cookie = `${COOKIE}=${token}; Max-Age=${COOKIE_SECONDS}; Path=/; HttpOnly; SameSite=Strict`
      return { status: 204, headers: { 'set-cookie': cookie } }
    },

    'POST /v1/pairing-codes'(request) {
      if (!isLoopback(addressOf(request))) return problem(request, 'pairing-required')
      return json(pairing.newCode(), 201)
    },

    // Loaded when somebody asks: on most boxes nobody ever does.
    'GET /openapi.json': async () => json((await import('./openapi.ts')).panelOpenapi()),
  }

  /** Undefined when the caller may go on. */
  function refusal(request: IncomingMessage, path: string): Answer {
    if (!mayGoOn(addressOf(request))) return problem(request, 'too-many-requests')
    const { host, origin } = request.headers
    const isPaired = path === '/v1/pairing' || pairing.isPaired(cookieOf(request))
    const refused = refusalOf({ remoteAddress: addressOf(request), host, origin, isPaired }, allowedOrigins)
    return refused && problem(request, refused)
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    const method = request.method === 'HEAD' ? 'GET' : request.method
    const path = pathOf(request)
    if (path.startsWith('/v1/')) {
      const refused = refusal(request, path)
      if (refused) return refused
      allowOrigin(request, response, allowedOrigins)
      if (method === 'OPTIONS') return { status: 204 }
    }
    const [, id] = /^\/v1\/prompts\/([^/]+)$/.exec(path) ?? []
    const name = `${method} ${id === undefined ? path : '/v1/prompts/:id'}`
    const handler = Object.hasOwn(routes, name) ? routes[name] : undefined
    if (handler) return await handler(request, response, id ?? '')
    const page = method === 'GET' && !path.startsWith('/v1/') ? await pageAt(deps.pages, path) : undefined
    return page ?? problem(request, 'not-found')
  }

  return (request, response) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value)
    answer(request, response).then(
      given => send(response, given),
      // What a route cannot answer is a broken promise of the box, or a caller that went away in between.
      () => (response.headersSent ? response.destroy() : send(response, problem(request, 'out-of-service'))),
    )
  }
}

const addressOf = (request: IncomingMessage) => request.socket.remoteAddress ?? ''

/** Decoded, without the query; what cannot be decoded is a path that nothing lies at. */
function pathOf(request: IncomingMessage): string {
  const [path = ''] = (request.url ?? '').split('?')
  try {
    return decodeURIComponent(path)
  } catch (error) {
    if (!(error instanceof URIError)) throw error
    return ''
  }
}

function cookieOf(request: IncomingMessage): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map(pair => pair.trim())
  return pairs.find(pair => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1)
}

function allowOrigin(request: IncomingMessage, response: ServerResponse, allowedOrigins: readonly string[]): void {
  const { origin } = request.headers
  if (!origin || !allowedOrigins.includes(origin)) return
  response.setHeader('access-control-allow-origin', origin)
  response.setHeader('vary', 'Origin')
  response.setHeader('access-control-allow-headers', 'content-type')
  response.setHeader('access-control-allow-methods', 'GET, POST, DELETE')
}

/** Whether somebody still waits for the answer: not whoever has hung up, or has ended the connection. */
function isListenedTo({ socket }: IncomingMessage): boolean {
  return !socket.destroyed && !socket.readableEnded
}
