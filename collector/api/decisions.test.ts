import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createTestApi } from '#collector/fixtures/api.ts'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { addRevoked } from '#collector/fleet/revoked-file.ts'
import { toHex } from '#protocol/codec.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import type { Scope } from './keyring.ts'

const boot = { kind: 'boot', body: { agent: '1' } } as const

async function setUp() {
  const gapRule = { attemptsMin: 2, lastsMsMin: 0, pauseMsMax: 60_000 }
  const collector = await createTestCollector({ gapRule })
  const box = collector.box('box-1')
  await collector.enrol(box)
  box.write(boot, boot, boot, boot)
  const { api, keyOf } = await createTestApi(collector)
  const host = '127.0.0.1:8640'
  let people = 0
  const as = (...scopes: Scope[]) => {
    return { host, authorization: `Bearer ${keyOf(`person ${++people}`, scopes)}` }
  }
  const post = (url: string, payload: object, headers: Record<string, string> = as('fleet:write')) =>
    api.inject({ method: 'POST', url, headers, payload })
  const get = (url: string) => api.inject({ url, headers: { host } })
  return { collector, box, as, post, get }
}

test('a gap is explained by whoever holds a key for it, and listed with who and why', async () => {
  const { collector, box, post, get } = await setUp()
  await collector.send('box-1', box.batch(3, 3))
  await collector.send('box-1', box.batch(3, 4))
  const body = { box: 'box-1', epoch: toHex(box.epoch), from: 1, note: '存储卡更换' }
  expect((await post('/v1/gaps/explanations', body)).statusCode).toBe(204)
  await collector.settled()
  expect((await get('/v1/gaps')).json()).toMatchObject([
    { from: 1, to: 2, state: 'given-up', explained: true, by: 'person 1', note: '存储卡更换' },
  ])
  const other = await post('/v1/gaps/explanations', { ...body, from: 9 })
  expect([other.statusCode, other.json().code]).toEqual([404, 'unknown-gap'])
})

test('a batch of a revoked box is taken by its hash, once', async () => {
  const { collector, box, as, post, get } = await setUp()
  const folder = temporaryFolder()
  await collector.send('box-1', box.batch(1, 2))
  addRevoked(join(folder, 'revoked.yaml'), { box: 'box-1', serial: 'a1', key: box.spki, reason: '被盗', atMs: 1 })
  collector.core.watchRevoked(join(folder, 'revoked.yaml'))
  await collector.settled()
  await collector.send('box-1', box.batch(3, 4))
  const [{ sha256 }] = (await get('/v1/quarantine')).json()
  const headers = as('fleet:write')
  const accept = (hash: string) =>
    post('/v1/quarantine/acceptances', { box: 'box-1', sha256: hash, reason: '丢失前写下' }, headers)
  expect((await accept(sha256)).statusCode).toBe(204)
  await collector.settled()
  expect((await get('/v1/boxes')).json()).toMatchObject([{ committed: { seq: 4 }, revoked: { reason: '被盗' } }])
  expect([(await accept(sha256)).statusCode, (await accept('00'.repeat(32))).statusCode]).toEqual([409, 404])
})

test('neither is open to this machine as such, nor to a key for something else', async () => {
  const { as, post } = await setUp()
  for (const url of ['/v1/gaps/explanations', '/v1/quarantine/acceptances']) {
    const { host } = as('read')
    expect((await post(url, {}, { host })).statusCode).toBe(401)
    const answer = await post(url, {}, as('services:write', 'prompts:write', 'read'))
    expect([answer.statusCode, answer.json().code]).toEqual([403, 'scope-missing'])
  }
})

test.each([
  ['from=2026-02-30&to=2026-03-01', 400],
  ['from=2026-03-02&to=2026-03-01', 400],
  ['from=2025-01-01&to=2026-12-31', 400],
  ['from=2026-03-01', 400],
  ['from=2026-03-01&to=2026-03-01&hall=1', 400],
  ['from=2026-03-01&to=2026-03-01&window=A01', 200],
])('prompt counts for %s answer %i', async (query, status) => {
  const { get } = await setUp()
  const answer = await get(`/v1/prompt-counts?${query}`)
  expect(answer.statusCode).toBe(status)
  if (status === 200) {
    expect(answer.json()).toEqual({ timeZone: 'Asia/Shanghai', from: '2026-03-01', to: '2026-03-01', counts: [] })
  }
})
