import { existsSync } from 'node:fs'
import { getConnInfo } from '@hono/node-server/conninfo'
import { serveStatic } from '@hono/node-server/serve-static'
import { type Context, Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { getCookie, setCookie } from 'hono/cookie'
import { streamSSE } from 'hono/streaming'
import type Type from 'typebox'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import type { Desk, WindowView } from '#agent/rating/desk.ts'
import type { Clock } from '#protocol/clock.ts'
import { describeErrors } from '#protocol/codec.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { languageOfHeader } from '#runtime/language.ts'
import { createProblem, PROBLEM_MEDIA_TYPE } from '#runtime/problem.ts'
import { isLoopback, refusalOf } from './access.ts'
import { panelOpenapi } from './openapi.ts'
import type { Pairing } from './pairing.ts'
import { PANEL_PROBLEMS, type PanelProblemCode } from './problems.ts'
import { createRateLimit } from './rate-limit.ts'
import { CancelBody, PairingBody, PromptRequestBody } from './schemas.ts'

export interface PanelState {
  box: string
  link: 'online' | 'offline'
  backlog: number
  /** `isListening`: a prompt is open and the pad is past what it needs after being asked; a press counts now. */
  windows: (WindowView & { isListening: boolean })[]
}

const BODY_BYTES_MAX = 16 * 1024
const REQUESTS_PER_SECOND_MAX = 50
const WATCHERS_MAX = 32
const COOKIE = 'chuangping-pairing'
const COOKIE_SECONDS = 400 * 86_400

/**
 * The box's local API and the clerk's page. Routes only translate: the verbs are the desk's.
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
}): Hono {
  const { desk, pairing, allowedOrigins } = deps
  const app = new Hono()
  const mayGoOn = createRateLimit(deps.clock, REQUESTS_PER_SECOND_MAX)
  const readPrompt = createBodyReader(PromptRequestBody)
  const readCancel = createBodyReader(CancelBody)
  const readPairing = createBodyReader(PairingBody)
  let watchers = 0

  app.use('*', async (c, next) => {
    c.header('X-Content-Type-Options', 'nosniff')
    c.header('X-Frame-Options', 'DENY')
    c.header('Referrer-Policy', 'no-referrer')
    c.header('Content-Security-Policy', "default-src 'self'; frame-ancestors 'none'")
    await next()
  })
  app.use('/v1/*', bodyLimit({ maxSize: BODY_BYTES_MAX, onError: c => problem(c, 'body-too-big') }))
  app.use('/v1/*', async (c, next) => {
    const remoteAddress = getConnInfo(c).remote.address ?? ''
    if (!mayGoOn(remoteAddress)) return problem(c, 'too-many-requests')
    const refusal = refusalOf(
      {
        remoteAddress,
        host: c.req.header('host'),
        origin: c.req.header('origin'),
        isPaired: c.req.path === '/v1/pairing' || pairing.isPaired(getCookie(c, COOKIE)),
      },
      allowedOrigins,
    )
    if (refusal) return problem(c, refusal)
    const origin = c.req.header('origin')
    if (origin && allowedOrigins.includes(origin)) {
      c.header('Access-Control-Allow-Origin', origin)
      c.header('Vary', 'Origin')
      c.header('Access-Control-Allow-Headers', 'content-type')
      c.header('Access-Control-Allow-Methods', 'GET, POST, DELETE')
    }
    if (c.req.method === 'OPTIONS') return c.body(null, 204)
    return await next()
  })

  app.get('/v1/state', c => c.json(deps.state()))

  app.get('/v1/health', c => c.json({ ok: true, counters: deps.counters() }))

  app.post('/v1/prompts', async c => {
    const body = await readPrompt(c)
    if (!body.ok) return problem(c, 'bad-request', body.error.detail)
    const { withoutCase, origin = 'api', ...order } = body.value
    if (!order.for && !withoutCase) return problem(c, 'case-number-missing')
    const asked = await desk.prompt({ ...order, origin })
    if (!asked.ok) return problem(c, asked.error.code, asked.error.detail)
    return c.json(asked.value.prompt, asked.value.isNew ? 201 : 200)
  })

  app.get('/v1/prompts/:id', c => {
    const prompt = desk.find(c.req.param('id'))
    return prompt ? c.json(prompt) : problem(c, 'prompt-unknown')
  })

  app.delete('/v1/prompts/:id', async c => {
    const body = await readCancel(c)
    if (!body.ok) return problem(c, 'bad-request', body.error.detail)
    const cancelled = await desk.cancel(c.req.param('id'), body.value.reason, body.value.note)
    return cancelled.ok ? c.json(cancelled.value) : problem(c, cancelled.error.code, cancelled.error.detail)
  })

  app.get('/v1/events', c => {
    if (watchers >= WATCHERS_MAX) return problem(c, 'too-many-requests')
    watchers += 1
    return streamSSE(c, async stream => {
      // Writes are chained, so that a slow reader sees states in order and only the newest of a burst.
      let isWriting = false
      let isStale = true
      const write = async () => {
        if (isWriting) return
        isWriting = true
        while (isStale && !stream.aborted) {
          isStale = false
          await stream.writeSSE({ event: 'state', data: JSON.stringify(deps.state()) })
        }
        isWriting = false
      }
      const stop = deps.watch(() => {
        isStale = true
        void write()
      })
      await write()
      await new Promise<void>(resolve => stream.onAbort(resolve))
      stop()
      watchers -= 1
    })
  })

  app.post('/v1/pairing', async c => {
    const body = await readPairing(c)
    if (!body.ok) return problem(c, 'bad-request', body.error.detail)
    const token = pairing.redeem(body.value.code)
    if (!token) return problem(c, 'pairing-refused')
    setCookie(c, COOKIE, token, { httpOnly: true, sameSite: 'Strict', path: '/', maxAge: COOKIE_SECONDS })
    return c.body(null, 204)
  })

  app.post('/v1/pairing-codes', c => {
    if (!isLoopback(getConnInfo(c).remote.address ?? '')) return problem(c, 'pairing-required')
    return c.json(pairing.newCode(), 201)
  })

  app.get('/openapi.json', c => c.json(panelOpenapi()))
  if (existsSync(deps.pages)) app.use('*', serveStatic({ root: deps.pages }))
  app.notFound(c => problem(c, 'not-found'))
  return app
}

function problem(c: Context, code: PanelProblemCode, detail?: string) {
  const language = languageOfHeader(c.req.header('accept-language'))
  const body = createProblem(PANEL_PROBLEMS, code, language, detail)
  return c.body(JSON.stringify(body), body.status as 400, {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-language': language === 'zh' ? 'zh-CN' : 'en',
  })
}

/** Reads a JSON body against its schema; the refusal names places and what is allowed, never the values. */
function createBodyReader<S extends TSchema>(schema: S): (c: Context) => Promise<Result<Type.Static<S>>> {
  const compiled = Compile(schema)
  return async c => {
    if (!/^application\/json\b/.test(c.req.header('content-type') ?? '')) {
      return fail('bad-request', 'the body must be application/json')
    }
    let value: unknown
    try {
      value = await c.req.json()
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return fail('bad-request', 'the body is not JSON')
    }
    return compiled.Check(value)
      ? ok(value as Type.Static<S>)
      : fail('bad-request', describeErrors(compiled.Errors(value)))
  }
}
