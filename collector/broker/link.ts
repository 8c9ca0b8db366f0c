import mqtt, { type MqttClient } from 'mqtt'
import type { Clock } from '#protocol/clock.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { type DownKind, downTopic, parseUpTopic, UP_KINDS, type UpKind, upTopicOfAll } from '#protocol/topics.ts'

/** The collector's connection to a broker, embedded or not: one way for both. */
export interface BrokerLink {
  /** Sends to a box if the link is up; nothing is kept for later. */
  send(box: string, kind: DownKind, bytes: Uint8Array): void
  isUp(): boolean
  stop(): Promise<void>
}

export interface BrokerAddress {
  url: string
  tls: { ca: Buffer; cert: Buffer; key: Buffer }
  /** The one certificate the broker must show, instead of a name that fits: for the broker of this very process. */
  pinned?: Buffer
}

const CONNECT_TIMEOUT_MS = 10_000
const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 30_000
/**
 * Small packets go at once: otherwise an acknowledgement waits up to 40 ms for the one before it to be acknowledged.
 * MQTT.js hands every option on to `tls.connect`, though its types name only some.
 */
const SOCKET = { noDelay: true }

/**
 * Keeps one MQTT connection to the broker, for ever. A new client object for every connection: the
 * library keeps what was published while away and would send it stale.
 */
export function createBrokerLink(deps: {
  clock: Clock
  address: BrokerAddress
  /** Uniform in [0, 1); spreads the reconnects of several collectors. */
  random(): number
  onUp(): void
  onDown(reason: string): void
  onMessage(kind: UpKind, box: string, payload: Buffer): void
}): BrokerLink {
  const { clock, address } = deps
  let client: MqttClient | undefined
  let isUp = false
  let isStopped = false
  let retryMs = RETRY_MS_MIN
  let cancelRetry = () => {}

  function connect() {
    let lastError = 'closed'
    const own = mqtt.connect(address.url, {
      ...SOCKET,
      ...address.tls,
      ...(address.pinned ? { checkServerIdentity: mustBe(address.pinned) } : {}),
      clientId: COLLECTOR_NAME,
      protocolVersion: 4,
      clean: true,
      keepalive: 30,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      queueQoSZero: false,
      writeCache: false,
      rejectUnauthorized: true,
    })
    client = own
    own.on('connect', () => {
      own.subscribe(UP_KINDS.map(upTopicOfAll), { qos: 1 }, (error, granted) => {
        if (error || granted?.some(({ qos }) => qos > 2)) return own.end(true)
        if (isStopped) return
        isUp = true
        retryMs = RETRY_MS_MIN
        deps.onUp()
      })
    })
    own.on('message', (topic, payload) => {
      const sent = parseUpTopic(topic)
      if (sent && !isStopped) deps.onMessage(sent.kind, sent.box, payload)
    })
    own.on('error', error => {
      lastError = (error as NodeJS.ErrnoException).code?.toString() ?? error.message
    })
    own.once('close', () => retry(own, lastError))
  }

  function retry(own: MqttClient, reason: string) {
    own.end(true)
    if (client !== own) return
    client = undefined
    const wasUp = isUp
    isUp = false
    if (isStopped) return
    if (wasUp || retryMs === RETRY_MS_MIN) deps.onDown(reason)
    cancelRetry = clock.after(retryMs * (0.5 + deps.random() / 2), connect)
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }

  connect()
  return {
    send(box, kind, bytes) {
      // The callback of a publish is no proof of anything; a box without an answer asks again.
      if (isUp && client) client.publish(downTopic(box, kind), Buffer.from(bytes), { qos: 1, retain: false })
    },
    isUp: () => isUp,
    async stop() {
      isStopped = true
      isUp = false
      cancelRetry()
      const own = client
      if (own) await own.endAsync(!own.connected)
    },
  }
}

function mustBe(certificate: Buffer) {
  return (_host: string, shown: { raw: Buffer }) =>
    shown.raw.equals(certificate) ? undefined : new Error('the broker shows another certificate than its own')
}
