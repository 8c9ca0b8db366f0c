import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createMqttLink } from '#agent/uplink/mqtt-link.ts'
import { decodePresence } from '#protocol/presence.ts'
import { upTopic } from '#protocol/topics.ts'
import { createMqttConnection } from '#runtime/mqtt-connection.ts'
import type { TrueTime } from '#runtime/peer-certificate.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { LONG_EXPIRED, makeCertificate, NOT_YET, NOW_VALID, type TestCertificate } from '#test/helpers/certificates.ts'
import { startInsiderBroker } from '#test/helpers/insider-broker.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

/** What a broker may show to a box. The authority the box was enrolled with is `ours`. */
let ours: TestCertificate
let box: TestCertificate
const shown: Record<string, { certificate: TestCertificate; chain?: string }> = {}

beforeAll(async () => {
  const valid = { from: new Date(Date.UTC(1990, 0, 1)), to: new Date(Date.UTC(2090, 0, 1)) }
  ours = await makeCertificate({ name: 'authority', isAuthority: true, valid })
  const namesake = await makeCertificate({ name: 'authority', isAuthority: true })
  const foreign = await makeCertificate({ name: 'foreign authority', isAuthority: true })
  box = await makeCertificate({ name: 'box-1', issuer: ours, usage: 'client' })
  const below = await makeCertificate({ name: 'intermediate', issuer: ours, isAuthority: true })
  const server = (options: Partial<Parameters<typeof makeCertificate>[0]> = {}) =>
    makeCertificate({ name: 'broker', issuer: ours, valid: NOT_YET, ...options })
  Object.assign(shown, {
    good: { certificate: await server({ valid: NOW_VALID }) },
    'not yet valid': { certificate: await server() },
    expired: { certificate: await server({ valid: LONG_EXPIRED }) },
    'of a foreign authority': { certificate: await server({ issuer: foreign }), chain: foreign.pem },
    'of a foreign authority, good now': { certificate: await server({ issuer: foreign, valid: NOW_VALID }) },
    'of another authority of the same name': { certificate: await server({ issuer: namesake }), chain: namesake.pem },
    'for another host': { certificate: await server({ hosts: [{ type: 'dns', value: 'elsewhere' }] }) },
    'self-signed': { certificate: await makeCertificate({ name: 'broker', valid: NOT_YET }) },
    'self-signed in the name of the authority': {
      certificate: await makeCertificate({ name: 'authority', valid: NOT_YET }),
    },
    'for a client': { certificate: await server({ usage: 'client' }) },
    'issued by a box': { certificate: await server({ issuer: box }), chain: box.pem },
    'issued by an authority below': { certificate: await server({ issuer: below }), chain: below.pem },
  })
})

/** A broker that writes down what reaches it in the clear, and greets whoever says CONNECT. */
async function serve({ certificate, chain = '' }: (typeof shown)[string]) {
  let heard = 0
  const server = createServer({ cert: certificate.pem + chain, key: certificate.key }, (socket: TLSSocket) => {
    socket.on('error', () => {})
    function answer(data: Buffer) {
      heard += data.length
      // CONNACK, and SUBACK for the one topic.
      if (data[0] === 0x10) socket.write(Buffer.of(0x20, 2, 0, 0))
      if (data[0] === 0x82) socket.write(Buffer.of(0x90, 3, data[2]!, data[3]!, 1))
    }
    socket.on('data', answer)
  }).listen(0, '127.0.0.1')
  server.on('tlsClientError', () => {})
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, heard: () => heard }
}

/** Connects as a box does, once, and says how that ended. */
async function connectTo(what: string, trueTime?: () => TrueTime | undefined) {
  const broker = await serve(shown[what]!)
  const ended = Promise.withResolvers<string>()
  const cut = Promise.withResolvers<string>()
  const connection = createMqttConnection({
    clock: createSystemClock(),
    random: () => 1,
    url: `mqtts://localhost:${broker.port}`,
    tls: { ca: Buffer.from(ours.pem), cert: Buffer.from(box.pem), key: Buffer.from(box.key) },
    ...(trueTime && { trueTime }),
    clientId: 'box-1',
    topics: ['a'],
    timing: { retryMsMin: 60_000, retryMsMax: 60_000, keepaliveMs: 30_000, connectMs: 10_000 },
    onUp: () => ended.resolve('up'),
    onDown(reason) {
      ended.resolve(reason)
      cut.resolve(reason)
    },
    onMessage() {},
  })
  onTestFinished(connection.stop)
  return { result: await ended.promise, heard: broker.heard(), connection, cut: cut.promise }
}

const NOBODY_KNOWS = () => undefined
const year = (at: number) => () => ({ wallMs: Date.UTC(at, 6, 1), errorMs: 1000 })

describe('a box that does not know the date', () => {
  test.each(['not yet valid', 'expired'])(
    'takes a broker whose certificate is %s by its clock, and has nothing else wrong',
    async what => {
      const { result, connection } = await connectTo(what, NOBODY_KNOWS)
      expect([result, connection.isDateOpen()]).toEqual(['up', true])
    },
  )

  test.each([
    ['of a foreign authority', 'broker-not-trusted'],
    ['of another authority of the same name', 'broker-not-trusted'],
    ['self-signed', 'broker-not-trusted'],
    ['self-signed in the name of the authority', 'broker-not-trusted'],
    ['issued by a box', 'broker-not-trusted'],
    ['issued by an authority below', 'broker-not-trusted'],
    ['for another host', 'broker-of-another-name'],
    ['for a client', 'broker-not-a-server'],
  ])('refuses a broker whose certificate is %s besides, and tells it nothing', async (what, reason) => {
    expect(await connectTo(what, NOBODY_KNOWS)).toMatchObject({ result: reason, heard: 0 })
  })

  test('cuts the connection when it learns that the certificate has expired, and keeps it when not', async () => {
    let known: TrueTime | undefined
    const open = await connectTo('not yet valid', () => known)
    known = { wallMs: Date.UTC(2085, 0, 1), errorMs: 1000 }
    open.connection.timeLearned()
    expect([open.connection.isUp(), open.connection.isDateOpen()]).toEqual([true, false])
    known = { wallMs: Date.UTC(2091, 0, 1), errorMs: 1000 }
    open.connection.timeLearned()
    expect(await open.cut).toBe('CERT_HAS_EXPIRED')
    expect(open.connection.isUp()).toBe(false)
  })
})

describe('until a box that took a broker without a date knows it', () => {
  async function link() {
    const dir = temporaryFolder()
    mkdirSync(join(dir, 'broker'))
    const { certificate } = shown['not yet valid']!
    for (const [name, text] of [
      ['ca.crt', ours.pem],
      ['broker.crt', certificate.pem],
      ['broker.key', certificate.key],
    ] as const) {
      writeFileSync(join(dir, 'broker', name), text)
    }
    const broker = await startInsiderBroker(dir)
    const events: string[] = []
    const downs = Promise.withResolvers<string>()
    let known: TrueTime | undefined
    const question = new Uint8Array(16).fill(9)
    const said = broker.next(upTopic('box-1', 'status'))
    const own = createMqttLink({
      clock: createSystemClock(),
      random: () => 1,
      box: 'box-1',
      url: broker.url,
      tls: { ca: Buffer.from(ours.pem), cert: Buffer.from(box.pem), key: Buffer.from(box.key) },
      timing: { retryMsMin: 60_000, retryMsMax: 60_000, keepaliveMs: 30_000, connectMs: 10_000 },
      presence: () => ({ version: 1, online: true, agent: 'test', question, backlog: 1, windows: [] }),
      trueTime: () => known,
      askTime() {},
      onDateOpen: () => events.push('date-open'),
      onUp: () => events.push('up'),
      onDown: reason => downs.resolve(reason),
      onMessage() {},
    })
    onTestFinished(async () => {
      await own.stop()
      await broker.close()
    })
    expect(decodePresence(await said)).toMatchObject({ ok: true, value: { question } })
    const batch = (n: number) => own.sendBatch(Uint8Array.of(n))
    const batches = () =>
      broker.seen.filter(({ topic }) => topic === upTopic('box-1', 'batch')).map(each => each.payload[0])
    return {
      own,
      broker,
      events,
      batch,
      batches,
      down: downs.promise,
      learn(wallMs: number) {
        known = { wallMs, errorMs: 1000 }
        own.timeLearned()
      },
    }
  }

  test('nothing but its question goes out; then what it holds does, if the certificate is good', async () => {
    const { own, broker, events, batch, batches, learn } = await link()
    expect([events, own.isUp()]).toEqual([['date-open'], false])
    batch(1)
    learn(Date.UTC(2085, 0, 1))
    expect([events, own.isUp()]).toEqual([['date-open', 'up'], true])
    const next = broker.next(upTopic('box-1', 'batch'))
    batch(2)
    await next
    expect(batches()).toEqual([2])
  })

  test('a broker whose certificate turns out to have expired has heard of no entry', async () => {
    const { own, events, batch, batches, down, learn } = await link()
    batch(1)
    learn(Date.UTC(2091, 0, 1))
    batch(2)
    expect(await down).toBe('CERT_HAS_EXPIRED')
    expect([events, own.isUp(), batches()]).toEqual([['date-open'], false, []])
  })
})

describe('a box that knows the date', () => {
  test.each([
    ['good', 2050, 'up'],
    ['good', 2091, 'CERT_HAS_EXPIRED'],
    ['good', 1970, 'CERT_NOT_YET_VALID'],
    ['not yet valid', 2085, 'up'],
    ['not yet valid', 2026, 'CERT_NOT_YET_VALID'],
    ['expired', 2005, 'up'],
    ['expired', 2026, 'CERT_HAS_EXPIRED'],
    ['of a foreign authority', 2085, 'broker-not-trusted'],
  ])('judges a certificate that its own clock finds %s by what it knows: in %i %s', async (what, at, result) => {
    expect(await connectTo(what, year(at))).toMatchObject({ result })
  })

  test('is in no doubt where the time it knows is too uncertain to say', async () => {
    const wide = () => ({ wallMs: Date.UTC(2091, 0, 1), errorMs: 400 * 86_400_000 })
    expect(await connectTo('good', wide)).toMatchObject({ result: 'up' })
  })
})

test('without a word about the time, the clock of the machine decides, as it does for the collector', async () => {
  expect(await connectTo('good')).toMatchObject({ result: 'up' })
  for (const [what, reason] of [
    ['not yet valid', 'CERT_NOT_YET_VALID'],
    ['expired', 'CERT_HAS_EXPIRED'],
    ['of a foreign authority, good now', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ] as const) {
    expect(await connectTo(what)).toMatchObject({ result: reason, heard: 0 })
  }
})
