import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { expect, onTestFinished, test } from 'vitest'
import { createTestBox } from '#collector/fixtures/box.ts'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { startMosquitto } from '#collector/fixtures/mosquitto.ts'
import { mqttEvent } from '#collector/fixtures/mqtt-event.ts'
import { startRunning } from '#collector/fixtures/running.ts'
import { downTopic, upTopic } from '#protocol/topics.ts'
import { openAuthority } from '#provisioning/authority.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { revokeBox } from './fleet/revoke-box.ts'
import { readRevoked } from './fleet/revoked-file.ts'
import { readOpeningKeys } from './opening/opening.ts'

async function startWith(dir: string, broker: object) {
  const { collector, configuration } = await startRunning(dir, broker)
  const revoke = (box: string) => revokeBox(configuration, { box, reason: '被盗', atMs: Date.now() })
  return { collector, revoke }
}

function connect(dir: string, url: string, name: string): MqttClient {
  const read = (file: string) => readFileSync(join(dir, 'boxes', name, file))
  const tls = { ca: read('ca.crt'), cert: read('box.crt'), key: read('box.key') }
  const client = mqtt.connect(url, { ...tls, clientId: name, protocolVersion: 4, reconnectPeriod: 0 })
  client.on('error', () => {})
  onTestFinished(() => void client.end(true))
  return client
}

/** Whether a connection comes about. */
async function isLetIn(dir: string, url: string, name: string): Promise<boolean> {
  const client = connect(dir, url, name)
  const isIn = await Promise.race([
    mqttEvent(client, 'connect').then(() => true),
    mqttEvent(client, 'close').then(() => false),
  ])
  client.end(true)
  return isIn
}

function boxOf(dir: string, name: string) {
  const [openingKey] = readOpeningKeys(join(dir, 'collector/opening'))
  const privateKey = createPrivateKey(readFileSync(join(dir, 'boxes', name, 'box.key')))
  return createTestBox({ name, privateKey, sealTo: createPublicKey(openingKey!) })
}

const EMBEDDED = { embedded: { host: '127.0.0.1', port: 0, key: 'broker/broker.key', cert: 'broker/broker.crt' } }

test('on the embedded broker the session of a revoked box is cut at once, and no new one begins', async () => {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1', 'box-2'])
  const { collector, revoke } = await startWith(dir, EMBEDDED)
  const url = collector.brokerUrl!
  const [thief, other] = [connect(dir, url, 'box-1'), connect(dir, url, 'box-2')]
  await Promise.all([mqttEvent(thief, 'connect'), mqttEvent(other, 'connect')])
  const cut = mqttEvent(thief, 'close')
  const sinceMs = performance.now()
  expect(revoke('box-1')).toMatchObject({ ok: true })
  await cut
  expect(performance.now() - sinceMs).toBeLessThan(3000)
  expect(await isLetIn(dir, url, 'box-1')).toBe(false)
  await other.subscribeAsync(downTopic('box-2', 'receipt'), { qos: 1 })
  expect(revoke('box-1')).toMatchObject({ ok: false, error: { code: 'already-revoked' } })
  await collector.close()
  // Nor after a restart, from the first moment on.
  const again = await startWith(dir, EMBEDDED)
  expect(await isLetIn(dir, again.collector.brokerUrl!, 'box-1')).toBe(false)
  expect(await isLetIn(dir, again.collector.brokerUrl!, 'box-2')).toBe(true)
})

test('on Mosquitto the collector takes nothing more from a revoked box, and after the list is read it gets in no more', async () => {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1', 'box-2', 'box-3'])
  const crl = join(dir, 'revoked.crl')
  const authority = await openAuthority(join(dir, 'authority'), { clock: createSystemClock() })
  if (!authority.ok) throw new Error(authority.error.detail)
  const writeCrl = async (previous?: string) => {
    const revoked = readRevoked(join(dir, 'collector/revoked.yaml'))
    if (!revoked.ok) throw new Error(revoked.error.detail)
    const list = await authority.value.issueCrl(
      revoked.value.map(({ serial, atMs }) => ({ serial, atWallMs: atMs })),
      previous,
    )
    if (!list.ok) throw new Error(list.error.detail)
    writeFileSync(crl, list.value)
  }
  await writeCrl()
  const broker = await startMosquitto(dir, { crl })
  onTestFinished(broker.stop)
  const url = `mqtts://127.0.0.1:${broker.port}`
  const { collector, revoke } = await startWith(dir, { url })
  const thief = connect(dir, url, 'box-1')
  await mqttEvent(thief, 'connect')
  await thief.subscribeAsync(downTopic('box-1', 'receipt'), { qos: 1 })
  const box = boxOf(dir, 'box-1')
  await box.rate(box.prompt(), 'satisfied')
  const receipted = mqttEvent(thief, 'message')
  thief.publish(upTopic('box-1', 'batch'), Buffer.from(box.batch()), { qos: 1 })
  await receipted

  const quarantined = nextEvent(collector.url, 'quarantine')
  expect(revoke('box-1')).toMatchObject({ ok: true })
  await revokedAt(collector.url, 'box-1')
  // The broker has not been told: it still carries what the thief sends.
  await box.rate(box.prompt(), 'very-satisfied')
  thief.publish(upTopic('box-1', 'batch'), Buffer.from(box.batch(3, 4)), { qos: 1 })
  expect(await quarantined).toMatchObject({ box: 'box-1', code: 'box-revoked' })

  await writeCrl(readFileSync(crl, 'utf8'))
  await broker.reread()
  // What honest words in our documents say: an open session lasts until it ends.
  expect(thief.connected).toBe(true)
  thief.end(true)
  expect(await isLetIn(dir, url, 'box-1')).toBe(false)
  expect(await isLetIn(dir, url, 'box-2')).toBe(true)
  // A second one at once after the first: the newer list counts, though both are of the same second.
  expect(revoke('box-2')).toMatchObject({ ok: true })
  await writeCrl(readFileSync(crl, 'utf8'))
  await broker.reread()
  expect(await isLetIn(dir, url, 'box-2')).toBe(false)
  expect(await isLetIn(dir, url, 'box-3')).toBe(true)
})

/** The next server-sent event of a kind. */
async function nextEvent(url: string, kind: string): Promise<unknown> {
  const response = await fetch(`${url}/v1/events`)
  let text = ''
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const [, data] = new RegExp(`event: ${kind}\ndata: (.*)\n\n`).exec(text) ?? []
    if (data) return JSON.parse(data)
  }
  throw new Error('the events ended')
}

/** Waits until the collector says that a box is revoked. */
async function revokedAt(url: string, name: string): Promise<void> {
  for (;;) {
    const boxes = (await (await fetch(`${url}/v1/boxes`)).json()) as { box: string; revoked: object | null }[]
    if (boxes.find(({ box }) => box === name)?.revoked) return
  }
}
