import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type PeerCertificate, type TLSSocket } from 'node:tls'
import { Aedes, type Client } from 'aedes'
import type { Counters } from '#collector/counters.ts'
import { plainSerial, type Revocations } from '#collector/fleet/revocations.ts'
import { mayConnect, maySubscribe, PACKET_BYTES_MAX, publishRefusal } from './access.ts'
import { createPacketGuard } from './packet-guard.ts'

export interface EmbeddedBroker {
  port: number
  close(): Promise<void>
}

/**
 * A broker in this process for one hall or a trial, MQTT 3.1.1 over mutual TLS. Who a client is, its
 * certificate says. It acknowledges before anything is stored; the collector's receipts are made for that.
 */
export async function startEmbeddedBroker(deps: {
  host: string
  port: number
  tls: { ca: Buffer; cert: Buffer; key: Buffer }
  counters: Counters
  /** Whose certificate is revoked gets no connection, and loses the one it has. */
  revocations: Pick<Revocations, 'isCertificateRevoked' | 'onAdded'>
}): Promise<EmbeddedBroker> {
  const { counters, revocations } = deps
  const broker = await Aedes.createBroker({ ...accessRules(counters), maxTopicLevels: 8, drainTimeout: 30_000 })
  broker.on('clientError', () => counters.add('broker-clients-failed'))
  broker.on('connectionError', () => counters.add('broker-connections-failed'))
  const sockets = new Set<TLSSocket>()
  const server = createServer(
    { ...deps.tls, requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2', noDelay: true },
    socket => {
      if (isRevoked(socket, revocations)) {
        counters.add('broker-refused', 'revoked')
        return socket.destroy()
      }
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      guardMemory(socket, counters)
      broker.handle(socket)
    },
  )
  revocations.onAdded(() => {
    for (const socket of sockets) {
      if (!isRevoked(socket, revocations)) continue
      counters.add('broker-sessions-cut', 'revoked')
      socket.destroy()
    }
  })
  server.on('tlsClientError', () => counters.add('broker-handshakes-refused'))
  server.listen(deps.port, deps.host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      await new Promise<void>(resolve => broker.close(resolve))
      // Also those that connected and never said who they are.
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

function accessRules(counters: Counters) {
  // Kept from the handshake: a connection that broke has no certificate any more, but may have a last will.
  const names = new WeakMap<Client, string>()
  const nameOf = (client: Client | null) => (client && names.get(client)) ?? ''
  const refuse = (reason: string) => {
    counters.add('broker-refused', reason)
    return new Error(reason)
  }
  return {
    authenticate(client: Client, _user: unknown, _password: unknown, done: (error: null, isAllowed: boolean) => void) {
      names.set(client, commonName(client))
      const isAllowed = mayConnect(nameOf(client), client.id)
      if (!isAllowed) refuse('identity')
      done(null, isAllowed)
    },
    authorizePublish(
      client: Client | null,
      packet: { topic: string; qos: number; retain: boolean; payload: Buffer | string },
      done: (error?: Error | null) => void,
    ) {
      const { topic, qos, retain, payload } = packet
      const refusal = publishRefusal(nameOf(client), { topic, qos, retain, payloadBytes: payload.length })
      // An error here disconnects the client: MQTT 3.1.1 has no other way to say no.
      done(refusal ? refuse(refusal) : null)
    },
    authorizeSubscribe<S extends { topic: string }>(
      client: Client,
      subscription: S,
      done: (error: null, subscription: S | null) => void,
    ) {
      const isAllowed = maySubscribe(nameOf(client), subscription.topic)
      if (!isAllowed) refuse('foreign-subscription')
      done(null, isAllowed ? subscription : null)
    },
  }
}

const commonName = (client: Client) => nameOn((client.conn as TLSSocket).getPeerCertificate())

/** Empty for a connection that has just broken: it shows no certificate any more. */
function nameOn(certificate: PeerCertificate | null): string {
  const name: unknown = certificate?.subject?.CN
  return typeof name === 'string' ? name : ''
}

function isRevoked(socket: TLSSocket, revocations: Pick<Revocations, 'isCertificateRevoked'>): boolean {
  const certificate: PeerCertificate | null = socket.getPeerCertificate()
  // A connection that has just broken shows none, and needs no cutting.
  if (!certificate?.serialNumber) return false
  return revocations.isCertificateRevoked(nameOn(certificate), plainSerial(certificate.serialNumber))
}

/** The broker's parser gathers a packet of any announced length in memory; this ends the connection before. */
function guardMemory(socket: TLSSocket, counters: Counters) {
  const isTooBig = createPacketGuard(PACKET_BYTES_MAX)
  const read = socket.read.bind(socket)
  socket.read = size => {
    const chunk: Buffer | null = read(size)
    if (!chunk || !isTooBig(chunk)) return chunk
    counters.add('broker-refused', 'too-big')
    socket.destroy()
    return null
  }
}
