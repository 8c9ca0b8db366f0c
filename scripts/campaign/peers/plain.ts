import { join } from 'node:path'
import { freePort } from '#scripts/ports.ts'
import type { Peer, PeerPlace } from './peer.ts'
import { startHttpPeer } from './process.ts'

const AGENT = join(import.meta.dirname, 'plain-agent.ts')

export async function startPlainAgent({ store, brokerPort }: PeerPlace): Promise<Peer> {
  const port = await freePort()
  const command = [
    process.execPath,
    AGENT,
    join(store, 'ratings.db'),
    `mqtt://127.0.0.1:${brokerPort}`,
    `${port}`,
  ] as const
  return await startHttpPeer('plain-agent', `http://127.0.0.1:${port}/`, command, line => line === 'ready')
}
