import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import { fail, ok, type Result } from '#protocol/result.ts'

/** True time, wrong by at most `errorMs`. */
export interface TrueTime {
  wallMs: number
  errorMs: number
}

/** When a certificate, and whoever issued it, are valid. */
export interface Validity {
  fromWallMs: number
  toWallMs: number
}

/** RFC 5280 section 4.2.1.12: id-kp-serverAuth. */
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

/**
 * What OpenSSL checks of a server's certificate, but for its dates: it must be for this host and for servers,
 * and be issued directly by one of the authorities in `ca`. Directly, because the limits that an authority sets
 * to those below it (path length, names) cannot be read here; where there is one between, put it into `ca` too.
 */
export function checkAllButDates(
  certificate: X509Certificate,
  expected: { ca: Buffer; host: string },
): Result<Validity> {
  const issuer = findIssuer(certificate, expected.ca)
  if (!issuer) return fail('broker-not-trusted', 'no authority this box was enrolled with issued the certificate')
  if (!certificate.keyUsage?.includes(SERVER_AUTH)) {
    return fail('broker-not-a-server', 'the certificate is not for a server')
  }
  const isNamed = !checkServerIdentity(expected.host, certificate.toLegacyObject())
  if (!isNamed) return fail('broker-of-another-name', `the certificate is not for ${expected.host}`)
  return ok(validityOf([certificate, issuer]))
}

/** The dates of a certificate that OpenSSL has found good, and of who issued it where that is one of `ca`. */
export function validityIn(certificate: X509Certificate, ca: Buffer): Validity {
  const issuer = findIssuer(certificate, ca)
  return validityOf(issuer ? [certificate, issuer] : [certificate])
}

/** What is wrong with the dates at a time that is known; undefined when nothing is, as far as it is known. */
export function dateFault({ fromWallMs, toWallMs }: Validity, { wallMs, errorMs }: TrueTime): string | undefined {
  if (wallMs - errorMs > toWallMs) return 'CERT_HAS_EXPIRED'
  return wallMs + errorMs < fromWallMs ? 'CERT_NOT_YET_VALID' : undefined
}

/**
 * Whether OpenSSL's last word is about dates. It says nothing of what else is wrong: each fault hides the one
 * before, and an unknown issuer is found before the dates are.
 */
export const isDateFault = (code: unknown): boolean => code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID'

function findIssuer(certificate: X509Certificate, ca: Buffer): X509Certificate | undefined {
  return certificatesIn(ca).find(
    // `ca` is the basic constraint, and the key usage where there is one.
    issuer => issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey),
  )
}

function certificatesIn(pem: Buffer): X509Certificate[] {
  const found = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return found.map(one => new X509Certificate(one))
}

function validityOf(certificates: readonly X509Certificate[]): Validity {
  return {
    fromWallMs: Math.max(...certificates.map(({ validFromDate }) => validFromDate.getTime())),
    toWallMs: Math.min(...certificates.map(({ validToDate }) => validToDate.getTime())),
  }
}

/** What TLS sends as the name of the host; an address has none (RFC 6066 section 3). */
export const serverNameOf = (host: string): string | undefined => (isIP(host) === 0 ? host : undefined)
