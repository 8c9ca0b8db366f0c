import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A relay on loopback that lets everything through and keeps a copy of it. */
export interface RecordingRelay {
  port: number
  /** Everything that went one way so far, all connections in the order of arrival. */
  bytes(from: 'client' | 'server'): Buffer
  /** Forgets what was recorded. */
  clear(): void
  close(): Promise<void>
}

export async function createRecordingRelay(targetPort: () => number): Promise<RecordingRelay> {
  const recorded = { client: [] as Buffer[], server: [] as Buffer[] }
  const sockets = new Set<Socket>()
  const server = createServer(inner => {
    const outer = connect(targetPort(), '127.0.0.1')
    inner.on('data', bytes => void recorded.client.push(bytes))
    outer.on('data', bytes => void recorded.server.push(bytes))
    for (const socket of [inner, outer]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {}) // Followed by `close`, which is what counts.
      socket.on('close', () => {
        sockets.delete(socket)
        inner.destroy()
        outer.destroy()
      })
    }
    inner.pipe(outer).pipe(inner)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    bytes: from => Buffer.concat(recorded[from]),
    clear() {
      recorded.client = []
      recorded.server = []
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
