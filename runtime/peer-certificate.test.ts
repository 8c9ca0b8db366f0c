import { X509Certificate } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { makeCertificate, NOT_YET, type TestCertificate } from '#test/helpers/certificates.ts'
import { checkAllButDates, dateFault } from './peer-certificate.ts'

const authority = await makeCertificate({ name: 'authority', isAuthority: true })
const box = await makeCertificate({ name: 'box-1', issuer: authority, usage: 'client' })
const below = await makeCertificate({ name: 'below', issuer: authority, isAuthority: true })
const renamed = await makeCertificate({ name: 'renamed', isAuthority: true, keys: authority.keys })

async function check(
  issuer: TestCertificate,
  trusted: readonly TestCertificate[],
  host = 'localhost',
  hosts?: [object],
) {
  const made = await makeCertificate({
    name: 'broker',
    issuer,
    valid: NOT_YET,
    ...(hosts && { hosts: hosts as never }),
  })
  const ca = Buffer.from(trusted.map(({ pem }) => pem).join('\n'))
  const checked = checkAllButDates(new X509Certificate(made.pem), { ca, host })
  return checked.ok ? 'good' : checked.error.code
}

describe('a server’s certificate', () => {
  test('is good when one of the authorities in the file issued it', async () => {
    expect(await check(authority, [authority])).toBe('good')
    expect(await check(below, [authority, below])).toBe('good')
    expect(await check(below, [authority])).toBe('broker-not-trusted')
  })

  test('is not when what issued it is no authority, though it is in the file', async () => {
    expect(await check(box, [authority, box])).toBe('broker-not-trusted')
  })

  test('is not when it names another issuer than the one whose key signed it', async () => {
    expect(await check(authority, [renamed])).toBe('broker-not-trusted')
  })

  test('may be for an address in place of a name', async () => {
    const address: [object] = [{ type: 'ip', value: '127.0.0.1' }]
    expect(await check(authority, [authority], '127.0.0.1', address)).toBe('good')
    expect(await check(authority, [authority], '127.0.0.2', address)).toBe('broker-of-another-name')
  })

  test('is out of date only where the time is known well enough to say', () => {
    const validity = { fromWallMs: 1000, toWallMs: 2000 }
    const fault = (wallMs: number, errorMs: number) => dateFault(validity, { wallMs, errorMs })
    expect([fault(1000, 0), fault(2000, 0), fault(2010, 10), fault(990, 10)]).toEqual(Array(4).fill(undefined))
    expect([fault(2011, 10), fault(989, 10)]).toEqual(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])
  })
})
