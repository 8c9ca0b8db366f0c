import { rmSync } from 'node:fs'
import { type Mosquitto, startMosquitto } from '#scripts/mosquitto.ts'

/** A real Mosquitto that keeps on disk what it can, and can be killed or robbed of it. */
export interface Broker {
  port(): number
  kill(): Promise<void>
  /** Comes back with what it had kept; `isWiped`: with nothing. */
  comeBack(isWiped: boolean): Promise<void>
  stop(): Promise<void>
}

export async function startBroker(dir: string): Promise<Broker> {
  const store = `${dir}/mosquitto`
  let own: Mosquitto = await startMosquitto(dir, { store })
  const port = Number(new URL(own.url).port)
  return {
    port: () => port,
    kill: () => own.kill(),
    async comeBack(isWiped) {
      if (isWiped) rmSync(store, { recursive: true, force: true })
      own = await startMosquitto(dir, { store, port })
    },
    stop: () => own.stop(),
  }
}
