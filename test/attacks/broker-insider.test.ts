import { createPrivateKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addKey } from '#collector/api/keyring.ts'
import { createTestBox } from '#collector/fixtures/box.ts'
import { decodeBatch } from '#protocol/batch.ts'
import { chainHashes } from '#protocol/chain.ts'
import { GRADES } from '#protocol/grades.ts'
import { encodePresence } from '#protocol/presence.ts'
import { signPromptRequest } from '#protocol/prompt-request.ts'
import { signReceipt } from '#protocol/receipt.ts'
import { downTopic, upTopic } from '#protocol/topics.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { createCounterClient } from '#scripts/counter-client.ts'
import { freePort } from '#scripts/ports.ts'
import { type InProcessBox, startTestBox } from '#test/helpers/box.ts'
import { type InProcessCollector, startTestCollector } from '#test/helpers/collector.ts'
import { type InsiderBroker, startInsiderBroker } from '#test/helpers/insider-broker.ts'

const [UP, RECEIPT, PROMPT] = [upTopic('box-1', 'batch'), downTopic('box-1', 'receipt'), downTopic('box-1', 'prompt')]
/** Whatever the insider signs, it signs with a key of its own. */
const ownKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

let dir: string
let broker: InsiderBroker
let collector: InProcessCollector
let box: InProcessBox
let client: ReturnType<typeof createCounterClient>
const closers: (() => Promise<unknown>)[] = []
const onEnd = (close: () => Promise<void>) => void closers.push(close)
const service = (name: string, n = 1) => ({ case: `MARKED-${name}`, service: n })

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'chuangping-insider-'))
  const brokerPort = await freePort()
  const boxes = ['box-1', 'box-2']
  const made = await createDevelopmentIdentities({ dir, boxes, brokerHosts: ['localhost', '127.0.0.1'], brokerPort })
  if (!made.ok) throw new Error(made.error.detail)
  const key = addKey(join(dir, 'api-keys.yaml'), 'hall', ['services:write', 'prompts:write'])
  if (!key.ok) throw new Error(key.error.detail)
  broker = await startInsiderBroker(dir, brokerPort)
  closers.push(broker.close)
  collector = await startTestCollector(dir, broker.url, onEnd)
  mkdirSync(join(dir, 'one'))
  box = await startTestBox(join(dir, 'one'), join(dir, 'boxes/box-1'), { onEnd })
  client = createCounterClient({ clerkUrl: box.url, collectorUrl: collector.url, apiKey: key.value } as never)
  await box.state(({ link, backlog }) => link === 'online' && backlog === 0)
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  rmSync(dir, { recursive: true, force: true })
})

/** Up to which number of its journal the box's entries are committed. */
async function committed() {
  const boxes = (await collector.get('/v1/boxes')) as { box: string; committed: { seq: number } | null }[]
  return boxes.find(one => one.box === 'box-1')?.committed?.seq
}
const quarantined = async () => (await collector.get('/v1/quarantine')) as { box: string; code: string }[]
const batches = () => broker.seen.filter(({ topic }) => topic === UP).map(({ payload }) => payload)

/** The end of the journal as the insider knows it: from the last batch that went by. */
function lastBatch() {
  const batch = decodeBatch(batches().at(-1)!)
  if (!batch.ok) throw new Error(batch.error.detail)
  const { box: name, epoch, first, previous, entries } = batch.value
  const hash = chainHashes({ box: name, epoch }, first, previous, entries).at(-1)!
  return { box: name, epoch, seq: first + entries.length - 1, hash }
}

describe('an insider at the broker, with the broker’s own key', () => {
  test('reads who was asked, when and for which case, and no grade: not by word, not by length', async () => {
    const lengths = new Set<number>()
    for (const [n, grade] of (['very-satisfied', 'satisfied', 'dissatisfied'] as const).entries()) {
      await client.register(service('read', n + 1))
      await box.rate(service('read', n + 1), grade)
      await client.tied(service('read', n + 1))
      lengths.add(batches().at(-1)!.length)
    }
    const all = Buffer.concat(broker.seen.map(({ payload }) => payload))
    expect(all.includes('MARKED-read')).toBe(true)
    for (const grade of GRADES) expect(all.includes(grade)).toBe(false)
    expect(lengths.size).toBe(1)
  })

  test('sends everything again, backwards and twice: nothing changes', async () => {
    const before = (await collector.get('/v1/services')) as { services: unknown[] }
    for (const bytes of batches().reverse()) {
      await broker.publish(UP, bytes)
      await broker.publish(UP, bytes)
    }
    await client.register(service('mark'))
    await box.rate(service('mark'), 'satisfied')
    expect(await client.tied(service('mark'))).toMatchObject({ grade: 'satisfied' })
    const { services } = (await collector.get('/v1/services')) as { services: { case: string; duplicates: number }[] }
    expect(services.filter(({ case: number }) => number !== 'MARKED-mark')).toEqual(before.services)
    expect(services.map(({ duplicates }) => duplicates)).toEqual([0, 0, 0, 0])
    expect(await quarantined()).toEqual([])
  })

  test('changes a batch, gives it to another box, or makes one: kept aside with the reason, never committed', async () => {
    const before = await committed()
    const changed = Buffer.from(batches().at(-1)!)
    changed[changed.length - 1]! ^= 1
    const forged = createTestBox({ name: 'box-1', privateKey: ownKey, epoch: lastBatch().epoch })
    forged.write({ kind: 'boot', body: { agent: '1.0.0' } })
    const unknown = createTestBox({ name: 'box-9', privateKey: ownKey })
    unknown.write({ kind: 'boot', body: { agent: '1.0.0' } })
    await broker.publish(UP, changed)
    await broker.publish(upTopic('box-2', 'batch'), batches().at(-1)!)
    await broker.publish(UP, forged.batch())
    await broker.publish(upTopic('box-9', 'batch'), unknown.batch())
    await expect.poll(quarantined, { interval: 10 }).toHaveLength(4)
    const reasons = (await quarantined()).map(({ box: name, code }) => `${name} ${code}`)
    expect(reasons.sort()).toEqual([
      'box-1 bad-signature',
      'box-1 bad-signature',
      'box-2 wrong-box',
      'box-9 not-enrolled',
    ])
    expect(await committed()).toBe(before)
  })

  test('forges a receipt, or shows one for another box: nothing is freed', async () => {
    await client.register(service('forged'))
    broker.drop(topic => topic === UP)
    const gone = broker.next(UP)
    await box.rate(service('forged'), 'dissatisfied')
    await gone
    const { backlog } = await box.state(state => state.backlog > 0)
    const receipt = { version: 1, ...lastBatch(), at: Date.now() } as const
    await broker.publish(RECEIPT, signReceipt(receipt, ownKey))
    await box.logged('receipt-refused', 'bad-signature')
    // The collector's own signature, but its word to another box: what an insider has seen go by.
    const collectorKey = createPrivateKey(readFileSync(join(dir, 'collector/signing.key')))
    await broker.publish(RECEIPT, signReceipt({ ...receipt, box: 'box-2' }, collectorKey))
    await box.logged('receipt-refused', 'receipt-of-another')
    expect((await box.state(() => true)).backlog).toBe(backlog)
  })

  test('dropped batches and cut the lines: what was dropped comes again, and arrives once', async () => {
    // Still dropping, since the test before this one.
    broker.drop(() => false)
    broker.disconnectAll()
    await box.state(({ link, backlog }) => link === 'online' && backlog === 0)
    expect(await client.tied(service('forged'))).toMatchObject({ grade: 'dissatisfied' })
  })

  test('drops a receipt without a trace: the batch comes again, changes nothing, and is answered again', async () => {
    await client.register(service('silent'))
    broker.drop(topic => topic === RECEIPT)
    const dropped = broker.next(RECEIPT)
    await box.rate(service('silent'), 'satisfied')
    await dropped
    broker.drop(() => false)
    const again = broker.next(UP)
    expect((await box.state(() => true)).backlog).toBe(2)
    await again
    await box.state(({ backlog }) => backlog === 0)
    expect(await client.tied(service('silent'))).toMatchObject({ grade: 'satisfied' })
    const batch = decodeBatch(await again)
    // The prompt a second time, and the rating that waited behind it.
    expect(batch.ok && batch.value.entries.length).toBe(2)
    expect(await committed()).toBe(lastBatch().seq)
  })

  test('shows an old receipt: the box sends again from there, nothing is lost and nothing is double', async () => {
    const old = broker.seen.find(({ topic }) => topic === RECEIPT)!
    const before = await committed()
    const again = broker.next(UP)
    await broker.publish(RECEIPT, old.payload)
    const batch = decodeBatch(await again)
    expect(batch.ok && batch.value.first).toBeLessThan(lastBatch().seq)
    await box.state(({ backlog }) => backlog === 0)
    expect(await committed()).toBe(before)
  })

  test('makes a prompt, repeats one, or steers one from another box: no citizen is asked', async () => {
    const prompts = async () => (await box.state(() => true)).windows[0]!.today.prompts
    const before = await prompts()
    await client.register(service('ordered'))
    const passing = broker.next(PROMPT)
    const id = await client.order('A01', service('ordered'))
    const genuine = await passing
    await box.state(({ windows: [window] }) => window!.isListening)
    // Cancelled, so that nothing but its being known keeps the same request from asking again.
    await box.cancel(id)
    await client.ended(id)
    await broker.publish(PROMPT, genuine)
    const wish = { version: 1, box: 'box-1', prompt: randomBytes(16), window: 'A01', at: Date.now() } as const
    await broker.publish(PROMPT, signPromptRequest({ ...wish, for: service('steered') }, ownKey))
    await box.logged('prompt-request-refused', 'bad-signature')
    const collectorKey = createPrivateKey(readFileSync(join(dir, 'collector/signing.key')))
    const toAnother = { ...wish, box: 'box-2', for: service('steered') }
    await broker.publish(PROMPT, signPromptRequest(toAnother, collectorKey))
    await box.logged('prompt-request-refused', 'prompt-of-another')
    expect(await prompts()).toBe(before + 1)
    expect((await box.state(() => true)).windows[0]!.session.state).toBe('idle')
  })

  test('can lie about who is there, and so keep a business system’s prompt from its window; the clerk asks at the box', async () => {
    const windows = [{ window: 'A01', pad: 'ready' }]
    const status = encodePresence({ version: 1, online: true, agent: '1.0.0', backlog: 0, windows })
    await broker.publish(upTopic('box-2', 'status'), status, { retain: true })
    const online = async () =>
      ((await collector.get('/v1/boxes')) as { box: string; online: boolean }[]).find(one => one.box === 'box-2')
        ?.online
    await expect.poll(online, { interval: 10 }).toBe(true)
    await client.register(service('diverted'))
    const id = await client.order('A01', service('diverted'))
    // The collector says what it knows: asked, and not opened by anybody.
    expect(await collector.get(`/v1/prompts/${id}`)).toMatchObject({ box: 'box-2', openedAtMs: null, outcome: null })
    await box.rate(service('diverted'), 'very-satisfied')
    expect(await client.tied(service('diverted'))).toMatchObject({ box: 'box-1', grade: 'very-satisfied' })
  })
})
