import { mkdirSync } from 'node:fs'
import mqtt, { type MqttClient } from 'mqtt'
import { createDisk } from '#scripts/campaign/disk.ts'
import { createWire, type Wire } from '#scripts/campaign/wire.ts'
import { startCentralMosquitto } from './central.ts'
import type { Peer, PeerPlace } from './peer.ts'

/** One way of doing it, with everything between box and centre that the outage script can disturb. */
export interface Setup {
  readonly name: string
  press(id: number): Promise<boolean>
  /** How many times each press has arrived at the centre. */
  arrivals(): ReadonlyMap<number, number>
  readonly link: Wire
  killBox(): Promise<() => Promise<void>>
  cutPower(): Promise<() => Promise<void>>
  /** Ends the broker without warning; it comes back with what it kept, or with nothing. */
  loseBroker(isWiped: boolean): Promise<void>
  stopCentre(): Promise<() => Promise<void>>
  stop(): Promise<void>
}

/** A peer on its own disk, a line, a Mosquitto at the centre that keeps what it can, and a consumer that counts. */
export async function startSetup(dir: string, startPeer: (place: PeerPlace) => Promise<Peer>): Promise<Setup> {
  mkdirSync(dir, { recursive: true })
  const arrived = new Map<number, number>()
  const central = await startCentralMosquitto(dir)
  const link = await createWire(() => central.port)
  const disk = await createDisk(dir, 'disk', 'image')
  const peer = await startPeer({ dir, store: disk.path, brokerPort: link.port })
  let consumer = await consume(central.port, arrived)

  return {
    name: peer.name,
    press: peer.press,
    arrivals: () => arrived,
    link,
    killBox: peer.kill,
    async cutPower() {
      // The processor loses its power with the disk: nobody may thank after that.
      peer.freeze()
      await disk.cutPower()
      const start = await peer.kill()
      return async () => {
        await disk.comeBack()
        await start()
      }
    },
    loseBroker: central.lose,
    async stopCentre() {
      await consumer.endAsync(true)
      return async () => {
        consumer = await consume(central.port, arrived)
      }
    },
    async stop() {
      consumer.end(true)
      await peer.stop()
      await link.close()
      await central.stop()
      await disk.close()
    },
  }
}

/** A consumer with a lasting session, which acknowledges what it has counted. */
async function consume(port: number, arrived: Map<number, number>): Promise<MqttClient> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { clientId: 'centre', clean: false, reconnectPeriod: 300 })
  client.on('error', () => {}) // It tries again by itself.
  client.handleMessage = (packet, done) => {
    const { id } = JSON.parse(String(packet.payload)) as { id: number }
    arrived.set(id, (arrived.get(id) ?? 0) + 1)
    done()
  }
  await new Promise<void>((resolve, reject) => {
    client.on('connect', () => {
      client.subscribe('ratings', { qos: 1 }, error => (error ? reject(error) : resolve()))
    })
  })
  return client
}
