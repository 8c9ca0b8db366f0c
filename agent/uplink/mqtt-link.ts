import type { Clock } from '#protocol/clock.ts'
import { encodePresence, type Presence } from '#protocol/presence.ts'
import { type DownKind, downTopic, upTopic } from '#protocol/topics.ts'
import type { LinkTiming } from '#runtime/link-settings.ts'
import { createMqttConnection } from '#runtime/mqtt-connection.ts'

export interface Link {
  /** Sends one batch if the link is up; nothing is kept for later: the journal is the only queue. */
  sendBatch(bytes: Uint8Array): void
  /** Replaces the box's retained status. */
  sendPresence(presence: Presence): void
  isUp(): boolean
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
  onUp(): void
  onDown(reason: string): void
  onMessage(kind: DownKind, bytes: Uint8Array): void
}): Link {
  const { box } = deps
  const statusTopic = upTopic(box, 'status')
  const kinds = new Map<string, DownKind>([
    [downTopic(box, 'receipt'), 'receipt'],
    [downTopic(box, 'prompt'), 'prompt'],
  ])
  const offline = () => encodePresence({ ...deps.presence(), online: false })

  const connection = createMqttConnection({
    ...deps,
    clientId: box,
    topics: [...kinds.keys()],
    will: () => ({ topic: statusTopic, bytes: offline() }),
    onUp() {
      sendPresence(deps.presence())
      deps.onUp()
    },
    onMessage(topic, bytes) {
      const kind = kinds.get(topic)
      if (kind) deps.onMessage(kind, bytes)
    },
  })

  function sendPresence(presence: Presence) {
    connection.publish(statusTopic, encodePresence(presence), true)
  }

  return {
    sendBatch: bytes => connection.publish(upTopic(box, 'batch'), bytes),
    sendPresence,
    isUp: connection.isUp,
    async stop() {
      connection.publish(statusTopic, offline(), true)
      await connection.stop()
    },
  }
}
