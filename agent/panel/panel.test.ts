import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { linesRead } from '#agent/port/lines-read.ts'
import { createTestDesk } from '#test/helpers/desk.ts'
import { refusalOf } from './access.ts'
import type { PanelState } from './app.ts'
import { panelOpenapi } from './openapi.ts'
import { createPairing } from './pairing.ts'
import { PANEL_PROBLEMS } from './problems.ts'
import { servePanel } from './serve.ts'

const service = { case: '370000202611240001', service: 1 }

async function serve(options: Parameters<typeof createTestDesk>[0] = {}) {
  const one = await createTestDesk(options)
  const watchers = new Set<() => void>()
  const saved: string[][] = []
  const pairing = createPairing({
    clock: one.clock,
    randomBytes,
    load: () => [],
    save: hashes => void saved.push(hashes),
  })
  const deps: Parameters<typeof servePanel>[1] = {
    clock: one.clock,
    desk: one.desk,
    pairing,
    state: (): PanelState => ({
      box: 'box-1',
      link: 'offline',
      backlog: 0,
      windows: one.desk.windows().map(view => ({ ...view, isListening: false })),
    }),
    counters: () => ({}),
    watch(onChange) {
      watchers.add(onChange)
      return () => watchers.delete(onChange)
    },
    allowedOrigins: ['https://hall.example'],
    pages: '/nowhere',
  }
  const served = await servePanel({ host: '127.0.0.1', port: 0 }, deps)
  if (!served.ok) throw new Error(served.error.detail)
  onTestFinished(served.value.close)
  const { url } = served.value
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, json: text ? JSON.parse(text) : undefined }
  }
  const changed = one.changed()
  one.desk.window('A01').padChanged('ready')
  await changed
  return {
    ...one,
    url,
    call,
    pairing,
    saved,
    deps,
    notify() {
      for (const wake of watchers) wake()
    },
  }
}

describe('the clerk’s API', () => {
  test('asks for a rating, tells how it stands and that it was rated, never the grade', async () => {
    const { call, desk, changed } = await serve()
    const asked = await call('POST', '/v1/prompts', { for: service, clerk: '1007' })
    expect(asked).toMatchObject({ status: 201, json: { window: 'A01', state: 'waiting', for: service } })
    const rated = changed()
    desk.window('A01').pressed('very-dissatisfied')
    await rated
    const ended = await call('GET', `/v1/prompts/${asked.json.id}`)
    expect(ended.json).toMatchObject({ state: 'finished', outcome: 'rated' })
    const state = await call('GET', '/v1/state')
    expect(JSON.stringify([ended.json, state.json])).not.toMatch(/dissatisfied|满意/)
  })

  test('opens no prompt for who has hung up meanwhile: the next citizen may be asked already', async () => {
    const { url, call, kinds, desk } = await serve({ linesRead })
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    const body = JSON.stringify({ for: { case: 'C-1', service: 1 } })
    const head = `POST /v1/prompts HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\n`
    socket.write(`${head}content-length: ${body.length}\r\n\r\n${body}`)
    socket.destroySoon()
    await once(socket, 'close')
    const asked = await call('POST', '/v1/prompts', { for: { case: 'C-2', service: 1 } })
    expect(asked.status).toBe(201)
    expect(desk.windows()[0]!.session).toMatchObject({ for: { case: 'C-2' } })
    expect(kinds().filter(kind => kind !== 'pad')).toEqual(['prompt'])
  })

  test('cancels with a reason', async () => {
    const { call } = await serve()
    const { json } = await call('POST', '/v1/prompts', { for: service })
    expect(await call('DELETE', `/v1/prompts/${json.id}`, {})).toMatchObject({ status: 400 })
    expect(await call('DELETE', `/v1/prompts/${json.id}`, { reason: 'citizen-left' })).toMatchObject({
      status: 200,
      json: { outcome: 'cancelled', reason: 'citizen-left' },
    })
  })

  test.each([
    ['no case number', {}, 400, 'case-number-missing', undefined],
    ['an over-long case number', { for: { case: 'x'.repeat(51), service: 1 } }, 400, 'bad-request', '/for/case'],
    ['a control character', { for: { case: 'a\u0007b', service: 1 } }, 400, 'bad-request', '/for/case'],
    ['white space', { for: { case: 'a b', service: 1 } }, 400, 'bad-request', '/for/case'],
    ['service number zero', { for: { case: 'a', service: 0 } }, 400, 'bad-request', '/for/service'],
    ['a grade', { for: service, grade: 'satisfied' }, 400, 'bad-request', 'grade'],
    ['an unknown window', { for: service, window: 'B2' }, 404, 'window-unknown', 'A01'],
    ['half a JSON text', '{"for":', 400, 'bad-request', 'JSON'],
    ['too much', { for: service, clerk: 'x'.repeat(20_000) }, 413, 'body-too-big', undefined],
  ])('refuses %s and says what is allowed', async (_, body, status, code, detail) => {
    const { call, kinds } = await serve()
    const refused = await call('POST', '/v1/prompts', body, { 'accept-language': 'en' })
    expect(refused).toMatchObject({ status, json: { code, status } })
    expect(refused.headers.get('content-type')).toMatch('application/problem+json')
    if (detail) expect(refused.json.detail).toContain(detail)
    expect(kinds()).toEqual(['pad'])
  })

  test('answers in Chinese unless English is asked for', async () => {
    const { call } = await serve()
    expect((await call('GET', '/v1/prompts/00')).json.title).toBe('没有这次邀评')
    expect((await call('GET', '/v1/prompts/00', undefined, { 'accept-language': 'en-GB' })).json.title).toBe(
      'There is no such prompt',
    )
  })

  test('pushes the whole state at once and after each change', async () => {
    const { url, call, notify } = await serve()
    const response = await fetch(`${url}/v1/events`)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const states: PanelState[] = []
    const next = async () => {
      const { value } = await reader.read()
      for (const line of value!.split('\n')) if (line.startsWith('data: ')) states.push(JSON.parse(line.slice(6)))
    }
    await next()
    await call('POST', '/v1/prompts', { for: service })
    notify()
    await next()
    expect(states.map(state => state.windows[0]?.session.state)).toEqual(['idle', 'waiting'])
    await reader.cancel()
  })

  test('a page of a foreign origin and a rebound name are refused, a listed origin is not', async () => {
    const { call, url } = await serve()
    expect(await call('GET', '/v1/state', undefined, { origin: 'https://evil.example' })).toMatchObject({ status: 403 })
    const listed = await call('GET', '/v1/state', undefined, { origin: 'https://hall.example' })
    expect(listed.headers.get('access-control-allow-origin')).toBe('https://hall.example')
    const rebound = await new Promise<number>(resolve => {
      request(`${url}/v1/state`, { headers: { host: 'evil.example' } }, answer => resolve(answer.statusCode!)).end()
    })
    expect(rebound).toBe(403)
  })

  test('a flood is slowed down', async () => {
    const { call } = await serve()
    const statuses = await Promise.all(
      Array.from({ length: 60 }, () => call('GET', '/v1/state').then(({ status }) => status)),
    )
    expect(statuses.filter(status => status === 429)).toHaveLength(10)
  })

  test('a port that is taken is named with its setting', async () => {
    const { url, deps } = await serve()
    const { port } = new URL(url)
    expect(await servePanel({ host: '127.0.0.1', port: Number(port) }, deps)).toMatchObject({
      ok: false,
      error: { code: 'panel-not-listening', detail: expect.stringContaining(`panel.port ${port}`) },
    })
  })
})

describe('pairing another computer of the hall', () => {
  test('from elsewhere a caller must be paired, and loopback must be called by its name', () => {
    const remote = { remoteAddress: '192.0.2.7', host: '192.0.2.1:8610', origin: undefined }
    expect(refusalOf({ ...remote, isPaired: false }, [])).toBe('pairing-required')
    expect(refusalOf({ ...remote, isPaired: true }, [])).toBeUndefined()
    expect(refusalOf({ ...remote, isPaired: true, origin: 'http://192.0.2.1:8610' }, [])).toBeUndefined()
    expect(refusalOf({ ...remote, isPaired: true, origin: 'http://evil.example' }, [])).toBe('origin-refused')
    const local = { remoteAddress: '::ffff:127.0.0.1', origin: undefined, isPaired: false }
    expect(refusalOf({ ...local, host: 'localhost:8610' }, [])).toBeUndefined()
    expect(refusalOf({ ...local, host: 'evil.example' }, [])).toBe('origin-refused')
    expect(refusalOf({ ...local, host: undefined }, [])).toBe('origin-refused')
  })

  test('a code is good once, for minutes, and for five tries', async () => {
    const { pairing, clock, saved } = await serve()
    const { code } = pairing.newCode()
    const wrong = code === '000000' ? '000001' : '000000'
    expect(pairing.redeem(wrong)).toBeUndefined()
    const token = pairing.redeem(code)
    expect(pairing.isPaired(token)).toBe(true)
    expect(saved.flat()).not.toContain(token)
    expect(pairing.redeem(code)).toBeUndefined()
    const late = pairing.newCode()
    clock.advance(late.validMs + 1)
    expect(pairing.redeem(late.code)).toBeUndefined()
    const guessed = pairing.newCode().code
    const other = guessed === '000000' ? '000001' : '000000'
    for (let tries = 0; tries < 5; tries++) pairing.redeem(other)
    expect(pairing.redeem(guessed)).toBeUndefined()
  })

  test('the page pairs with the code the box shows, and gets a cookie no script can read', async () => {
    const { call } = await serve()
    const { json } = await call('POST', '/v1/pairing-codes', {})
    const paired = await call('POST', '/v1/pairing', { code: json.code })
    expect(paired.status).toBe(204)
    expect(paired.headers.get('set-cookie')).toMatch(/HttpOnly.*SameSite=Strict/)
    expect(await call('POST', '/v1/pairing', { code: json.code })).toMatchObject({ status: 403 })
  })
})

test('every problem of the catalogue is in the API description, and every one there in the catalogue', () => {
  const described = new Set(JSON.stringify(panelOpenapi()).match(/[a-z]+(-[a-z]+)+(?=: )/g))
  expect(Object.keys(PANEL_PROBLEMS).filter(code => !described.has(code))).toEqual(['not-found'])
})
