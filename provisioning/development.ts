import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Clock } from '#protocol/clock.ts'
import type { Enrolment } from '#protocol/enrolment.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { type Authority, createAuthority, openAuthority } from './authority.ts'
import { createBoxIdentity, ensureSigningKey } from './box-identity.ts'
import { ensureOpeningKey } from './opening-key.ts'
import { createRequest } from './request.ts'

const VALID_DAYS = 3650

export interface DevelopmentIdentitiesOptions {
  dir: string
  boxes: readonly string[]
  /** Names and addresses of the broker; boxes connect to the first. */
  brokerHosts: readonly string[]
  brokerPort?: number
  clock?: Pick<Clock, 'wallMs'>
}

/** Where everything lies. The folder of each part is all that part needs on its machine. */
export interface DevelopmentIdentities {
  authority: string
  broker: string
  collector: string
  boxes: Record<string, string>
}

/**
 * Makes what is missing for one authority, broker, collector and the named boxes below `dir`; what is there
 * and still good stays as it is, so a second call changes nothing and a further box can be added later.
 * For development and tests only: here one machine holds every key, in the field none does.
 */
export async function createDevelopmentIdentities(
  options: DevelopmentIdentitiesOptions,
): Promise<Result<DevelopmentIdentities>> {
  const { dir, boxes, brokerHosts, brokerPort = 8883, clock = createSystemClock() } = options
  const folders: DevelopmentIdentities = {
    authority: join(dir, 'authority'),
    broker: join(dir, 'broker'),
    collector: join(dir, 'collector'),
    boxes: Object.fromEntries(boxes.map(box => [box, join(dir, 'boxes', box)])),
  }
  if (!brokerHosts[0]) return fail('no-broker-host', 'the broker needs at least one name or address')
  makePrivateFolder(dir)
  const authority = await ensureAuthority(folders.authority, clock)
  if (!authority.ok) return authority
  const broker = await ensureBroker(folders.broker, authority.value, brokerHosts)
  if (!broker.ok) return broker
  const collector = await ensureCollector(folders.collector, authority.value)
  if (!collector.ok) return collector
  const address = `mqtts://${isIP(brokerHosts[0]) === 6 ? `[${brokerHosts[0]}]` : brokerHosts[0]}:${brokerPort}`
  for (const [box, folder] of Object.entries(folders.boxes)) {
    const enrolment: Enrolment = { box, broker: address, collector: collector.value }
    const made = await ensureBox(folder, authority.value, enrolment)
    if (!made.ok) return made
    makePrivateFolder(join(folders.collector, 'boxes'))
    writeIfChanged(join(folders.collector, 'boxes', `${box}.crt`), readFileSync(join(folder, 'box.crt'), 'utf8'))
  }
  return ok(folders)
}

async function ensureAuthority(dir: string, clock: Pick<Clock, 'wallMs'>): Promise<Result<Authority>> {
  const [hasKey, hasCertificate] = [existsSync(join(dir, 'ca.key')), existsSync(join(dir, 'ca.crt'))]
  if (hasKey && hasCertificate) return openAuthority(dir, { clock })
  // The key is written first, so a key alone is a first start that was cut short.
  if (hasCertificate) return fail('authority-incomplete', `in ${dir} ca.crt is there but ca.key is not`)
  return ok(await createAuthority(dir, { clock, validDays: VALID_DAYS }))
}

async function ensureBroker(dir: string, authority: Authority, hosts: readonly string[]) {
  const key = await ensureSigningKey(dir, 'broker.key')
  const covers = (certificate: X509Certificate) =>
    hosts.every(host => (isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)))
  return ensureCertificate(dir, 'broker', { key, authority, covers }, async () =>
    authority.issueServerCertificate(await createRequest('broker', key), { name: 'broker', hosts }),
  )
}

async function ensureCollector(dir: string, authority: Authority): Promise<Result<Enrolment['collector']>> {
  const key = await ensureSigningKey(dir, 'collector.key')
  const made = await ensureCertificate(dir, 'collector', { key, authority }, async () =>
    authority.issueClientCertificate(await createRequest(COLLECTOR_NAME, key), { name: COLLECTOR_NAME }),
  )
  if (!made.ok) return made
  const signingKey = publicPem(await ensureSigningKey(dir, 'signing.key'))
  return ok({ signingKey, openingKey: ensureOpeningKey(dir) })
}

async function ensureBox(dir: string, authority: Authority, enrolment: Enrolment) {
  const identity = await createBoxIdentity(dir, enrolment.box)
  if (!identity.ok) return identity
  const key = readFileSync(join(dir, 'box.key'), 'utf8')
  const made = await ensureCertificate(dir, 'box', { key, authority }, () =>
    authority.issueClientCertificate(identity.value.request, { name: enrolment.box }),
  )
  if (made.ok) writeIfChanged(join(dir, 'enrolment.yaml'), stringify(enrolment))
  return made
}

interface Expectation {
  key: string
  authority: Authority
  covers?: (certificate: X509Certificate) => unknown
}

/** Keeps `dir/name.crt` while it fits key and authority (with which it ends), else has a new one issued. */
async function ensureCertificate(
  dir: string,
  name: string,
  expected: Expectation,
  issue: () => Promise<Result<string>>,
): Promise<Result<void>> {
  const path = join(dir, `${name}.crt`)
  writeIfChanged(join(dir, 'ca.crt'), expected.authority.certificate)
  if (existsSync(path) && isStillGood(new X509Certificate(readFileSync(path)), expected)) return ok()
  const issued = await issue()
  if (!issued.ok) return issued
  writeFileAtomic(path, issued.value)
  return ok()
}

function isStillGood(certificate: X509Certificate, { key, authority, covers }: Expectation): boolean {
  return (
    certificate.checkPrivateKey(createPrivateKey(key)) &&
    certificate.verify(new X509Certificate(authority.certificate).publicKey) &&
    Boolean(covers?.(certificate) ?? true)
  )
}

const publicPem = (privatePem: string) =>
  createPublicKey(createPrivateKey(privatePem)).export({ format: 'pem', type: 'spki' }) as string

function makePrivateFolder(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
}

function writeIfChanged(path: string, content: string): void {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== content) writeFileAtomic(path, content)
}
