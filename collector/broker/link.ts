import type { Clock } from '#protocol/clock.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { type DownKind, downTopic, parseUpTopic, UP_KINDS, type UpKind, upTopicOfAll } from '#protocol/topics.ts'
import type { LinkTiming } from '#runtime/link-settings.ts'
import { createMqttConnection } from '#runtime/mqtt-connection.ts'

/** The collector's connection to a broker, embedded or not: one way for both. */
export interface BrokerLink {
  /** Sends to a box if the link is up; nothing is kept for later: a box without an answer asks again. */
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

export function createBrokerLink(deps: {
  clock: Clock
  address: BrokerAddress
  timing: LinkTiming
  /** Uniform in [0, 1); spreads the reconnects of several collectors. */
  random(): number
  onUp(): void
  onDown(reason: string): void
  onMessage(kind: UpKind, box: string, payload: Buffer): void
}): BrokerLink {
  const { address, ...rest } = deps
  const connection = createMqttConnection({
    ...rest,
    ...address,
    clientId: COLLECTOR_NAME,
    topics: UP_KINDS.map(upTopicOfAll),
    onMessage(topic, payload) {
      const sent = parseUpTopic(topic)
      if (sent) deps.onMessage(sent.kind, sent.box, payload)
    },
  })
  return {
    send: (box, kind, bytes) => connection.publish(downTopic(box, kind), bytes),
    isUp: connection.isUp,
    stop: connection.stop,
  }
}
