import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIPv6 } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { ok, type Result } from '#protocol/result.ts'
import { linkTiming } from '#runtime/link-settings.ts'
import type { Logger } from '#runtime/logger.ts'
import { createEventHub } from './api/events.ts'
import { createKeyring } from './api/keyring.ts'
import { createApi } from './api/server.ts'
import { type EmbeddedBroker, startEmbeddedBroker } from './broker/embedded.ts'
import { type BrokerAddress, createBrokerLink } from './broker/link.ts'
import type { CollectorConfiguration } from './configuration.ts'
import { createCore } from './core.ts'
import { createCounters } from './counters.ts'
import { createRevocations, type Revocations } from './fleet/revocations.ts'
import { REVOKED_FILE } from './fleet/revoked-file.ts'
import { type CollectorIdentity, loadCollectorIdentity } from './identity.ts'
import { openStore, type Store } from './store/store.ts'

export interface CollectorDeps {
  clock: Clock
  randomBytes: RandomBytes
  log: Logger
}

export interface RunningCollector {
  /** Where the API and the pages are. */
  url: string
  /** Where boxes connect, if the broker is embedded; the host is a name of its certificate. */
  brokerUrl?: string
  /** Commits what has arrived and stops. */
  close(): Promise<void>
}

const ENROLMENT_WAIT_MS_MAX = 3000
const PAGES = fileURLToPath(new URL('../dist/console', import.meta.url))

/** Starts the collector: store, broker, link, ingest, projections, API. Nothing stays behind when it cannot. */
export async function startCollector(
  configuration: CollectorConfiguration,
  deps: CollectorDeps,
): Promise<Result<RunningCollector>> {
  const identity = loadCollectorIdentity(configuration.identity, configuration.opening)
  if (!identity.ok) return identity
  const store = await openStore(configuration.store)
  if (!store.ok) return store
  const closers: (() => Promise<unknown>)[] = [() => store.value.close()]
  const close = async () => {
    // The last one started is the first to stop; the store is closed last.
    for (const closer of closers.splice(0).reverse()) await closer()
  }
  try {
    return ok({ ...(await startParts(configuration, deps, identity.value, store.value, closers)), close })
  } catch (error) {
    await close()
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') throw error
    return { ok: false, error: { code: 'port-not-usable', detail: message } }
  }
}

async function startParts(
  configuration: CollectorConfiguration,
  { clock, randomBytes, log }: CollectorDeps,
  identity: CollectorIdentity,
  { db, onGuarded }: Store,
  closers: (() => Promise<unknown>)[],
): Promise<Omit<RunningCollector, 'close'>> {
  const counters = createCounters()
  const events = createEventHub(clock)
  const revocations = createRevocations()
  const core = await createCore({ db, onGuarded, clock, randomBytes, log, counters, events, identity, revocations })
  closers.push(core.close)
  // Before anybody can connect.
  core.watchRevoked(join(configuration.identity, REVOKED_FILE))
  const enrolled = core.enrolFrom(configuration.boxes)
  closers.push(() => enrolled)
  // First, or a new box would be refused; but one that has much to project after a crash must not keep all waiting.
  await Promise.race([enrolled, waited(clock, ENROLMENT_WAIT_MS_MAX, enrolled)])
  const broker = await startBroker(configuration, identity, counters, revocations)
  if (broker.embedded) closers.push(broker.embedded.close)
  const link = createBrokerLink({
    clock,
    address: broker.address,
    timing: linkTiming(configuration.broker.link),
    random: () => randomBytes(1)[0]! / 256,
    onUp: () => log.info({ url: broker.address.url }, 'broker-link-up'),
    onDown: reason => log.warn({ url: broker.address.url, reason }, 'broker-link-down'),
    onMessage: core.messageArrived,
  })
  core.connect(link)
  closers.push(link.stop)
  const { host, port, names, openToLoopback, requestsPerMinute } = configuration.api
  const keyring = createKeyring(configuration.keys, detail => log.error({ detail }, 'api-keys-not-readable'))
  const options = { names, openToLoopback, requestsPerMinuteMax: requestsPerMinute, pages: PAGES }
  const api = await createApi({ verbs: core.verbs, keyring, events, log, options })
  closers.push(() => {
    events.close()
    return api.close()
  })
  const url = await api.listen({ host, port })
  return { url, ...(broker.url ? { brokerUrl: broker.url } : {}) }
}

interface StartedBroker {
  address: BrokerAddress
  embedded?: EmbeddedBroker
  url?: string
}

async function startBroker(
  { broker }: CollectorConfiguration,
  { tls }: CollectorIdentity,
  counters: ReturnType<typeof createCounters>,
  revocations: Revocations,
): Promise<StartedBroker> {
  if (!broker.embedded) return { address: { url: broker.url!, tls } }
  const { host } = broker.embedded
  const cert = readFileSync(broker.embedded.cert)
  const embedded = await startEmbeddedBroker({
    host,
    port: broker.embedded.port,
    tls: { ca: tls.ca, cert, key: readFileSync(broker.embedded.key) },
    counters,
    revocations,
  })
  const certificate = new X509Certificate(cert)
  const own = /^(0\.0\.0\.0|::)$/.test(host) ? '127.0.0.1' : host
  return {
    embedded,
    address: { url: addressOf(own, embedded.port), tls, pinned: certificate.raw },
    url: addressOf(nameIn(certificate) ?? own, embedded.port),
  }
}

/** The first name of a certificate, as `DNS:name` or `IP Address:1.2.3.4` in its alternative names. */
function nameIn(certificate: X509Certificate): string | undefined {
  return /(?:DNS|IP Address):([^,\s]+)/.exec(certificate.subjectAltName ?? '')?.[1]
}

const addressOf = (host: string, port: number) => `mqtts://${isIPv6(host) ? `[${host}]` : host}:${port}`

/** Resolves after `delayMs`; the timer ends early with `until`, so that it keeps no process alive. */
function waited(clock: Clock, delayMs: number, until: Promise<unknown>): Promise<void> {
  return new Promise(resolve => {
    const cancel = clock.after(delayMs, resolve)
    void until.finally(cancel)
  })
}
