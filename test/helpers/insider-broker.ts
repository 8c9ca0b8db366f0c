import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { Aedes, type Client } from 'aedes'

export interface Seen {
  topic: string
  payload: Buffer
}

/**
 * A broker in the hands of an insider: it has the broker's own key and certificate, keeps no rules, and reads,
 * drops and publishes what it likes. What boxes and the collector sign, it cannot sign.
 */
export interface InsiderBroker {
  url: string
  /** Everything that clients published, in order. */
  seen: Seen[]
  /** Sends anything to whoever listens, as if its true author had. */
  publish(topic: string, payload: Uint8Array, options?: { retain?: boolean }): Promise<void>
  /** From now on, what is dropped is acknowledged and goes nowhere. */
  drop(isDropped: (topic: string) => boolean): void
  /** Ends every connection; clients come again. */
  disconnectAll(): void
  /** Resolves when something was published to this topic after the call. */
  next(topic: string): Promise<Buffer>
  close(): Promise<void>
}

/** `dir` holds the identities; `port` is where the boxes were told the broker is. */
export async function startInsiderBroker(dir: string, port = 0): Promise<InsiderBroker> {
  const seen: Seen[] = []
  const waiting: { topic: string; resolve(payload: Buffer): void }[] = []
  const sockets = new Set<TLSSocket>()
  let isDropped: (topic: string) => boolean = () => false
  const broker = await Aedes.createBroker({
    authorizePublish(client: Client | null, packet: { topic: string; payload: Buffer | string }, done) {
      if (client) {
        const one = { topic: packet.topic, payload: Buffer.from(packet.payload) }
        seen.push(one)
        for (const wait of waiting.filter(({ topic }) => topic === one.topic)) {
          waiting.splice(waiting.indexOf(wait), 1)
          wait.resolve(one.payload)
        }
      }
      done(null)
    },
    authorizeForward: (_client, packet) => (isDropped(packet.topic) ? null : packet),
  })
  const read = (name: string) => readFileSync(join(dir, 'broker', name))
  const server = createServer(
    { ca: read('ca.crt'), cert: read('broker.crt'), key: read('broker.key'), requestCert: true, noDelay: true },
    socket => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      broker.handle(socket)
    },
  ).listen(port, '127.0.0.1')
  await once(server, 'listening')
  const disconnectAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `mqtts://localhost:${(server.address() as AddressInfo).port}`,
    seen,
    publish: (topic, payload, { retain = false } = {}) =>
      new Promise((resolve, reject) =>
        broker.publish({ cmd: 'publish', topic, payload: Buffer.from(payload), qos: 1, retain, dup: false }, error =>
          error ? reject(error) : resolve(),
        ),
      ),
    drop(rule) {
      isDropped = rule
    },
    disconnectAll,
    next: topic => new Promise(resolve => waiting.push({ topic, resolve })),
    async close() {
      const closed = once(server, 'close')
      server.close()
      await new Promise<void>(resolve => broker.close(resolve))
      disconnectAll()
      await closed
    },
  }
}
