import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { addKey } from '#collector/api/keyring.ts'
import { startMosquitto } from '#collector/fixtures/mosquitto.ts'
import { mqttEvent } from '#collector/fixtures/mqtt-event.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { createCable } from '#scripts/cable.ts'
import { createCounterClient } from '#scripts/counter-client.ts'
import { startTestBox } from '#test/helpers/box.ts'
import { startTestCollector } from '#test/helpers/collector.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const service = (name: string) => ({ case: `MARKED-${name}`, service: 1 })
const MAIN = join(import.meta.dirname, '..', '..', 'cli', 'main.ts')

async function scene() {
  const dir = temporaryFolder()
  let brokerPort = 0
  const cable = await createCable(() => brokerPort)
  onTestFinished(cable.close)
  const made = await createDevelopmentIdentities({
    dir,
    boxes: ['box-1', 'box-2'],
    brokerHosts: ['localhost', '127.0.0.1'],
    brokerPort: cable.port,
  })
  if (!made.ok) throw new Error(made.error.detail)
  mkdirSync(join(dir, 'box'))
  const key = addKey(join(dir, 'api-keys.yaml'), 'hall', ['services:write'])
  if (!key.ok) throw new Error(key.error.detail)
  const chuangping = (...args: string[]) =>
    JSON.parse(
      execFileSync(process.execPath, [MAIN, ...args, '--config', join(dir, 'collector.yaml'), '--json'], {
        encoding: 'utf8',
      }),
    )
  return {
    dir,
    cable,
    chuangping,
    setBroker(url: string) {
      brokerPort = Number(new URL(url).port)
    },
    startBox: () => startTestBox(join(dir, 'box'), join(dir, 'boxes/box-1')),
    clientOf: (collector: { url: string }) =>
      createCounterClient({ collectorUrl: collector.url, apiKey: key.value } as never),
  }
}

describe('a box that was stolen and runs on', () => {
  test('is cut off the embedded broker as soon as it is revoked, and does not come back', async () => {
    const { dir, chuangping, setBroker, startBox, clientOf } = await scene()
    const collector = await startTestCollector(dir)
    setBroker(collector.brokerUrl!)
    const [box, client] = [await startBox(), clientOf(collector)]
    await client.register(service('before'))
    await box.rate(service('before'), 'dissatisfied')
    await client.tied(service('before'))

    expect(chuangping('collector', 'revoke', 'box-1', '--reason', 'stolen')).toMatchObject({ ok: true, box: 'box-1' })
    await box.state(({ link }) => link === 'offline')
    await expect.poll(() => refusedConnections(collector), POLL).toBeGreaterThan(0)
    await box.rate(service('after'), 'satisfied')
    expect((await box.state(() => true)).link).toBe('offline')
    expect(await collector.get('/v1/services/MARKED-before/1')).toMatchObject({
      rating: { grade: 'dissatisfied', boxRevokedAtMs: expect.any(Number) },
    })
    expect(await collector.get('/v1/boxes')).toMatchObject([{ revoked: { reason: 'stolen' } }, { revoked: null }])
  })

  test('says nothing that counts over an open session at Mosquitto, and gets no other once that has read the list', async () => {
    const { dir, cable, chuangping, setBroker, startBox, clientOf } = await scene()
    const list = ['--authority', join(dir, 'authority'), '--crl', join(dir, 'revoked.crl')]
    // The command needs a configuration before there is a broker that could be named in it.
    writeFileSync(join(dir, 'collector.yaml'), settings('mqtts://localhost:8883'))
    chuangping('collector', 'crl', ...list)
    const mosquitto = await startMosquitto(dir, { crl: join(dir, 'revoked.crl') })
    onTestFinished(mosquitto.stop)
    const url = `mqtts://localhost:${mosquitto.port}`
    setBroker(url)
    const collector = await startTestCollector(dir, url)
    const [box, client] = [await startBox(), clientOf(collector)]
    await client.register(service('before'))
    await box.rate(service('before'), 'satisfied')
    await client.tied(service('before'))
    await box.state(({ backlog }) => backlog === 0)

    chuangping('collector', 'revoke', 'box-1', '--reason', 'stolen', ...list)
    await expect
      .poll(() => collector.get('/v1/boxes'), POLL)
      .toMatchObject([{ revoked: { reason: 'stolen' } }, { revoked: null }])
    await box.rate(service('after'), 'satisfied')
    await expect.poll(() => collector.get('/v1/quarantine'), POLL).toMatchObject([{ code: 'box-revoked' }])
    expect((await box.state(() => true)).backlog).toBeGreaterThan(0)

    expect(await connectAs(dir, 'box-1', url)).toBe('connected')
    await mosquitto.reread()
    await cable.cut()
    await cable.restore()
    expect(await connectAs(dir, 'box-1', url)).toBe('refused')
    await box.state(({ link }) => link === 'offline')
    // The ratings it gave before stand, marked; the other boxes of the authority are not concerned.
    expect(await collector.get('/v1/services/MARKED-before/1')).toMatchObject({
      rating: { grade: 'satisfied', boxRevokedAtMs: expect.any(Number) },
    })
    expect(await connectAs(dir, 'box-2', url)).toBe('connected')
  })
})

const POLL = { interval: 20, timeout: 10_000 }

const settings = (url: string) =>
  stringify({ store: 'store/collector.sqlite', identity: 'collector', broker: { url }, keys: 'api-keys.yaml' })

/** Whoever has the card has its key: a program of the thief's own, from anywhere. */
async function connectAs(dir: string, box: string, url: string): Promise<'connected' | 'refused'> {
  const read = (name: string) => readFileSync(join(dir, 'boxes', box, name))
  const tls = { ca: read('ca.crt'), cert: read('box.crt'), key: read('box.key') }
  const client = mqtt.connect(url, { ...tls, clientId: box, protocolVersion: 4, reconnectPeriod: 0 })
  client.on('error', () => {})
  onTestFinished(() => void client.end(true))
  const outcome = await Promise.race([
    mqttEvent(client, 'connect').then(() => 'connected' as const),
    mqttEvent(client, 'close').then(() => 'refused' as const),
  ])
  client.end(true)
  return outcome
}

async function refusedConnections(collector: { get(path: string): Promise<unknown> }): Promise<number> {
  const { counters } = (await collector.get('/v1/health')) as { counters: Record<string, number> }
  return counters['broker-refused.revoked'] ?? 0
}
