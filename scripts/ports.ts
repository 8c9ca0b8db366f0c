import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/** The wished port of loopback if it is free, else a free one. */
export async function freePort(wished = 0): Promise<number> {
  for (const port of [wished, 0]) {
    const server = createServer()
    server.listen(port, '127.0.0.1')
    try {
      await once(server, 'listening')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') continue
      throw error
    }
    const { port: free } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    return free
  }
  throw new Error('no free port on loopback')
}
