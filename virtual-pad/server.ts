import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import Type, { type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { BYTES_PATTERN } from '#agent/pad/bytes.ts'
import { GradeSchema } from '#protocol/grades.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { describeErrors } from '#protocol/schema-errors.ts'
import { languageOfHeader } from '#runtime/language.ts'
import { createProblem, PROBLEM_MEDIA_TYPE } from '#runtime/problem.ts'
import type { Controls, ControlsState } from './controls.ts'
import type { PageFiles } from './page-files.ts'
import { PROBLEMS, type ProblemCode } from './problems.ts'
import type { PadSimulation } from './simulation.ts'

type Refusal = { code: ProblemCode; detail: string }
type Action = (body: unknown) => Result<undefined, Refusal> | Promise<Result<undefined, Refusal>>

const BODY_BYTES_MAX = 4096
const CONTROLS_EVERY_MS = 1000

/** The pad's HTTP interface: one state to read or to follow, and one address for each thing a person can do. */
export function createPadServer(deps: { simulation: PadSimulation; controls: Controls; pages: PageFiles }) {
  const { simulation, controls, pages } = deps
  const followers = new Set<ServerResponse>()
  const actions = createActions(simulation, controls)
  let surroundings: ControlsState = { network: null, box: null }
  let watch: NodeJS.Timeout | undefined
  let isTold = true

  const state = () => JSON.stringify({ ...simulation.state(), controls: surroundings })

  /** Tells the followers once for everything that changes in one turn. */
  function changed() {
    if (!isTold) return
    isTold = false
    setImmediate(() => {
      isTold = true
      for (const follower of followers) follower.write(`event: state\ndata: ${state()}\n\n`)
    })
  }

  async function lookAround() {
    const now = await controls.state()
    const isNew = now.network !== surroundings.network || now.box !== surroundings.box
    surroundings = now
    if (isNew) changed()
  }

  async function follow(response: ServerResponse) {
    await lookAround()
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.write(`event: state\ndata: ${state()}\n\n`)
    followers.add(response)
    watch ??= setInterval(() => void lookAround(), CONTROLS_EVERY_MS)
    response.on('close', () => {
      followers.delete(response)
      if (followers.size === 0) stopWatching()
    })
  }

  function stopWatching() {
    clearInterval(watch)
    watch = undefined
  }

  async function act(request: IncomingMessage, response: ServerResponse, action: Action) {
    const body = await readBody(request)
    const done = body.ok ? await action(body.value) : body
    if (!done.ok) return refuse(request, response, done.error)
    await lookAround()
    sendJson(response, state())
  }

  async function route(request: IncomingMessage, response: ServerResponse) {
    const path = new URL(request.url ?? '/', 'http://pad').pathname
    const action = Object.hasOwn(actions, path) ? actions[path] : undefined
    if (action) {
      if (request.method === 'POST') return await act(request, response, action)
    } else if (path === '/v1/state' || path === '/v1/events') {
      if (request.method === 'GET' && path === '/v1/events') return await follow(response)
      if (request.method === 'GET') {
        await lookAround()
        return sendJson(response, state())
      }
    } else {
      const page = path.startsWith('/v1/') ? undefined : pages.find(path)
      if (!page) return refuse(request, response, fail('not-found', `nothing at ${path.slice(0, 100)}`).error)
      if (request.method === 'GET') {
        response.writeHead(200, { ...PAGE_HEADERS, 'content-type': page.mediaType })
        return void response.end(page.content)
      }
    }
    refuse(request, response, fail('method-not-allowed', `${request.method} is not possible here`).error)
  }

  const server = createServer((request, response) => {
    route(request, response).catch(error => response.destroy(error))
  })
  return {
    server,
    changed,
    close() {
      stopWatching()
      for (const follower of followers) follower.end()
      server.close()
      server.closeAllConnections()
    },
  }
}

const PAGE_HEADERS = {
  'cache-control': 'no-cache',
  'content-security-policy': "default-src 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
}

function createActions(simulation: PadSimulation, controls: Controls): Record<string, Action> {
  const closed = { additionalProperties: false }
  const grade = Type.Object({ grade: GradeSchema }, closed)
  const done = (act: () => void) => {
    act()
    return ok()
  }
  return {
    '/v1/press': taking(grade, body => simulation.press(body.grade)),
    '/v1/hold': taking(grade, body => simulation.hold(body.grade)),
    '/v1/release': taking(Type.Object({}, closed), () => done(simulation.release)),
    '/v1/plug': taking(Type.Object({ plugged: Type.Boolean() }, closed), body => simulation.setPlugged(body.plugged)),
    '/v1/garble': taking(Type.Object({ garbled: Type.Boolean() }, closed), body =>
      done(() => simulation.setGarbled(body.garbled)),
    ),
    '/v1/raw': taking(Type.Object({ hex: Type.String({ pattern: BYTES_PATTERN, maxLength: 3000 }) }, closed), body =>
      simulation.sendRaw(body.hex),
    ),
    '/v1/network': taking(Type.Object({ cut: Type.Boolean() }, closed), body => controls.send('network', body)),
    '/v1/box': taking(Type.Object({ power: Type.Literal('cut') }, closed), body => controls.send('box', body)),
  }
}

function taking<S extends TSchema>(
  schema: S,
  act: (body: Type.Static<S>) => Result<undefined, Refusal> | Promise<Result<undefined, Refusal>>,
): Action {
  const compiled = Compile(schema)
  return body => {
    if (compiled.Check(body)) return act(body as Type.Static<S>)
    return fail('body-not-valid', describeErrors(compiled.Errors(body)))
  }
}

async function readBody(request: IncomingMessage): Promise<Result<unknown, Refusal>> {
  // Also what keeps the page of another site from pressing keys: such a request would need our consent first.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    return fail('media-type-not-supported', `found ${request.headers['content-type'] ?? 'none'}`)
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= BODY_BYTES_MAX) chunks.push(chunk)
  }
  if (size > BODY_BYTES_MAX) return fail('body-too-large', `found ${size} bytes, at most ${BODY_BYTES_MAX}`)
  const text = Buffer.concat(chunks).toString('utf8')
  try {
    return ok(text === '' ? {} : JSON.parse(text))
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
    return fail('body-not-valid', 'it is not JSON')
  }
}

function refuse(request: IncomingMessage, response: ServerResponse, refusal: Refusal) {
  const language = languageOfHeader(request.headers['accept-language'])
  const problem = createProblem(PROBLEMS, refusal.code, language, refusal.detail)
  response.writeHead(problem.status, { 'content-type': PROBLEM_MEDIA_TYPE, 'content-language': language })
  response.end(JSON.stringify(problem))
}

function sendJson(response: ServerResponse, json: string) {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(json)
}
