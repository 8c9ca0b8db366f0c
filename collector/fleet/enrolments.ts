import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { isEqual } from '#protocol/codec.ts'
import { COLLECTOR_NAME, isBoxId } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** Which public key each box signs with. */
export interface Enrolments {
  keyOf(box: string): KeyObject | undefined
  isKnown(box: string, key: Uint8Array): boolean
  /** `key` is a SubjectPublicKeyInfo; a later one of the same box replaces the earlier. */
  add(box: string, key: Uint8Array): void
}

export function createEnrolments(): Enrolments {
  const known = new Map<string, { spki: Uint8Array; key: KeyObject }>()
  return {
    keyOf: box => known.get(box)?.key,
    isKnown: (box, key) => isEqual(known.get(box)?.spki ?? new Uint8Array(), key),
    add(box, spki) {
      known.set(box, { spki, key: createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }) })
    },
  }
}

export interface BoxCertificate {
  box: string
  key: Uint8Array
}

/** Reads `<box>.crt`, believed only when our authority issued it for that name and a P-256 key. */
export function readBoxCertificate(path: string, box: string, ca: X509Certificate): Result<BoxCertificate> {
  let certificate: X509Certificate
  try {
    certificate = new X509Certificate(readFileSync(path))
  } catch (error) {
    return fail('certificate-not-readable', (error as NodeJS.ErrnoException).code ?? 'it is no X.509 certificate')
  }
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1]
  if (!isBoxId(box) || box === COLLECTOR_NAME || name !== box) {
    return fail('certificate-of-another', 'its common name must be the name of the file, and a valid box id')
  }
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) {
    return fail('certificate-not-ours', 'it was not issued by the authority in ca.crt')
  }
  const { publicKey } = certificate
  if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    return fail('certificate-key-unsuitable', 'a box signs with a P-256 key')
  }
  return ok({ box, key: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })) })
}

/**
 * Reads every box certificate of a folder now and after each change there. A certificate that is refused
 * is told once and keeps nobody else out.
 */
export async function watchBoxCertificates(deps: {
  folder: string
  ca: X509Certificate
  onCertificate(certificate: BoxCertificate): Promise<void>
  onRefused(box: string, fault: { code: string; detail: string }): void
}): Promise<{ stop(): Promise<void> }> {
  mkdirSync(deps.folder, { recursive: true, mode: 0o700 })
  const told = new Map<string, string>()
  let isStopped = false
  let scanning = Promise.resolve()

  async function scan() {
    for (const name of namesIn(deps.folder)) {
      if (!name.endsWith('.crt') || isStopped) continue
      const box = name.slice(0, -'.crt'.length)
      const read = readBoxCertificate(join(deps.folder, name), box, deps.ca)
      if (read.ok) await deps.onCertificate(read.value)
      else if (told.get(box) !== read.error.code) deps.onRefused(box, read.error)
      told.set(box, read.ok ? '' : read.error.code)
    }
  }

  const watcher = watch(deps.folder, () => {
    scanning = scanning.then(scan)
  })
  scanning = scanning.then(scan)
  await scanning
  return {
    async stop() {
      isStopped = true
      watcher.close()
      await scanning
    },
  }
}

/** A folder that is gone holds nothing; who is enrolled stays so. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
