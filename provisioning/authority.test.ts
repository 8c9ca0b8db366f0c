import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Authority, createAuthority } from './authority.ts'
import { createRequest } from './request.ts'
import {
  X509Certificate as PeculiarCertificate,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  X509Crl,
} from './x509.ts'

const NOW = Date.UTC(2026, 0, 1)
const DAY_MS = 86_400_000

let dir: string
let authority: Authority
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'authority-'))
  authority = await createAuthority(dir, { clock: { wallMs: () => NOW }, validDays: 30 })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function keyPem(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    format: 'pem',
    type: 'pkcs8',
  }) as string
}

async function requestWithSubject(name: string) {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' }
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' }
  return (await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm })).toString('pem')
}

test('a request for the expected name becomes a client certificate for its key', async () => {
  const key = keyPem()
  const issued = await authority.issueClientCertificate(await createRequest('box-1', key), { name: 'box-1' })
  if (!issued.ok) throw new Error(issued.error.detail)
  const certificate = new X509Certificate(issued.value)
  expect(certificate.subject).toBe('CN=box-1')
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate.ca).toBe(false)
  expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true)
})

test('a certificate begins before the present and ends with its authority', async () => {
  const issued = await authority.issueClientCertificate(await createRequest('box-1', keyPem()), { name: 'box-1' })
  if (!issued.ok) throw new Error(issued.error.detail)
  const certificate = new X509Certificate(issued.value)
  expect(Date.parse(certificate.validFrom)).toBeLessThan(NOW)
  expect(Date.parse(certificate.validTo)).toBe(NOW + 30 * DAY_MS)
})

test.each([
  ['another box', 'CN=box-2'],
  ['two names', 'CN=box-1, CN=box-2'],
  ['a name with an addition', 'CN=box-1, O=hall'],
  ['no common name', 'O=box-1'],
])('a request for %s is refused', async (_, subject) => {
  const issued = await authority.issueClientCertificate(await requestWithSubject(subject), { name: 'box-1' })
  expect(issued).toMatchObject({ ok: false, error: { code: 'wrong-name' } })
})

test('a request that was changed after signing is refused', async () => {
  const request = new Pkcs10CertificateRequest(await requestWithSubject('CN=box-2'))
  const bytes = Buffer.from(request.rawData)
  bytes.write('box-1', bytes.indexOf('box-2'))
  const changed = new Pkcs10CertificateRequest(new Uint8Array(bytes)).toString('pem')
  const issued = await authority.issueClientCertificate(changed, { name: 'box-1' })
  expect(issued).toMatchObject({ ok: false, error: { code: 'bad-signature' } })
})

test('a request that is none is refused', async () => {
  const issued = await authority.issueClientCertificate('-----BEGIN NOTHING-----', { name: 'box-1' })
  expect(issued).toMatchObject({ ok: false, error: { code: 'bad-request' } })
})

test('a request with a key that is not P-256 is refused', async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-384' }
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair
  const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-384' }
  const request = await Pkcs10CertificateRequestGenerator.create({ name: 'CN=box-1', keys, signingAlgorithm })
  const issued = await authority.issueClientCertificate(request.toString('pem'), { name: 'box-1' })
  expect(issued).toMatchObject({ ok: false, error: { code: 'wrong-key' } })
})

test('a list of revoked certificates names them, is signed by the authority, and is newer than the one it replaces', async () => {
  const revoked = [
    { serial: '4af1', atWallMs: NOW },
    { serial: 'f00', atWallMs: NOW },
    { serial: 'ff01', atWallMs: NOW },
  ]
  const first = await authority.issueCrl([])
  if (!first.ok) throw new Error(first.error.detail)
  const second = await authority.issueCrl(revoked, first.value)
  if (!second.ok) throw new Error(second.error.detail)
  expect(second.value).toMatch(/^-----BEGIN X509 CRL-----\n/)
  const [older, newer] = [first.value, second.value].map(pem => new X509Crl(pem.replaceAll('X509 CRL', 'CRL')))
  // As integers of DER, the last of which would be negative without its zero. (The library does not read them back.)
  const der = Buffer.from(newer!.rawData).toString('hex')
  for (const integer of ['02024af1', '02020f00', '020300ff01']) expect(der).toContain(integer)
  expect(newer!.thisUpdate.getTime()).toBeGreaterThan(older!.thisUpdate.getTime())
  // Readers with a clock a little behind must believe it too.
  expect(newer!.thisUpdate.getTime()).toBeLessThan(NOW)
  expect(newer!.nextUpdate).toBeUndefined()
  const key = await new PeculiarCertificate(authority.certificate).publicKey.export()
  expect(await newer!.verify({ publicKey: key })).toBe(true)
})

test('what is to be replaced must be such a list', async () => {
  expect(await authority.issueCrl([], 'a certificate of something else')).toMatchObject({
    ok: false,
    error: { code: 'bad-crl' },
  })
})
