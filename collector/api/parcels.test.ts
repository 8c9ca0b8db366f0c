import { expect, test } from 'vitest'
import { createTestApi } from '#collector/fixtures/api.ts'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { sealParcel } from '#protocol/parcel.ts'
import { decodeReceipt } from '#protocol/receipt.ts'
import type { Scope } from './keyring.ts'

async function setUp() {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  box.write(...Array.from({ length: 4 }, () => ({ kind: 'boot', body: { agent: '1' } }) as const))
  const { api, keyOf } = await createTestApi(collector)
  const as = (...scopes: Scope[]) => {
    const holder = `person ${scopes.join(' ').replaceAll(':', '-')}`
    return { authorization: `Bearer ${keyOf(holder, scopes)}` }
  }
  const post = (payload: Buffer, headers: Record<string, string>, query = '') =>
    api.inject({
      method: 'POST',
      url: `/v1/parcels${query}`,
      payload,
      headers: { host: '127.0.0.1:8640', 'content-type': 'application/octet-stream', ...headers },
    })
  async function parcel(...batches: Uint8Array[]): Promise<Buffer> {
    const pieces: Uint8Array[] = []
    for await (const piece of sealParcel(collector.openingPublic, batches)) pieces.push(piece)
    return Buffer.concat(pieces)
  }
  return { box, as, post, parcel }
}

test('a parcel is answered with what it brought and the receipts to carry back', async () => {
  const { box, as, post, parcel } = await setUp()
  const answer = await post(await parcel(box.batch()), as('fleet:write'))
  expect(answer.statusCode).toBe(200)
  const { receipts, ...rest } = answer.json()
  expect(rest).toMatchObject({ batches: 1, entries: { new: 4, known: 0 }, chains: [{ box: 'box-1', committed: 4 }] })
  expect(decodeReceipt(Buffer.from(receipts[0], 'base64'))).toMatchObject({ ok: true, value: { box: 'box-1', seq: 4 } })
})

test('nobody brings one without a key for it, not even from this machine', async () => {
  const { box, as, post, parcel } = await setUp()
  const bytes = await parcel(box.batch())
  expect((await post(bytes, {})).statusCode).toBe(401)
  const refused = await post(bytes, as('read', 'services:write', 'prompts:write'))
  expect([refused.statusCode, refused.json().code]).toEqual([403, 'scope-missing'])
  expect((await post(bytes, as('fleet:write'))).json().entries).toEqual({ new: 4, known: 0 })
})

test('a web page cannot send one, with a key neither', async () => {
  const { box, as, post, parcel } = await setUp()
  const bytes = await parcel(box.batch())
  const headers = as('fleet:write')
  expect((await post(bytes, { ...headers, origin: 'http://elsewhere.example' })).json().code).toBe('origin-refused')
  expect((await post(bytes, { ...headers, 'content-type': 'multipart/form-data; boundary=x' })).statusCode).toBe(415)
})

test('what is no parcel is a problem in the language of the reader; longer than any other body is no problem', async () => {
  const { as, post } = await setUp()
  const headers = as('fleet:write')
  const answer = await post(Buffer.alloc(3_000_000, 7), { ...headers, 'accept-language': 'zh-CN' })
  expect([answer.statusCode, answer.json()]).toMatchObject([422, { code: 'not-a-parcel', title: '不是摆渡包' }])
})

test('what is behind missing entries is given up for only on demand', async () => {
  const { box, as, post, parcel } = await setUp()
  const bytes = await parcel(box.batch(3, 4))
  const headers = as('fleet:write')
  expect((await post(bytes, headers)).json().chains).toMatchObject([{ committed: 0, missing: { from: 1, to: 2 } }])
  expect((await post(bytes, headers, '?giveUpMissing=false')).json().entries.new).toBe(0)
  expect((await post(bytes, headers, '?giveUpMissing=true')).json().entries.new).toBe(2)
})
