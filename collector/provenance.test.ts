import { sql } from 'kysely'
import { describe, expect, test } from 'vitest'
import { createTestApi } from '#collector/fixtures/api.ts'
import { createTestCollector, type TestCollector } from '#collector/fixtures/core.ts'
import { rebuildStore } from '#collector/rebuild.ts'
import { decodeEntry, type EntryBody } from '#protocol/entry.ts'

async function setUp() {
  const collector = await createTestCollector()
  const box = collector.box('box-1')
  await collector.enrol(box)
  await box.rate(box.prompt({ case: 'C1', service: 1 }), 'dissatisfied')
  await collector.core.verbs.registerService({ case: 'C1', service: 1 }, 'test')
  await collector.send('box-1', box.batch())
  const { api, keyOf } = await createTestApi(collector)
  const key = keyOf('排队系统', ['services:write', 'prompts:write', 'fleet:write', 'read'])
  const headers = { host: '127.0.0.1:8640', authorization: `Bearer ${key}` }
  return { collector, box, api, headers }
}

async function kept(collector: TestCollector): Promise<EntryBody<'refused'>[]> {
  await collector.settled()
  const rows = await collector.store.db.selectFrom('evidence').select('bytes').where('box', '=', 'collector').execute()
  return rows
    .map(row => decodeEntry(row.bytes))
    .flatMap(read => (read.ok && read.value.kind === 'refused' ? [read.value.body] : []))
}

const provenance = async (collector: TestCollector) =>
  (await collector.core.verbs.findService('C1', 1))!.rating!.provenance

describe('nobody can write or upgrade the provenance of a rating', () => {
  test.each([
    ['POST', '/v1/ratings', { case: 'C1', service: 1, grade: 'very-satisfied', provenance: 'pad' }],
    ['PATCH', '/v1/ratings/1', { provenance: 'screen' }],
    ['PUT', '/v1/services/C1/1', { rating: { provenance: 'pad' } }],
    ['POST', '/v1/services', { case: 'C1', service: 2, provenance: 'pad' }],
    ['POST', '/v1/windows/A01/prompts', { case: 'C1', service: 1, more: [{ provenance: 'paper' }] }],
    ['POST', '/v1/gaps/explanations', { provenance: 'pad' }],
  ] as const)('by %s %s: refused, counted and kept with whose key it was', async (method, url, payload) => {
    const { collector, api, headers } = await setUp()
    const answer = await api.inject({ method, url, headers, payload })
    expect(answer.statusCode).toBe(403)
    expect(answer.json()).toMatchObject({ code: 'provenance-fixed' })
    expect(await kept(collector)).toEqual([{ what: 'provenance', by: 'api 排队系统', code: 'provenance-fixed' }])
    expect((await collector.core.verbs.health()).counters['attempts-refused.provenance']).toBe(1)
    expect(await provenance(collector)).toBe('pad')
  })

  test('by somebody without a key either', async () => {
    const { collector, api, headers } = await setUp()
    const { host } = headers
    const answer = await api.inject({
      method: 'POST',
      url: '/v1/ratings',
      headers: { host },
      payload: { provenance: 'pad' },
    })
    expect(answer.json()).toMatchObject({ code: 'provenance-fixed' })
    expect(await kept(collector)).toEqual([{ what: 'provenance', by: 'api', code: 'provenance-fixed' }])
  })

  test('a request that says nothing of it is answered as ever', async () => {
    const { collector, api, headers } = await setUp()
    expect((await api.inject({ method: 'POST', url: '/v1/ratings', headers, payload: { a: 1 } })).statusCode).toBe(404)
    expect(await kept(collector)).toEqual([])
  })

  test('whoever tries for ever is counted each time and kept once an hour', async () => {
    const { collector, api, headers } = await setUp()
    for (let i = 0; i < 5; i++)
      await api.inject({ method: 'PATCH', url: '/v1/x', headers, payload: { provenance: 'pad' } })
    expect(await kept(collector)).toHaveLength(1)
    expect((await collector.core.verbs.health()).counters['attempts-refused.provenance']).toBe(5)
  })

  test.each([
    ['provenance', "update ratings set provenance = 'screen'"],
    ['provenance', 'update ratings set position = position + 1'],
    [
      'provenance',
      "insert or replace into ratings select position, box, epoch, seq, hash, prompt, kind, 'screen', grade, fault, tags, words, at, received_at, standing from ratings",
    ],
    [
      'provenance',
      'insert into ratings select 1, box, epoch, seq, hash, prompt, kind, provenance, grade, fault, tags, words, at, received_at, standing from ratings',
    ],
    ['evidence', "update evidence set bytes = x'00'"],
    ['evidence', 'delete from evidence'],
    ['batches', "update batches set box = 'box-2'"],
  ])('in the store: %s by %s', async (what, statement) => {
    const { collector } = await setUp()
    await expect(sql.raw(statement).execute(collector.store.db)).rejects.toThrow(/fixed|append-only/)
    expect(await kept(collector)).toMatchObject([{ what, by: 'store' }])
    expect((await collector.core.verbs.health()).counters[`attempts-refused.${what}`]).toBe(1)
    expect(await provenance(collector)).toBe('pad')
  })

  test('by a box: a batch that claims another is set aside whole, and kept', async () => {
    const { collector, box } = await setUp()
    await box.rate(box.prompt(), 'satisfied')
    const forged = box.batch(3, 4, batch => ({ ...batch, entries: batch.entries.map(claimingPaper) }))
    await collector.send('box-1', forged)
    expect((await collector.core.verbs.listQuarantine(5)).map(({ code }) => code)).toEqual(['provenance-not-allowed'])
    expect(await kept(collector)).toEqual([{ what: 'provenance', by: 'box box-1', code: 'provenance-not-allowed' }])
    expect(await collector.core.verbs.listPool(5)).toEqual([])
  })

  test('by a rebuild: what the table is made anew from is the entry itself', async () => {
    const { collector } = await setUp()
    await collector.close()
    expect(await rebuildStore(collector.path, [collector.openingKey])).toMatchObject({
      ok: true,
      value: { isSame: true },
    })
    const again = await createTestCollector({ path: collector.path, keys: collector })
    expect(await provenance(again)).toBe('pad')
  })
})

/** The entry with `paper` where it said `pad`, lengths and all. */
function claimingPaper(bytes: Uint8Array): Uint8Array {
  const said = Buffer.from('provenance\x63pad', 'latin1')
  const at = Buffer.from(bytes).indexOf(said)
  if (at < 0) return bytes
  return Buffer.concat([
    bytes.subarray(0, at),
    Buffer.from('provenance\x65paper', 'latin1'),
    bytes.subarray(at + said.length),
  ])
}
