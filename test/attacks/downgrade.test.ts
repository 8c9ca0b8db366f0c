import { connect } from 'node:tls'
import { encode } from 'cborg'
import mqtt from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { startMosquitto } from '#collector/fixtures/mosquitto.ts'
import { mqttEvent } from '#collector/fixtures/mqtt-event.ts'
import { startTestCollector } from '#test/helpers/collector.ts'
import { spliced } from '#test/helpers/protocol-arbitraries.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const boot = { kind: 'boot', body: { agent: '1.0.0' } } as const
const time = { boot: new Uint8Array(16), mono: 0, wall: 0, synced: false }

describe('a box that was made to speak as it should not, with its own good signature', () => {
  test.each([0, 2, 24])('in version %i: kept aside until a collector speaks it, and no receipt', async version => {
    const collector = await createTestCollector()
    const box = collector.box('box-1')
    await collector.enrol(box)
    box.write(boot)
    const bytes = box.batch()
    const at = Buffer.from(bytes).indexOf('version') + 'version'.length
    await collector.send('box-1', spliced(bytes, at, 1, ...encode(version)))
    expect(await collector.core.verbs.listQuarantine(10)).toMatchObject([{ code: 'unknown-version' }])
    expect(collector.receipts('box-1')).toEqual([])
  })

  test.each<[string, string, object]>([
    ['with a readable grade beside the sealed one', 'entry-not-decodable', { grade: 'satisfied', sealed: seal() }],
    ['with a readable grade instead of a sealed one', 'entry-not-decodable', { grade: 'satisfied' }],
    ['as a default rating', 'provenance-not-allowed', { provenance: 'default', sealed: seal() }],
    ['as imported', 'provenance-not-allowed', { provenance: 'imported', sealed: seal() }],
  ])('a rating %s: never committed, and the refusal does not repeat it', async (_, code, more) => {
    const collector = await createTestCollector()
    const box = collector.box('box-1')
    await collector.enrol(box)
    box.write(boot)
    const body = { prompt: new Uint8Array(16), provenance: 'pad', ...more }
    const entry = encode({ body, kind: 'rating', time })
    await collector.send(
      'box-1',
      box.batch(1, 1, batch => ({ ...batch, entries: [...batch.entries, entry] })),
    )
    const refused = await collector.core.verbs.listQuarantine(10)
    expect(refused).toMatchObject([{ code }])
    expect(JSON.stringify(refused) + collector.log.join('')).not.toContain('satisfied')
    expect(collector.receipts('box-1')).toEqual([])
  })
})

function seal() {
  return { key: new Uint8Array(8), enc: new Uint8Array(32), text: new Uint8Array(64) }
}

describe.each(['embedded', 'mosquitto'] as const)('a client of the %s broker', kind => {
  test('that speaks TLS older than 1.2, or publishes under an older protocol version, reaches nobody', async () => {
    const dir = temporaryFolder()
    const identities = await createTestIdentities(dir, ['box-1'])
    const mosquitto = kind === 'mosquitto' ? await startMosquitto(dir) : undefined
    if (mosquitto) onTestFinished(mosquitto.stop)
    const collector = await startTestCollector(dir, mosquitto && `mqtts://localhost:${mosquitto.port}`)
    const port = mosquitto?.port ?? Number(new URL(collector.brokerUrl!).port)

    expect(await handshake(port, { ...identities.box('box-1'), maxVersion: 'TLSv1.1' })).not.toBe('connected')
    expect(await handshake(port, { ...identities.box('box-1'), maxVersion: 'TLSv1.2' })).toBe('connected')

    const client = mqtt.connect(`mqtts://localhost:${port}`, {
      ...identities.box('box-1'),
      clientId: 'box-1',
      protocolVersion: 4,
      reconnectPeriod: 0,
    })
    client.on('error', () => {})
    onTestFinished(() => void client.end(true))
    await mqttEvent(client, 'connect')
    const closed = mqttEvent(client, 'close').then(() => 'cut off')
    client.publish('chuangping/v0/box-1/up/batch', 'old', { qos: 1 })
    client.publish('chuangping/v1/box-1/up/batch', 'new', { qos: 1 })
    const arrived = expect
      .poll(async () => await collector.get('/v1/quarantine'), { interval: 10, timeout: 5_000 })
      .toMatchObject([{ bytes: 3 }])
      .then(() => 'only the new one arrived')
    // The embedded broker cuts off who publishes where it may not; Mosquitto says nothing and delivers nothing.
    expect(await Promise.race([closed, arrived])).toBe(kind === 'embedded' ? 'cut off' : 'only the new one arrived')
    arrived.catch(() => {})
  })
})

function handshake(
  port: number,
  options: { ca: Buffer; cert: Buffer; key: Buffer; maxVersion: 'TLSv1.1' | 'TLSv1.2' },
): Promise<string> {
  return new Promise(resolve => {
    const socket = connect({
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      // Our own library must be willing, or the refusal would be its.
      minVersion: 'TLSv1',
      ciphers: 'DEFAULT@SECLEVEL=0',
      ...options,
    })
    socket.once('secureConnect', () => resolve('connected'))
    socket.once('error', error => resolve((error as NodeJS.ErrnoException).code ?? error.message))
    onTestFinished(() => void socket.destroy())
  })
}
