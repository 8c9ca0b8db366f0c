import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { EnrolmentSchema } from '#protocol/enrolment.ts'
import { createOpener, createSealer } from '#protocol/sealing.ts'
import { loadYaml } from '#runtime/configuration.ts'
import { createDevelopmentIdentities } from './development.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'identities-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const HOSTS = ['localhost', '127.0.0.1', '::1']
const make = (into = dir, boxes = ['box-1'], brokerHosts = HOSTS) =>
  createDevelopmentIdentities({ dir: into, boxes, brokerHosts })

/** Every file below `root` with its content and time of change. */
function snapshot(root: string) {
  return filesBelow(root).map(path => [path, readFileSync(path, 'utf8'), statSync(path).mtimeMs])
}

function filesBelow(root: string) {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
}

/** Serves one connection like a broker does; resolves to the name of the client, or to why there is none. */
async function shakeHands(brokerDir: string, client: { dir: string; name: string; host?: string }) {
  const server = createServer({
    ca: readFileSync(join(brokerDir, 'ca.crt')),
    cert: readFileSync(join(brokerDir, 'broker.crt')),
    key: readFileSync(join(brokerDir, 'broker.key')),
    requestCert: true,
    rejectUnauthorized: true,
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const seen = Promise.race([
    once(server, 'secureConnection').then(([socket]: TLSSocket[]) => String(socket!.getPeerCertificate().subject.CN)),
    once(server, 'tlsClientError').then(([error]) => `refused: ${error.code}`),
  ])
  const socket = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    servername: client.host ?? 'localhost',
    ca: readFileSync(join(brokerDir, 'ca.crt')),
    cert: readFileSync(join(client.dir, `${client.name}.crt`)),
    key: readFileSync(join(client.dir, `${client.name}.key`)),
  })
  const clientFailed = new Promise<string>(resolve => {
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_TLS_CERT_ALTNAME_INVALID') resolve(`client refused: ${error.code}`)
    })
  })
  try {
    return await Promise.race([clientFailed, seen])
  } finally {
    socket.destroy()
    server.close()
  }
}

test('box and collector are let in under their own names, over mutual TLS', async () => {
  await make()
  const broker = join(dir, 'broker')
  expect(await shakeHands(broker, { dir: join(dir, 'boxes/box-1'), name: 'box' })).toBe('box-1')
  expect(await shakeHands(broker, { dir: join(dir, 'collector'), name: 'collector' })).toBe('collector')
})

test('a certificate of another authority is refused, though it carries the same name', async () => {
  await make()
  await make(join(dir, 'elsewhere'))
  const stranger = { dir: join(dir, 'elsewhere/boxes/box-1'), name: 'box' }
  expect(await shakeHands(join(dir, 'broker'), stranger)).toMatch(/^refused: /)
})

test('the certificate of the broker does not let anybody in as a client', async () => {
  await make()
  expect(await shakeHands(join(dir, 'broker'), { dir: join(dir, 'broker'), name: 'broker' })).toMatch(/^refused: /)
})

test('a broker under a name its certificate does not carry is refused by the box', async () => {
  await make()
  const box = { dir: join(dir, 'boxes/box-1'), name: 'box', host: 'broker.example' }
  expect(await shakeHands(join(dir, 'broker'), box)).toMatch(/^client refused: /)
})

test('a second run changes nothing', async () => {
  await make()
  const before = snapshot(dir)
  await make()
  expect(snapshot(dir)).toEqual(before)
})

test('a further box and a further host are added without touching what the others hold', async () => {
  await make()
  const before = snapshot(join(dir, 'boxes/box-1'))
  await make(dir, ['box-1', 'box-2'], [...HOSTS, 'broker.example'])
  expect(snapshot(join(dir, 'boxes/box-1'))).toEqual(before)
  const broker = join(dir, 'broker')
  const second = { dir: join(dir, 'boxes/box-2'), name: 'box', host: 'broker.example' }
  expect(await shakeHands(broker, second)).toBe('box-2')
})

test('a first run that was cut short is completed by the next', async () => {
  await make()
  for (const name of ['authority/ca.crt', 'boxes/box-1/box.crt', 'boxes/box-1/enrolment.yaml']) rmSync(join(dir, name))
  expect(await make()).toMatchObject({ ok: true })
  expect(await shakeHands(join(dir, 'broker'), { dir: join(dir, 'boxes/box-1'), name: 'box' })).toBe('box-1')
})

test('a box that lost its key makes another and is given a certificate for that one', async () => {
  await make()
  rmSync(join(dir, 'boxes/box-1/box.key'))
  await make()
  expect(await shakeHands(join(dir, 'broker'), { dir: join(dir, 'boxes/box-1'), name: 'box' })).toBe('box-1')
})

test('an authority whose key was replaced or lost is refused, not silently made anew', async () => {
  await make()
  writeFileSync(join(dir, 'authority/ca.key'), readFileSync(join(dir, 'broker/broker.key')))
  expect(await make()).toMatchObject({ ok: false, error: { code: 'authority-mismatch' } })
  rmSync(join(dir, 'authority/ca.key'))
  expect(await make()).toMatchObject({ ok: false, error: { code: 'authority-incomplete' } })
})

test.each(['collector', 'Box-1', '../box', '', '窗口一'])('no box may be called %j', async name => {
  expect(await make(dir, [name])).toMatchObject({ ok: false, error: { code: 'bad-box-id' } })
})

test('no key can be read by anybody but its owner, whatever the umask', async () => {
  const umask = process.umask(0)
  try {
    await make()
  } finally {
    process.umask(umask)
  }
  const keys = filesBelow(dir).filter(path => /PRIVATE KEY/.test(readFileSync(path, 'utf8')))
  expect(keys).toHaveLength(6)
  for (const key of keys) expect([key, statSync(key).mode & 0o777]).toEqual([key, 0o600])
  for (const folder of ['authority', 'broker', 'collector', 'collector/opening', 'boxes/box-1']) {
    expect([folder, statSync(join(dir, folder)).mode & 0o777]).toEqual([folder, 0o700])
  }
})

test('what the box was told fits the keys the collector holds', async () => {
  await make()
  const enrolment = loadYaml(join(dir, 'boxes/box-1/enrolment.yaml'), EnrolmentSchema)
  if (!enrolment.ok) throw new Error(enrolment.error.detail)
  const { box, broker, collector } = enrolment.value
  expect({ box, broker }).toEqual({ box: 'box-1', broker: 'mqtts://localhost:8883' })

  const signing = createPublicKey(readFileSync(join(dir, 'collector/signing.key')))
  expect(createPublicKey(collector.signingKey).equals(signing)).toBe(true)

  const [opening] = readdirSync(join(dir, 'collector/opening'))
  const opener = await createOpener([createPrivateKey(readFileSync(join(dir, 'collector/opening', opening!)))])
  const seal = await (await createSealer(createPublicKey(collector.openingKey))).prepare()
  const sealed = await seal.seal({ grade: 'satisfied' }, 'pad', new Uint8Array(1))
  expect(opening).toBe(`${Buffer.from(sealed.key).toString('hex')}.key`)
  expect(await opener.open(sealed, new Uint8Array(1))).toEqual({ ok: true, value: { grade: 'satisfied' } })
})

test('the collector is given the certificate by which it will know the box', async () => {
  await make()
  const held = new X509Certificate(readFileSync(join(dir, 'collector/boxes/box-1.crt')))
  expect(held.checkPrivateKey(createPrivateKey(readFileSync(join(dir, 'boxes/box-1/box.key'))))).toBe(true)
})
