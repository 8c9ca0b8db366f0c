import type { Clock } from '#protocol/clock.ts'
import { encodePresence, type Presence } from '#protocol/presence.ts'
import { type DownKind, downTopic, upTopic } from '#protocol/topics.ts'
import type { LinkTiming } from '#runtime/link-settings.ts'
import { createMqttConnection } from '#runtime/mqtt-connection.ts'
import type { TrueTime } from '#runtime/peer-certificate.ts'

export interface Link {
  /** Sends one batch if the link is up; nothing is kept for later: the journal is the only queue. */
  sendBatch(bytes: Uint8Array): void
  /** Replaces the box's retained status. */
  sendPresence(presence: Presence): void
  /** Whether batches may go: the connection is up, and the broker is known for what it is. */
  isUp(): boolean
  /** The true time has become known: what waited for it goes on, or the connection is cut. */
  timeLearned(): void
  stop(): Promise<void>
}

/** The box's connection to its broker. */
export function createMqttLink(deps: {
  clock: Clock
  /** Uniform in [0, 1); spreads the reconnects of many boxes. */
  random(): number
  box: string
  url: string
  tls: { ca: Buffer; cert: Buffer; key: Buffer }
  timing: LinkTiming
  presence(): Presence
  /** The true time where it is known. */
  trueTime(): TrueTime | undefined
  /** A connection begins: the status that follows asks for the time. */
  askTime(): void
  onUp(): void
  /**
   * Connected to a broker whose certificate only a right clock could judge: all that goes out is the status, with
   * its question; `onUp` follows once that is answered.
   */
  onDateOpen(): void
  onDown(reason: string): void
  onMessage(kind: DownKind, bytes: Uint8Array): void
}): Link {
  const { box } = deps
  const statusTopic = upTopic(box, 'status')
  const kinds = new Map<string, DownKind>([
    [downTopic(box, 'receipt'), 'receipt'],
    [downTopic(box, 'prompt'), 'prompt'],
    [downTopic(box, 'time'), 'time'],
  ])
  const offline = () => {
    const { question: _question, ...presence } = deps.presence()
    return encodePresence({ ...presence, online: false })
  }
  let isOpen = false

  const connection = createMqttConnection({
    ...deps,
    clientId: box,
    topics: [...kinds.keys()],
    will: () => ({ topic: statusTopic, bytes: offline() }),
    onUp() {
      deps.askTime()
      sendPresence(deps.presence())
      if (connection.isDateOpen()) return deps.onDateOpen()
      open()
    },
    onDown(reason) {
      isOpen = false
      deps.onDown(reason)
    },
    onMessage(topic, bytes) {
      const kind = kinds.get(topic)
      if (kind) deps.onMessage(kind, bytes)
    },
  })

  function open() {
    isOpen = true
    deps.onUp()
  }

  function sendPresence(presence: Presence) {
    connection.publish(statusTopic, encodePresence(presence), true)
  }

  return {
    sendBatch(bytes) {
      if (isOpen) connection.publish(upTopic(box, 'batch'), bytes)
    },
    sendPresence,
    isUp: () => isOpen,
    timeLearned() {
      connection.timeLearned()
      if (connection.isUp() && !isOpen) open()
    },
    async stop() {
      isOpen = false
      connection.publish(statusTopic, offline(), true)
      await connection.stop()
    },
  }
}
