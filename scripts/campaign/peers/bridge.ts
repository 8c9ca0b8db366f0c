import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { MOSQUITTO } from '#scripts/mosquitto.ts'
import { freePort } from '#scripts/ports.ts'
import type { Peer, PeerPlace } from './peer.ts'
import { startProcess } from './process.ts'

const PATIENCE_MS = 3_000

/**
 * A Mosquitto on the box that bridges to the centre's, as safe as it can be set: everything kept on disk and
 * written at each change, no limit to its queue, a session that lasts. It thanks with its PUBACK.
 */
const configuration = (
  port: number,
  { store, brokerPort }: PeerPlace,
) => `${process.getuid?.() === 0 ? 'user root\n' : ''}
listener ${port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location ${store}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
set_tcp_nodelay true
connection centre
address 127.0.0.1:${brokerPort}
topic ratings out 1
cleansession false
remote_clientid bridge
local_clientid bridge-local
bridge_attempt_unsubscribe false
notifications false
try_private true
keepalive_interval 5
restart_timeout 1
start_type automatic
`

export async function startBridge(place: PeerPlace): Promise<Peer> {
  const port = await freePort()
  const file = join(place.dir, 'bridge.conf')
  writeFileSync(file, configuration(port, place))
  const start = () => startProcess([MOSQUITTO, '-c', file], line => line.includes('running'))
  let own = await start()
  let pad = await connect(port)

  return {
    name: 'mosquitto-bridge',
    async press(id) {
      // The pad's program has no queue: without a connection nobody is thanked.
      if (!pad.connected) return false
      const late = new Promise<false>(resolve => setTimeout(resolve, PATIENCE_MS, false).unref())
      return await Promise.race([late, published(pad, id)])
    },
    freeze: () => own.freeze(),
    async kill() {
      await own.kill()
      pad.end(true)
      return async () => {
        own = await start()
        pad = await connect(port)
      }
    },
    async stop() {
      pad.end(true)
      await own.kill()
    },
  }
}

async function connect(port: number): Promise<MqttClient> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: 'pad', reconnectPeriod: 0 })
  client.on('error', () => {}) // Its `close` says the same.
  await new Promise<void>(resolve => client.once('connect', () => resolve()))
  return client
}

function published(pad: MqttClient, id: number): Promise<boolean> {
  const body = JSON.stringify({ id, grade: 'satisfied', at: Date.now() })
  return new Promise(resolve => pad.publish('ratings', body, { qos: 1 }, error => resolve(!error)))
}
