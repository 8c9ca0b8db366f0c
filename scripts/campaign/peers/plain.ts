import { join } from 'node:path'
import { freePort } from '#scripts/ports.ts'
import { type Peer, type PeerPlace, pressByHttp } from './peer.ts'
import { startProcess } from './process.ts'

const AGENT = join(import.meta.dirname, 'plain-agent.ts')

export async function startPlainAgent({ store, brokerPort }: PeerPlace): Promise<Peer> {
  const port = await freePort()
  const command = [process.execPath, AGENT, join(store, 'ratings.db'), `mqtt://127.0.0.1:${brokerPort}`, `${port}`]
  const start = () => startProcess(command as [string], line => line === 'ready')
  let own = await start()
  return {
    name: 'plain-agent',
    press: id => pressByHttp(`http://127.0.0.1:${port}/`, id),
    freeze: () => own.freeze(),
    async kill() {
      await own.kill()
      return async () => {
        own = await start()
      }
    },
    stop: () => own.kill(),
  }
}
