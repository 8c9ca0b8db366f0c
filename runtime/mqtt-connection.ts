import mqtt, { type MqttClient } from 'mqtt'
import type { Clock } from '#protocol/clock.ts'
import type { LinkTiming } from './link-settings.ts'

/** One MQTT 3.1.1 connection over mutual TLS, made again for ever. */
export interface MqttConnection {
  /** Publishes at QoS 1 if the connection is up; nothing is kept for later, and no answer is waited for. */
  publish(topic: string, bytes: Uint8Array, retain?: boolean): void
  isUp(): boolean
  /** Sends what was published and ends. */
  stop(): Promise<void>
}

export interface MqttConnectionDeps {
  clock: Clock
  /** Uniform in [0, 1); spreads the reconnects of many. */
  random(): number
  url: string
  tls: { ca: Buffer; cert: Buffer; key: Buffer }
  /** The one certificate the broker must show, instead of a name that fits: for a broker of the same process. */
  pinned?: Buffer
  clientId: string
  /** What to subscribe to; the connection is up when all of it was granted. */
  topics: readonly string[]
  /** The retained last will, made anew for each connection. */
  will?(): { topic: string; bytes: Uint8Array }
  timing: LinkTiming
  onUp(): void
  /** The connection was lost, or the first of a row of attempts failed. */
  onDown(reason: string): void
  onMessage(topic: string, bytes: Buffer): void
}

/** MQTT 3.1.1 section 3.9.3: a subscription that was refused. */
const REFUSED_QOS = 0x80

/**
 * A new client object for every connection: the library keeps what was published while away and would send
 * it stale. Callers have a queue of their own, or mean now or never.
 */
export function createMqttConnection(deps: MqttConnectionDeps): MqttConnection {
  const { clock } = deps
  const { retryMsMin, retryMsMax } = deps.timing
  let client: MqttClient | undefined
  let isUp = false
  let isStopped = false
  let retryMs = retryMsMin
  let cancelRetry = () => {}

  function connect() {
    let lastError = 'closed'
    const own = mqtt.connect(deps.url, optionsOf(deps))
    client = own
    own.on('connect', () => {
      own.subscribe([...deps.topics], { qos: 1 }, (error, granted) => {
        if (error || isStopped || granted?.some(({ qos }) => Number(qos) >= REFUSED_QOS)) return own.end(true)
        isUp = true
        retryMs = retryMsMin
        deps.onUp()
      })
    })
    own.on('message', (topic, bytes) => {
      if (!isStopped) deps.onMessage(topic, bytes)
    })
    own.on('error', error => {
      lastError = (error as NodeJS.ErrnoException).code?.toString() ?? error.message
    })
    own.once('close', () => closed(own, lastError))
  }

  function closed(own: MqttClient, reason: string) {
    own.end(true)
    if (client !== own) return
    client = undefined
    const wasUp = isUp
    isUp = false
    if (isStopped) return
    if (wasUp || retryMs === retryMsMin) deps.onDown(reason)
    cancelRetry = clock.after(retryMs * (0.5 + deps.random() / 2), connect)
    retryMs = Math.min(retryMs * 2, retryMsMax)
  }

  connect()
  return {
    publish(topic, bytes, retain = false) {
      if (isUp && client) client.publish(topic, Buffer.from(bytes), { qos: 1, retain })
    },
    isUp: () => isUp,
    async stop() {
      isStopped = true
      isUp = false
      cancelRetry()
      const own = client
      if (own) await own.endAsync(!own.connected).catch(() => own.end(true))
    },
  }
}

function optionsOf({ tls, pinned, clientId, timing, will }: MqttConnectionDeps): mqtt.IClientOptions {
  const last = will?.()
  // Small packets go at once: otherwise an acknowledgement waits up to 40 ms for the one before it. The library
  // hands every option on to `tls.connect`, though its types name only some.
  const socket = { noDelay: true, ...(pinned && { checkServerIdentity: mustBe(pinned) }) }
  return {
    ...socket,
    ...tls,
    clientId,
    protocolVersion: 4,
    clean: true,
    // MQTT counts whole seconds, and takes 0 for never.
    keepalive: Math.max(1, Math.round(timing.keepaliveMs / 1000)),
    connectTimeout: timing.connectMs,
    reconnectPeriod: 0,
    queueQoSZero: false,
    writeCache: false,
    rejectUnauthorized: true,
    ...(last && { will: { topic: last.topic, payload: Buffer.from(last.bytes), qos: 1, retain: true } }),
  }
}

function mustBe(certificate: Buffer) {
  return (_host: string, shown: { raw: Buffer }) =>
    shown.raw.equals(certificate) ? undefined : new Error('the broker shows another certificate than its own')
}
