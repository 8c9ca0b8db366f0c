import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A network cable between the box and the broker that can be cut: a TCP relay, TLS passes through it untouched. */
export interface Cable {
  port: number
  isCut(): boolean
  /** Connections break at once and new ones are refused. */
  cut(): Promise<void>
  restore(): Promise<void>
  close(): Promise<void>
}

export async function createCable(targetPort: () => number, port = 0): Promise<Cable> {
  const sockets = new Set<Socket>()
  const server = createServer(inner => {
    const outer = connect(targetPort(), '127.0.0.1')
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
  })
  let isCut = false

  async function listen(at: number) {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  async function cut() {
    if (isCut) return
    isCut = true
    const closed = once(server, 'close')
    server.close()
    for (const socket of sockets) socket.destroy()
    await closed
  }

  const own = await listen(port)
  return {
    port: own,
    isCut: () => isCut,
    cut,
    async restore() {
      if (!isCut) return
      await listen(own)
      isCut = false
    },
    close: cut,
  }
}
