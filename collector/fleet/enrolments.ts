import { createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { type Dirent, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { join } from 'node:path'
import { isEqual } from '#protocol/codec.ts'
import { COLLECTOR_NAME, DEFAULT_HALL, isBoxId, isHallId } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { plainSerial } from './revocations.ts'

/** Which public key each box signs with, and which hall it belongs to. */
export interface Enrolments {
  keyOf(box: string): KeyObject | undefined
  hallOf(box: string): string
  isKnown(enrolment: BoxCertificate): boolean
  /** A later one of the same box replaces the earlier. */
  add(enrolment: BoxCertificate): void
}

export function createEnrolments(): Enrolments {
  const known = new Map<string, BoxCertificate & { publicKey: KeyObject }>()
  return {
    keyOf: box => known.get(box)?.publicKey,
    hallOf: box => hallIn(known.get(box)),
    isKnown({ box, key, hall = DEFAULT_HALL }) {
      const enrolled = known.get(box)
      return enrolled !== undefined && hallIn(enrolled) === hall && isEqual(enrolled.key, key)
    },
    add(enrolment) {
      const publicKey = createPublicKey({ key: Buffer.from(enrolment.key), format: 'der', type: 'spki' })
      known.set(enrolment.box, { ...enrolment, publicKey })
    },
  }
}

export interface BoxCertificate {
  box: string
  /** SubjectPublicKeyInfo. */
  key: Uint8Array
  /** `default` when it is not said. */
  hall?: string
  /** Serial number of the certificate, where the key came with one. */
  serial?: string
}

const hallIn = (enrolment: BoxCertificate | undefined) => enrolment?.hall ?? DEFAULT_HALL

/** Reads `<box>.crt`, believed only when our authority issued it for that name and a P-256 key. */
export function readBoxCertificate({ path, box, hall }: Found, ca: X509Certificate): Result<BoxCertificate> {
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
  return ok({
    box,
    hall,
    serial: plainSerial(certificate.serialNumber),
    key: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
  })
}

/**
 * Reads every box certificate of a folder now and after each change there: `<box>.crt`, or `<hall>/<box>.crt`
 * for a box of a named hall. A certificate that is refused is told once and keeps nobody else out.
 */
export async function watchBoxCertificates(deps: {
  folder: string
  ca: X509Certificate
  /** Called for all of them, in order, without waiting for the one before: hundreds share a commit. */
  onCertificate(certificate: BoxCertificate): Promise<void>
  onRefused(box: string, fault: { code: string; detail: string }): void
}): Promise<{ stop(): Promise<void> }> {
  mkdirSync(deps.folder, { recursive: true, mode: 0o700 })
  const told = new Map<string, string>()
  let isStopped = false
  let scanning = Promise.resolve()

  async function scan() {
    const found = certificatesIn(deps.folder)
    const taken: Promise<void>[] = []
    for (const certificate of found) {
      if (isStopped) break
      const { box } = certificate
      const read = readInPlace(certificate, found, deps.ca)
      if (read.ok) taken.push(deps.onCertificate(read.value))
      else if (told.get(box) !== read.error.code) deps.onRefused(box, read.error)
      told.set(box, read.ok ? '' : read.error.code)
    }
    await Promise.all(taken)
  }

  const watcher = watch(deps.folder, { recursive: true }, () => {
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

interface Found {
  path: string
  box: string
  hall: string
}

/** A certificate where it may lie: in one hall, and a folder that can be one. */
function readInPlace(certificate: Found, all: readonly Found[], ca: X509Certificate): Result<BoxCertificate> {
  const { box, hall } = certificate
  if (!isHallId(hall)) {
    return fail('hall-not-valid', 'the folder of a hall is named with lower-case letters, digits and hyphens')
  }
  if (all.some(other => other.box === box && other.hall !== hall)) {
    return fail('box-in-two-halls', 'its certificate lies in the folders of several halls: leave it in one')
  }
  return readBoxCertificate(certificate, ca)
}

function certificatesIn(folder: string): Found[] {
  const halls = itemsIn(folder).filter(item => item.isDirectory())
  return [
    ...certificatesOf(folder, DEFAULT_HALL),
    ...halls.flatMap(({ name }) => certificatesOf(join(folder, name), name)),
  ]
}

function certificatesOf(folder: string, hall: string): Found[] {
  return itemsIn(folder)
    .filter(item => item.name.endsWith('.crt') && !item.isDirectory())
    .map(({ name }) => ({ path: join(folder, name), box: name.slice(0, -'.crt'.length), hall }))
}

/** A folder that is gone holds nothing; who is enrolled stays so. */
function itemsIn(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
