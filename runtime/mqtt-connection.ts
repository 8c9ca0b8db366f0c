import mqtt, { type MqttClient } from 'mqtt'
import type { Clock } from '#protocol/clock.ts'
import { type BrokerSocket, openBrokerSocket } from './broker-socket.ts'
import type { LinkTiming } from './link-settings.ts'
import type { TrueTime } from './peer-certificate.ts'

/** One MQTT 3.1.1 connection over mutual TLS, made again for ever. */
export interface MqttConnection {
  /** Publishes at QoS 1 if the connection is up; nothing is kept for later, and no answer is waited for. */
  publish(topic: string, bytes: Uint8Array, retain?: boolean): void
  isUp(): boolean
  /**
   * Whether the broker's certificate was taken although the system's clock finds it out of date. Then nothing
   * should be said but what it takes to learn the time.
   */
  isDateOpen(): boolean
  /** The true time has become known: cuts the connection if the broker's certificate is not valid at it. */
  timeLearned(): void
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
  /** The true time where it is known, for judging the broker's certificate; without this the system's clock does. */
  trueTime?(): TrueTime | undefined
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
  const { retryMsMin, retryMsMax, connectMs } = deps.timing
  let client: MqttClient | undefined
  let broker: BrokerSocket | undefined
  let isUp = false
  let isStopped = false
  let retryMs = retryMsMin
  let cancelRetry = () => {}
  let cancelAttempt = () => {}

  function connect() {
    const startedMonoMs = clock.monoMs()
    cancelAttempt = openBrokerSocket({ ...deps, connectMs }, opened => {
      if (!opened.ok) return retry(opened.error.code)
      const restMs = Math.max(1, connectMs - (clock.monoMs() - startedMonoMs))
      greet(opened.value, restMs)
    })
  }

  function greet(opened: BrokerSocket, restMs: number) {
    let lastError = 'closed'
    const own = new mqtt.MqttClient(() => opened.socket, optionsOf(deps, restMs))
    client = own
    broker = opened
    own.on('connect', () => {
      own.subscribe([...deps.topics], { qos: 1 }, (error, granted) => {
        if (error || isStopped || client !== own || granted?.some(({ qos }) => Number(qos) >= REFUSED_QOS))
          return own.end(true)
        isUp = true
        retryMs = retryMsMin
        deps.onUp()
      })
    })
    own.on('message', (topic, bytes) => {
      if (!isStopped && client === own) deps.onMessage(topic, bytes)
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
    retry(reason)
  }

  function retry(reason: string) {
    const wasUp = isUp
    isUp = false
    broker = undefined
    if (isStopped) return
    if (wasUp || retryMs === retryMsMin) deps.onDown(reason)
    cancelRetry = clock.after(retryMs * (0.5 + deps.random() / 2), connect)
    retryMs = Math.min(retryMs * 2, retryMsMax)
  }

  // Not at once: who starts a link has more urgent things to start.
  cancelRetry = clock.after(0, connect)
  return {
    publish(topic, bytes, retain = false) {
      if (isUp && client) client.publish(topic, Buffer.from(bytes), { qos: 1, retain })
    },
    isUp: () => isUp,
    isDateOpen: () => broker?.isDateOpen ?? false,
    timeLearned() {
      const now = deps.trueTime?.()
      if (!broker || !client || !now) return
      const fault = broker.dateFaultAt(now)
      broker.isDateOpen = false
      if (!fault) return
      client.end(true)
      closed(client, fault)
    },
    async stop() {
      isStopped = true
      isUp = false
      cancelRetry()
      cancelAttempt()
      const own = client
      if (own) await own.endAsync(!own.connected).catch(() => own.end(true))
    },
  }
}

function optionsOf({ clientId, timing, will }: MqttConnectionDeps, connectMs: number): mqtt.IClientOptions {
  const last = will?.()
  return {
    clientId,
    protocolVersion: 4,
    clean: true,
    // MQTT counts whole seconds, and takes 0 for never.
    keepalive: Math.max(1, Math.round(timing.keepaliveMs / 1000)),
    connectTimeout: connectMs,
    reconnectPeriod: 0,
    queueQoSZero: false,
    writeCache: false,
    ...(last && { will: { topic: last.topic, payload: Buffer.from(last.bytes), qos: 1, retain: true } }),
  }
}
