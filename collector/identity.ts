import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { createKeyRereader } from './opening/key-folder.ts'
import { readOpeningKeys } from './opening/opening.ts'

/** Who the collector is: to the broker, and in what it signs and opens. */
export interface CollectorIdentity {
  ca: X509Certificate
  tls: { ca: Buffer; cert: Buffer; key: Buffer }
  /** Signs receipts and the collector's own chain. */
  signingKey: KeyObject
  openingKeys: KeyObject[]
  /** The opening keys as they are now, when there are others than before. */
  rereadOpeningKeys?(): readonly KeyObject[] | undefined
}

/** Reads the identity and refuses what would only fail later: a key of another kind, a certificate of another. */
export function loadCollectorIdentity(folder: string, openingFolder: string): Result<CollectorIdentity> {
  try {
    const [ca, cert, key, signing] = ['ca.crt', 'collector.crt', 'collector.key', 'signing.key'].map(name =>
      readFileSync(join(folder, name)),
    )
    const identity = {
      ca: new X509Certificate(ca!),
      tls: { ca: ca!, cert: cert!, key: key! },
      signingKey: createPrivateKey(signing!),
      rereadOpeningKeys: createKeyRereader(openingFolder),
      openingKeys: readOpeningKeys(openingFolder),
    }
    const wrong = problemOf(identity)
    return wrong ? fail('identity-not-usable', wrong) : ok(identity)
  } catch (error) {
    // Files that are missing or are no keys: the message names the file, and holds nothing of a key.
    const { code, path, message } = error as NodeJS.ErrnoException
    return fail('identity-not-usable', path ? `${path}: ${code}` : `${folder}: ${message}`)
  }
}

function problemOf({ ca, tls, signingKey, openingKeys }: CollectorIdentity): string | undefined {
  const certificate = new X509Certificate(tls.cert)
  if (certificate.subject !== `CN=${COLLECTOR_NAME}`) {
    return `collector.crt must be for the name ${COLLECTOR_NAME}, found ${certificate.subject}`
  }
  if (!certificate.verify(ca.publicKey)) return 'collector.crt was not issued by the authority in ca.crt'
  if (!certificate.checkPrivateKey(createPrivateKey(tls.key))) return 'collector.key does not belong to collector.crt'
  if (signingKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') return 'signing.key must be a P-256 key'
  if (openingKeys.length === 0) return 'there is no opening key (*.key): no rating could be read'
  return openingKeys.every(key => key.asymmetricKeyType === 'x25519')
    ? undefined
    : 'every opening key must be an X25519 key'
}
