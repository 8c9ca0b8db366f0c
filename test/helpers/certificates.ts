import { generateKey, keyToPem, P256, SIGNATURE } from '#provisioning/keys.ts'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '#provisioning/x509.ts'

/** A certificate of any kind, with its key: also such as no authority of ours would issue. */
export interface TestCertificate {
  name: string
  pem: string
  key: string
  keys: CryptoKeyPair
}

const YEARS = (from: number, to: number) => ({ from: new Date(Date.UTC(from, 0, 1)), to: new Date(Date.UTC(to, 0, 1)) })
export const NOW_VALID = YEARS(2020, 2090)
export const NOT_YET = YEARS(2080, 2090)
export const LONG_EXPIRED = YEARS(2000, 2010)

export async function makeCertificate(options: {
  name: string
  issuer?: TestCertificate
  valid?: { from: Date; to: Date }
  /** Names and addresses of the host it is for. */
  hosts?: readonly { type: 'dns' | 'ip'; value: string }[]
  usage?: 'server' | 'client'
  isAuthority?: boolean
  /** A key that is there already. */
  keys?: CryptoKeyPair
}): Promise<TestCertificate> {
  const { name, issuer, valid = NOW_VALID, hosts = [{ type: 'dns', value: 'localhost' }], usage = 'server' } = options
  const keys = options.keys ?? (await generateKey())
  const extended = usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth
  const extensions = options.isAuthority
    ? [new BasicConstraintsExtension(true, undefined, true), new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true)]
    : [
        new BasicConstraintsExtension(false, undefined, true),
        new ExtendedKeyUsageExtension([extended]),
        new SubjectAlternativeNameExtension([...hosts]),
      ]
  const certificate = await X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: `CN=${issuer?.name ?? name}`,
    publicKey: await crypto.subtle.importKey(
      'spki',
      await crypto.subtle.exportKey('spki', keys.publicKey),
      P256,
      true,
      ['verify'],
    ),
    signingKey: (issuer?.keys ?? keys).privateKey,
    notBefore: valid.from,
    notAfter: valid.to,
    signingAlgorithm: SIGNATURE,
    extensions,
  })
  return { name, pem: `${certificate.toString('pem').trim()}\n`, key: await keyToPem(keys.privateKey), keys }
}
