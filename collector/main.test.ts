import { createPrivateKey, createPublicKey } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { addKey } from '#collector/api/keyring.ts'
import { createTestBox, type TestBox } from '#collector/fixtures/box.ts'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { startMosquitto } from '#collector/fixtures/mosquitto.ts'
import { mqttEvent } from '#collector/fixtures/mqtt-event.ts'
import { startRunning } from '#collector/fixtures/running.ts'
import { encodePresence } from '#protocol/presence.ts'
import { decodePromptRequest } from '#protocol/prompt-request.ts'
import { readReceipt } from '#protocol/receipt.ts'
import { downTopic, upTopic } from '#protocol/topics.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { readOpeningKeys } from './opening/opening.ts'

type Start = typeof startWith

const startWith = async (dir: string, broker: object) => (await startRunning(dir, broker)).collector

const EMBEDDED = { embedded: { host: '127.0.0.1', port: 0, key: 'broker/broker.key', cert: 'broker/broker.crt' } }

/** A box's own MQTT connection, with the key and certificate the collector enrolled it by. */
async function connectBox(dir: string, url: string, name: string): Promise<{ box: TestBox; client: MqttClient }> {
  const read = (file: string) => readFileSync(join(dir, 'boxes', name, file))
  const [openingKey] = readOpeningKeys(join(dir, 'collector/opening'))
  const box = createTestBox({
    name,
    privateKey: createPrivateKey(read('box.key')),
    sealTo: createPublicKey(openingKey!),
  })
  const tls = { ca: read('ca.crt'), cert: read('box.crt'), key: read('box.key') }
  const client = mqtt.connect(url, { ...tls, clientId: name, protocolVersion: 4, reconnectPeriod: 0 })
  onTestFinished(() => void client.end(true))
  await mqttEvent(client, 'connect')
  await client.subscribeAsync([downTopic(name, 'receipt'), downTopic(name, 'prompt')], { qos: 1 })
  return { box, client }
}

/** Server-sent events of one kind, as they come. */
async function* eventsOf(url: string, kind: string): AsyncGenerator<Record<string, unknown>> {
  const aborter = new AbortController()
  onTestFinished(() => aborter.abort())
  const response = await fetch(`${url}/v1/events`, { signal: aborter.signal })
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const blocks = text.split('\n\n')
    text = blocks.pop()!
    for (const block of blocks) {
      const [, name, data] = /^event: (\S+)\ndata: (.*)$/s.exec(block) ?? []
      if (name === kind) yield JSON.parse(data!)
    }
  }
}

async function first<T>(events: AsyncGenerator<T>, fits: (item: T) => boolean): Promise<T> {
  for (;;) {
    const { value, done } = await events.next()
    if (done) throw new Error('the events ended')
    if (fits(value)) return value
  }
}

const withEmbedded = async (start: Start, dir: string) => {
  const collector = await start(dir, EMBEDDED)
  return { collector, brokerUrl: collector.brokerUrl! }
}

const withMosquitto = async (start: Start, dir: string) => {
  const broker = await startMosquitto(dir)
  onTestFinished(broker.stop)
  const brokerUrl = `mqtts://127.0.0.1:${broker.port}`
  return { collector: await start(dir, { url: brokerUrl }), brokerUrl }
}

describe.each([
  ['embedded', withEmbedded],
  ['mosquitto', withMosquitto],
] as const)('with the %s broker', (_, startBoth) => {
  test('a service is registered, its window prompted, the rating received, tied and shown live', async () => {
    const dir = temporaryFolder()
    await createTestIdentities(dir, ['box-1'])
    const { collector, brokerUrl } = await startBoth(startWith, dir)
    const key = addKey(join(dir, 'keys.yaml'), 'business', ['services:write', 'prompts:write'])
    const headers = { authorization: `Bearer ${key.ok && key.value}`, 'content-type': 'application/json' }
    const call = (path: string, body: object) =>
      fetch(`${collector.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
    const boxEvents = eventsOf(collector.url, 'box')
    const serviceEvents = eventsOf(collector.url, 'service')
    const registered = first(serviceEvents, item => item['why'] === 'not-prompted')
    // The streams are open once the first of their events has been waited for.
    const online = first(boxEvents, item => item['online'] === true)

    const { box, client } = await connectBox(dir, brokerUrl, 'box-1')
    const presence = {
      version: 1 as const,
      online: true,
      agent: '1',
      backlog: 0,
      windows: [{ window: 'A01', pad: 'ready' }],
    }
    const say = () =>
      client.publish(upTopic('box-1', 'status'), Buffer.from(encodePresence(presence)), { qos: 1, retain: true })
    say()
    expect(await online).toMatchObject({ box: 'box-1', enrolled: true, windows: [{ window: 'A01' }] })
    expect((await call('/v1/services', { case: 'C-1', service: 1 })).status).toBe(201)
    await registered

    const asked = mqttEvent(client, 'message')
    expect((await call('/v1/windows/A01/prompts', { case: 'C-1', service: 1 })).status).toBe(202)
    const [topic, payload] = (await asked) as [string, Buffer]
    expect(topic).toBe(downTopic('box-1', 'prompt'))
    const request = decodePromptRequest(payload)
    if (!request.ok) throw new Error(request.error.detail)

    box.prompt(request.value.for, request.value.prompt)
    await box.rate(request.value.prompt, 'dissatisfied')
    const rated = first(serviceEvents, item => item['why'] === 'rated')
    const receipted = mqttEvent(client, 'message')
    client.publish(upTopic('box-1', 'batch'), Buffer.from(box.batch()), { qos: 1 })
    const signing = createPublicKey(readFileSync(join(dir, 'collector/signing.key')))
    expect(readReceipt((await receipted)[1] as Buffer, signing)).toMatchObject({
      ok: true,
      value: { box: 'box-1', seq: 2 },
    })
    expect(await rated).toMatchObject({
      case: 'C-1',
      service: 1,
      rating: { grade: 'dissatisfied', box: 'box-1', seq: 2 },
    })
  })
})

test('a box whose certificate is put into the folder is enrolled without a restart; a foreign one is not', async () => {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1', 'box-2'])
  const foreign = await createTestIdentities(temporaryFolder(), ['box-3'])
  const later = readFileSync(join(dir, 'collector/boxes/box-2.crt'))
  rmSync(join(dir, 'collector/boxes/box-2.crt'))
  const collector = await startWith(dir, EMBEDDED)
  const boxes = async () => {
    const list = (await (await fetch(`${collector.url}/v1/boxes`)).json()) as { box: string; enrolled: boolean }[]
    return list.filter(item => item.enrolled).map(item => item.box)
  }
  expect(await boxes()).toEqual(['box-1'])
  const events = eventsOf(collector.url, 'box')
  const enrolled = first(events, item => item['enrolled'] === true)
  // Asking for the first event opens the stream; only then is there something to miss.
  await boxes()
  copyFileSync(join(foreign.dir, 'collector/boxes/box-3.crt'), join(dir, 'collector/boxes/box-3.crt'))
  writeFileSync(join(dir, 'collector/boxes/box-2.crt'), later)
  expect(await enrolled).toMatchObject({ box: 'box-2' })
  expect(await boxes()).toEqual(['box-1', 'box-2'])
})

test('boxes whose certificates lie there already are enrolled before anybody is listened to', async () => {
  const dir = temporaryFolder()
  const boxes = Array.from({ length: 40 }, (_, i) => `box-${i + 1}`)
  await createTestIdentities(dir, boxes)
  const said: string[] = []
  const log = pino({}, { write: line => void said.push((JSON.parse(line) as { msg: string }).msg) })
  await startRunning(dir, EMBEDDED, log)
  await vi.waitUntil(() => said.includes('broker-link-up'))
  expect(said.filter(msg => msg === 'box-enrolled' || msg === 'broker-link-up')).toEqual([
    ...boxes.map(() => 'box-enrolled'),
    'broker-link-up',
  ])
})

test('what was committed is there after a restart, and the enrolment is not written twice', async () => {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1'])
  const collector = await startWith(dir, EMBEDDED)
  const { box, client } = await connectBox(dir, collector.brokerUrl!, 'box-1')
  await box.rate(box.prompt(), 'satisfied')
  const receipted = mqttEvent(client, 'message')
  client.publish(upTopic('box-1', 'batch'), Buffer.from(box.batch()), { qos: 1 })
  await receipted
  await collector.close()
  const again = await startWith(dir, EMBEDDED)
  const pool = await (await fetch(`${again.url}/v1/pool`)).json()
  expect(pool).toMatchObject([{ box: 'box-1', seq: 2, grade: 'satisfied' }])
  const health = (await (await fetch(`${again.url}/v1/health`)).json()) as { counters: Record<string, number> }
  expect(health.counters['entries-committed']).toBeUndefined()
})

test('a second collector on the same store, and a port in use, are refused with the reason', async () => {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1'])
  const collector = await startWith(dir, EMBEDDED)
  await expect(startWith(dir, EMBEDDED)).rejects.toThrow('is open in another process')
  await collector.close()
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await expect(startWith(dir, { embedded: { ...EMBEDDED.embedded, port } })).rejects.toThrow('EADDRINUSE')
  server.close()
  // Nothing of the failed start holds the store.
  await (await startWith(dir, EMBEDDED)).close()
})
