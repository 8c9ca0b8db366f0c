import mqtt, { type MqttClient } from 'mqtt'
import type { Clock } from '#protocol/clock.ts'
import { encodePresence, type Presence } from '#protocol/presence.ts'
import { type DownKind, downTopic, upTopic } from '#protocol/topics.ts'

export interface Link {
  /** Sends one batch if the link is up; nothing is kept for later. */
  sendBatch(bytes: Uint8Array): void
  /** Replaces the box's retained status. */
  sendPresence(presence: Presence): void
  isUp(): boolean
  stop(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 10_000
const RETRY_MS_MIN = 1_000
const RETRY_MS_MAX = 60_000
/**
 * Small packets go at once: otherwise an acknowledgement waits up to 40 ms for the one before it to be acknowledged.
 * MQTT.js hands every option on to `tls.connect`, though its types name only some.
 */
const SOCKET = { noDelay: true }

/**
 * Keeps one MQTT connection to the broker, for ever, over mutual TLS. A new client object for every
 * connection: the library keeps what was published while away and would send it stale. The journal is
 * the only queue.
 */
export function createMqttLink(deps: {
  clock: Clock
  /** Uniform in [0, 1); spreads the reconnects of many boxes. */
  random(): number
  box: string
  url: string
  tls: { ca: string | Buffer; cert: string | Buffer; key: string | Buffer }
  presence(): Presence
  onUp(): void
  onDown(reason: string): void
  onMessage(kind: DownKind, bytes: Uint8Array): void
}): Link {
  const { clock, box } = deps
  let client: MqttClient | undefined
  let isUp = false
  let isStopped = false
  let retryMs = RETRY_MS_MIN
  let cancelRetry = () => {}

  const kinds = new Map<string, DownKind>([
    [downTopic(box, 'receipt'), 'receipt'],
    [downTopic(box, 'prompt'), 'prompt'],
  ])

  function connect() {
    let lastError = 'closed'
    const own = mqtt.connect(deps.url, {
      ...SOCKET,
      ...deps.tls,
      clientId: box,
      protocolVersion: 4,
      clean: true,
      keepalive: 30,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      queueQoSZero: false,
      writeCache: false,
      rejectUnauthorized: true,
      will: {
        topic: upTopic(box, 'status'),
        payload: Buffer.from(encodePresence({ ...deps.presence(), online: false })),
        qos: 1,
        retain: true,
      },
    })
    client = own
    own.on('connect', () => {
      own.subscribe([...kinds.keys()], { qos: 1 }, error => {
        if (error || isStopped) return own.end(true)
        isUp = true
        retryMs = RETRY_MS_MIN
        publish('status', encodePresence({ ...deps.presence(), online: true }), true)
        deps.onUp()
      })
    })
    own.on('message', (topic, payload) => {
      const kind = kinds.get(topic)
      if (kind) deps.onMessage(kind, payload)
    })
    own.on('error', error => {
      lastError = (error as NodeJS.ErrnoException).code ?? error.message
    })
    own.once('close', () => {
      own.end(true)
      if (client !== own) return
      client = undefined
      const wasUp = isUp
      isUp = false
      if (isStopped) return
      if (wasUp || retryMs === RETRY_MS_MIN) deps.onDown(lastError)
      cancelRetry = clock.after(retryMs * (0.5 + deps.random() / 2), connect)
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
    })
  }

  function publish(kind: 'batch' | 'status', bytes: Uint8Array, retain: boolean) {
    if (!isUp || !client) return
    // The callback is not a receipt and is not waited for.
    client.publish(upTopic(box, kind), Buffer.from(bytes), { qos: 1, retain })
  }

  connect()
  return {
    sendBatch: bytes => publish('batch', bytes, false),
    sendPresence: presence => publish('status', encodePresence(presence), true),
    isUp: () => isUp,
    async stop() {
      isStopped = true
      cancelRetry()
      const own = client
      if (!own) return
      if (isUp) publish('status', encodePresence({ ...deps.presence(), online: false }), true)
      isUp = false
      await own.endAsync(false).catch(() => own.end(true))
    },
  }
}
