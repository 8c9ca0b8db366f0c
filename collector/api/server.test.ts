import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { createTestApi } from '#collector/fixtures/api.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { COLLECTOR_PROBLEMS } from '#collector/problems.ts'
import type { Clock } from '#protocol/clock.ts'
import { encodePresence } from '#protocol/presence.ts'
import { decodePromptRequest } from '#protocol/prompt-request.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import type { ApiOptions } from './api-deps.ts'
import { collectorOpenapi } from './openapi.ts'
import type { Api } from './server.ts'

const LOCAL = { host: '127.0.0.1:8640' }

interface Setting {
  collector: TestCollector
  api: Api
  keysFile: string
  faults: string[]
  as(...scopes: ('services:write' | 'prompts:write' | 'read')[]): Record<string, string>
}

async function setUp({ clock, ...options }: Partial<ApiOptions> & { clock?: Clock } = {}): Promise<Setting> {
  const collector = await createTestCollector(clock ? { clock } : {})
  const { api, keysFile, faults, keyOf } = await createTestApi(collector, options)
  let keys = 0
  return {
    collector,
    api,
    keysFile,
    faults,
    as(...scopes) {
      return { ...LOCAL, authorization: `Bearer ${keyOf(`system ${keys++}`, scopes)}` }
    },
  }
}

describe('a business system registering a service', () => {
  let setting: Setting
  let headers: Record<string, string>
  beforeEach(async () => {
    setting = await setUp()
    headers = setting.as('services:write')
  })
  const body = {
    case: '440300-2026-000017',
    service: 2,
    item: '居住证办理',
    window: 'A01',
    clerk: '0231',
    servedAt: '2026-11-24T10:00:00+08:00',
  }
  const post = (payload: object | string, more = {}) =>
    setting.api.inject({ method: 'POST', url: '/v1/services', headers: { ...headers, ...more }, payload })

  test('is told 201 and what is kept', async () => {
    const answer = await post(body)
    expect(answer.statusCode).toBe(201)
    const { servedAt: _servedAt, ...rest } = body
    expect(answer.json()).toMatchObject({
      ...rest,
      servedAtMs: Date.UTC(2026, 10, 24, 2),
      duplicates: 0,
      why: 'not-prompted',
    })
  })

  test('is told that it was rated when it says the same again later, never which grade', async () => {
    await post(body)
    const box = setting.collector.box('box-1')
    await setting.collector.enrol(box)
    await box.rate(box.prompt({ case: body.case, service: 2 }), 'dissatisfied')
    await setting.collector.send('box-1', box.batch())
    const again = await post(body)
    expect(again.json()).toMatchObject({ why: 'rated' })
    expect(again.body).not.toMatch(/satisfied|"grade"|"rating"/)
  })

  test('may say the same again, also in another time zone and at the same moment', async () => {
    const answers = await Promise.all([post(body), post(body), post({ ...body, servedAt: '2026-11-24T02:00:00Z' })])
    expect(answers.map(answer => answer.statusCode).sort()).toEqual([200, 200, 201])
    const { db } = setting.collector.store
    expect(await db.selectFrom('evidence').select('seq').where('box', '=', 'collector').execute()).toHaveLength(1)
  })

  test('is told 409 and what differs when it says something else, and nothing is changed', async () => {
    await post(body)
    const answer = await post({ ...body, item: '社保卡', clerk: '9' })
    expect(answer.statusCode).toBe(409)
    expect(answer.json()).toMatchObject({ code: 'service-differs', detail: expect.stringContaining('item, clerk') })
    await setting.collector.settled()
    expect(await setting.collector.core.verbs.findService(body.case, 2)).toMatchObject({ item: '居住证办理' })
  })

  test.each([
    ['no case number', { service: 1 }, '/case is required'],
    ['a space in the case number', { case: 'C 1', service: 1 }, '/case must have no white space'],
    ['a control character in the case number', { case: 'C\u0000', service: 1 }, '/case must have no control'],
    ['too long a case number', { case: 'C'.repeat(51), service: 1 }, '/case must not have more than 50'],
    ['a service number out of range', { case: 'C1', service: 100 }, '/service must be <= 99'],
    ['a service number in words', { case: 'C1', service: '1' }, '/service must be integer'],
    ['an unknown field', { case: 'C1', service: 1, grade: 'satisfied' }, '/grade is not known here'],
    ['a time without a zone', { case: 'C1', service: 1, servedAt: '2026-11-24T10:00:00' }, '/servedAt must match'],
    [
      'a day that does not exist',
      { case: 'C1', service: 1, servedAt: '2026-13-01T10:00:00Z' },
      '/servedAt must match format',
    ],
    ['a leap second', { case: 'C1', service: 1, servedAt: '2016-12-31T23:59:60Z' }, '/servedAt must be a date'],
  ])('with %s is told where and what is allowed', async (_, wrong, detail) => {
    const answer = await post(wrong)
    expect(answer.statusCode).toBe(400)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ code: 'bad-request', detail: expect.stringContaining(detail) })
  })

  test('with a body that is no JSON is told so, without a piece of it', async () => {
    const answer = await post('{"case": secret-case', { 'content-type': 'application/json' })
    expect(answer.json()).toMatchObject({ status: 400, code: 'bad-request', detail: 'the body is not JSON' })
    expect(answer.body).not.toContain('secret-case')
  })

  test('with more than 64 KiB, or another media type, is refused', async () => {
    const big = await post({ ...body, item: 'x'.repeat(70_000) })
    expect(big.json()).toMatchObject({ status: 413, code: 'body-too-big' })
    const xml = await post('<a/>', { 'content-type': 'application/xml' })
    expect(xml.json()).toMatchObject({ status: 415, code: 'media-type' })
  })

  test('needs a key with the scope, also from this machine', async () => {
    const without = await setting.api.inject({ method: 'POST', url: '/v1/services', headers: LOCAL, payload: body })
    expect(without.json()).toMatchObject({ status: 401, code: 'key-missing' })
    expect((await post(body, { authorization: 'Bearer nonsense' })).json()).toMatchObject({ code: 'key-unknown' })
    expect((await post(body, setting.as('read'))).json()).toMatchObject({ status: 403, code: 'scope-missing' })
  })
})

describe('API keys', () => {
  test('are stored as hashes only, and shown once', async () => {
    const { as, keysFile } = await setUp()
    const key = as('read')['authorization']!.slice('Bearer '.length)
    const file = readFileSync(keysFile, 'utf8')
    expect(file).not.toContain(key)
    expect(file).toContain(createHash('sha256').update(key).digest('hex'))
  })

  test('work at once when added and no longer when removed, without a restart', async () => {
    const { as, api, keysFile } = await setUp({ openToLoopback: false })
    const headers = as('read')
    const read = async () => (await api.inject({ url: '/v1/boxes', headers })).statusCode
    expect(await read()).toBe(200)
    rmSync(keysFile)
    expect(await read()).toBe(401)
  })

  test('stay as they were when the file becomes wrong, and that is told', async () => {
    const { as, api, keysFile, faults } = await setUp({ openToLoopback: false })
    const headers = as('read')
    expect((await api.inject({ url: '/v1/boxes', headers })).statusCode).toBe(200)
    writeFileSync(keysFile, 'keys: [{name: x}]')
    expect((await api.inject({ url: '/v1/boxes', headers })).statusCode).toBe(200)
    expect(faults[0]).toContain('keys.0.sha256')
  })
})

describe('reading', () => {
  test('from this machine needs no key, unless the request was forwarded or the configuration says no', async () => {
    const open = await setUp()
    expect((await open.api.inject({ url: '/v1/services', headers: LOCAL })).statusCode).toBe(200)
    for (const name of ['x-forwarded-for', 'forwarded', 'x-real-ip']) {
      const answer = await open.api.inject({ url: '/v1/services', headers: { ...LOCAL, [name]: '10.0.0.9' } })
      expect(answer.json()).toMatchObject({ status: 401, code: 'key-missing' })
    }
    const closed = await setUp({ openToLoopback: false })
    expect((await closed.api.inject({ url: '/v1/services', headers: LOCAL })).statusCode).toBe(401)
    const answer = await closed.api.inject({ url: '/v1/services', headers: closed.as('read') })
    expect(answer.statusCode).toBe(200)
  })

  test('from another machine needs a key with scope read', async () => {
    const { api, as } = await setUp()
    const from = { remoteAddress: '10.0.0.9', url: '/v1/pool' }
    expect((await api.inject({ ...from, headers: LOCAL })).statusCode).toBe(401)
    expect((await api.inject({ ...from, headers: as('services:write') })).statusCode).toBe(403)
    expect((await api.inject({ ...from, headers: as('read') })).statusCode).toBe(200)
  })

  test('pages through services, newest first, and misses none', async () => {
    const { api, collector } = await setUp()
    for (let n = 1; n <= 7; n++) await collector.core.verbs.registerService({ case: 'C1', service: n }, 'test')
    await collector.settled()
    const seen: number[] = []
    let url = '/v1/services?limit=3'
    for (;;) {
      const page = (await api.inject({ url, headers: LOCAL })).json()
      seen.push(...page.services.map((item: { service: number }) => item.service))
      if (page.before === null) break
      url = `/v1/services?limit=3&before=${page.before}`
    }
    expect(seen).toEqual([7, 6, 5, 4, 3, 2, 1])
  })

  test.each([
    ['/v1/services?limit=0', 400, 'bad-request'],
    ['/v1/services?limit=many', 400, 'bad-request'],
    ['/v1/services/C1/1', 404, 'unknown-service'],
    ['/v1/services/C1/0', 400, 'bad-request'],
    ['/v1/prompts/zz', 400, 'bad-request'],
    [`/v1/prompts/${'0'.repeat(32)}`, 404, 'unknown-prompt'],
    ['/v1/nothing', 404, 'not-found'],
  ])('%s answers %i', async (url, status, code) => {
    const { api } = await setUp()
    expect((await api.inject({ url, headers: LOCAL })).json()).toMatchObject({ status, code })
  })
})

describe('a web page elsewhere', () => {
  test.each([
    [{ host: 'evil.example' }, 'host-refused'],
    [{ host: '127.0.0.1.evil.example' }, 'host-refused'],
    [{ host: 'localhost:8640', origin: 'http://evil.example' }, 'origin-refused'],
    [{ host: 'localhost:8640', origin: 'null' }, 'origin-refused'],
    [{ host: 'localhost:8640', origin: 'http://localhost:9999' }, 'origin-refused'],
  ])('cannot read by %o', async (headers, code) => {
    const { api } = await setUp()
    expect((await api.inject({ url: '/v1/services', headers })).json()).toMatchObject({ status: 403, code })
  })

  test.each([
    { host: '[::1]:8640' },
    { host: '10.1.2.3' },
    { host: 'localhost', origin: 'http://localhost' },
    { host: 'pingjia.example.gov.cn' },
  ])('but our own can, by %o', async headers => {
    const { api } = await setUp({ names: ['pingjia.example.gov.cn'] })
    expect((await api.inject({ url: '/v1/services', headers })).statusCode).toBe(200)
  })
})

describe('asking a window for a prompt', () => {
  const body = { case: 'C1', service: 1, clerk: '0231' }
  const presence = { version: 1 as const, agent: '1', backlog: 0, windows: [{ window: 'A01', pad: 'ready' }] }

  async function ask(setting: Setting, window = 'A01') {
    const url = `/v1/windows/${window}/prompts`
    return await setting.api.inject({ method: 'POST', url, headers: setting.as('prompts:write'), payload: body })
  }

  test('sends the request to the box that announced the window', async () => {
    const setting = await setUp()
    setting.collector.core.messageArrived('status', 'box-1', encodePresence({ ...presence, online: true }))
    const answer = await ask(setting)
    expect(answer.statusCode).toBe(202)
    const { prompt } = answer.json()
    const [sent] = setting.collector.sent
    const request = decodePromptRequest(sent!.bytes)
    expect(sent).toMatchObject({ box: 'box-1', kind: 'prompt' })
    expect(request).toMatchObject({
      ok: true,
      value: { window: 'A01', for: { case: 'C1', service: 1 }, clerk: '0231' },
    })
    expect((await setting.api.inject({ url: `/v1/prompts/${prompt}`, headers: LOCAL })).json()).toEqual({
      prompt,
      window: 'A01',
      box: 'box-1',
      openedAtMs: null,
      outcome: null,
      case: 'C1',
      service: 1,
    })
  })

  test('shows how it ended, but not the grade', async () => {
    const setting = await setUp()
    const box = setting.collector.box('box-1')
    await setting.collector.enrol(box)
    setting.collector.core.messageArrived('status', 'box-1', encodePresence({ ...presence, online: true }))
    const { prompt } = (await ask(setting)).json()
    const id = new Uint8Array(Buffer.from(prompt, 'hex'))
    box.prompt({ case: 'C1', service: 1 }, id)
    await box.rate(id, 'very-dissatisfied')
    await setting.collector.send('box-1', box.batch())
    const answer = await setting.api.inject({ url: `/v1/prompts/${prompt}`, headers: setting.as('prompts:write') })
    expect(answer.json()).toMatchObject({ outcome: 'rated', box: 'box-1', window: 'A01' })
    expect(answer.body).not.toContain('satisfied')
  })

  test('is refused for a window nobody announced, and for a box that is away', async () => {
    const setting = await setUp()
    expect((await ask(setting)).json()).toMatchObject({ status: 404, code: 'unknown-window' })
    setting.collector.core.messageArrived('status', 'box-1', encodePresence({ ...presence, online: false }))
    expect((await ask(setting)).json()).toMatchObject({ status: 503, code: 'box-offline' })
    expect(setting.collector.sent).toEqual([])
  })
})

test('too many requests are refused with when to come again', async () => {
  const { api } = await setUp({ requestsPerMinuteMax: 2 })
  const get = () => api.inject({ url: '/v1/boxes', headers: LOCAL })
  await get()
  await get()
  const third = await get()
  expect(third.json()).toMatchObject({ status: 429, code: 'too-many-requests' })
  expect(Number(third.headers['retry-after'])).toBeGreaterThan(0)
})

test('refusals are in Chinese unless English is asked for', async () => {
  const { api } = await setUp()
  const get = async (language?: string) =>
    (
      await api.inject({ url: '/v1/x', headers: { ...LOCAL, ...(language ? { 'accept-language': language } : {}) } })
    ).json()
  expect((await get()).title).toBe(COLLECTOR_PROBLEMS['not-found'].title.zh)
  expect((await get('en-GB,en;q=0.9')).title).toBe(COLLECTOR_PROBLEMS['not-found'].title.en)
})

test('the digests of a day are to be had by its date, and by nothing that is no date', async () => {
  let wallMs = Date.UTC(2026, 2, 2, 4)
  const { collector, api } = await setUp({ clock: { ...createSystemClock(), wallMs: () => wallMs } })
  const get = (day: string) => api.inject({ url: `/v1/digests?day=${day}`, headers: LOCAL })
  await collector.enrol(collector.box('box-1'))
  wallMs += 24 * 60 * 60 * 1000
  await collector.enrol(collector.box('box-2'))
  await collector.settled()
  expect((await get('2026-03-02')).json()).toMatchObject([
    { day: '2026-03-02', hall: 'collector', entries: 1, root: expect.stringMatching(/^[0-9a-f]{64}$/), seq: 2 },
  ])
  expect((await get('2026-03-03')).json()).toEqual([])
  expect((await get('yesterday')).statusCode).toBe(400)
})

test('the description of the API is served as it is generated, and leaves out nothing', async () => {
  const { api } = await setUp()
  const served = (await api.inject({ url: '/openapi.json', headers: LOCAL })).json()
  expect(served).toEqual(await collectorOpenapi())
  expect(served.openapi).toBe('3.1.0')
  const paths = Object.entries<Record<string, unknown>>(served.paths).flatMap(([path, operations]) =>
    Object.keys(operations).map(method => `${method} ${path}`),
  )
  expect(paths.sort()).toEqual([
    'get /v1/boxes',
    'get /v1/digests',
    'get /v1/events',
    'get /v1/gaps',
    'get /v1/health',
    'get /v1/pool',
    'get /v1/prompt-counts',
    'get /v1/prompts/{prompt}',
    'get /v1/quarantine',
    'get /v1/services',
    'get /v1/services/{case}/{service}',
    'post /v1/gaps/explanations',
    'post /v1/parcels',
    'post /v1/quarantine/acceptances',
    'post /v1/services',
    'post /v1/windows/{window}/prompts',
  ])
})
