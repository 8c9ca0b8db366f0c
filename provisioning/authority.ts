import { createPrivateKey, X509Certificate as NodeCertificate } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Clock } from '#protocol/clock.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { generateKey, importKey, keyToPem, P256, SIGNATURE } from './keys.ts'
import { readRequest } from './request.ts'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509Crl,
  X509CrlGenerator,
  X509CrlReason,
} from './x509.ts'

/**
 * How far before the present a certificate begins. Enough for clocks that differ, not for a box that
 * boots in 1970: what such a box may believe before it knows the time is for the agent to decide.
 */
const BACKDATE_MS = 60 * 60 * 1000
const DAY_MS = 24 * 60 * 60 * 1000

/** Signs certificates for P-256 keys that others made: it reads requests and never sees their private keys. */
export interface Authority {
  /** The authority's own certificate, PEM. */
  readonly certificate: string
  /** For a broker: `hosts` are the names and addresses its clients will use. */
  issueServerCertificate(request: string, expected: { name: string; hosts: readonly string[] }): Promise<Result<string>>
  /** For a box or the collector: `name` is what the certificate will call it. Refuses a request for another name. */
  issueClientCertificate(request: string, expected: { name: string }): Promise<Result<string>>
  /**
   * A list of revoked certificates (RFC 5280, PEM) that replaces `previous`: newer than it in any case, since a
   * reader keeps the newest. It names no next update: a list grown old must not keep every box out.
   */
  issueCrl(revoked: readonly RevokedCertificate[], previous?: string): Promise<Result<string>>
}

export interface RevokedCertificate {
  /** Hex. */
  serial: string
  atWallMs: number
}

type AuthorityClock = Pick<Clock, 'wallMs'>

/** Makes a new authority in `dir` (`ca.key`, `ca.crt`), valid for `validDays`; so are the certificates it issues. */
export async function createAuthority(dir: string, deps: { clock: AuthorityClock; validDays: number }) {
  const keys = await generateKey()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Chuangping development authority',
    keys,
    notBefore: new Date(deps.clock.wallMs() - BACKDATE_MS),
    notAfter: new Date(deps.clock.wallMs() + deps.validDays * DAY_MS),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  writeFileAtomic(join(dir, 'ca.key'), await keyToPem(keys.privateKey), 0o600)
  writeFileAtomic(join(dir, 'ca.crt'), toPem(certificate))
  return authorityOf(certificate, keys.privateKey, deps.clock)
}

/** Opens the authority in `dir`. Refuses when its key does not belong to its certificate. */
export async function openAuthority(dir: string, deps: { clock: AuthorityClock }): Promise<Result<Authority>> {
  const key = readFileSync(join(dir, 'ca.key'), 'utf8')
  const certificate = readFileSync(join(dir, 'ca.crt'), 'utf8')
  if (!new NodeCertificate(certificate).checkPrivateKey(createPrivateKey(key))) {
    return fail('authority-mismatch', `in ${dir} ca.key does not belong to ca.crt`)
  }
  return ok(authorityOf(new X509Certificate(certificate), await importKey(key), deps.clock))
}

function authorityOf(own: X509Certificate, signingKey: CryptoKey, clock: AuthorityClock): Authority {
  async function issue(requestPem: string, name: string, usage: ExtendedKeyUsage, hosts: readonly string[]) {
    const request = await readRequest(requestPem, name)
    if (!request.ok) return request
    const { publicKey } = request.value
    const names = hosts.map(host => ({ type: isIP(host) ? ('ip' as const) : ('dns' as const), value: host }))
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${name}`,
      issuer: own.subject,
      publicKey: await publicKey.export(P256, ['verify']),
      signingKey,
      notBefore: new Date(clock.wallMs() - BACKDATE_MS),
      // A certificate that outlives its authority would only seem to be valid.
      notAfter: own.notAfter,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        await SubjectKeyIdentifierExtension.create(publicKey),
        await AuthorityKeyIdentifierExtension.create(own.publicKey),
        ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
      ],
    })
    return ok(toPem(certificate))
  }

  async function issueCrl(revoked: readonly RevokedCertificate[], previousPem: string | undefined) {
    const previous = previousPem === undefined ? undefined : readCrl(previousPem)
    if (previousPem !== undefined && !previous)
      return fail('bad-crl', 'what is to be replaced is no list of revoked certificates')
    const afterPrevious = previous ? previous.thisUpdate.getTime() + 1000 : 0
    const crl = await X509CrlGenerator.create({
      issuer: own.subject,
      thisUpdate: new Date(Math.max(clock.wallMs() - BACKDATE_MS, afterPrevious)),
      entries: revoked.map(({ serial, atWallMs }) => ({
        serialNumber: serial.length % 2 === 1 ? `0${serial}` : serial,
        revocationDate: new Date(atWallMs),
        reason: X509CrlReason.keyCompromise,
      })),
      extensions: [await AuthorityKeyIdentifierExtension.create(own.publicKey)],
      signingAlgorithm: SIGNATURE,
      signingKey,
    })
    // RFC 7468 section 7 calls it so; the library's own PEM has another label, which OpenSSL does not know.
    return ok(pemOf('X509 CRL', Buffer.from(crl.rawData)))
  }

  return {
    certificate: toPem(own),
    issueCrl,
    issueServerCertificate: (request, { name, hosts }) => issue(request, name, ExtendedKeyUsage.serverAuth, hosts),
    issueClientCertificate: (request, { name }) => issue(request, name, ExtendedKeyUsage.clientAuth, []),
  }
}

function readCrl(pem: string): X509Crl | undefined {
  try {
    return new X509Crl(pem.replace(/X509 CRL/g, 'CRL'))
  } catch {
    // The library throws many kinds of error for bytes that are no list; none says more than this.
    return undefined
  }
}

const toPem = (certificate: X509Certificate) => `${certificate.toString('pem').trim()}\n`

function pemOf(label: string, der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g)!
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
