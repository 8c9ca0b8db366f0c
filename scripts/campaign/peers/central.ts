import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MOSQUITTO } from '#scripts/mosquitto.ts'
import { freePort } from '#scripts/ports.ts'
import { startProcess } from './process.ts'

/** A Mosquitto at the centre that keeps queues and sessions as well as it can, with no limit to them. */
export async function startCentralMosquitto(dir: string) {
  const port = await freePort()
  const store = join(dir, 'central')
  const file = join(dir, 'central.conf')
  const asRoot = process.getuid?.() === 0 ? ['user root'] : []
  const settings = [
    ...asRoot,
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${store}/`,
    'autosave_on_changes true',
    'autosave_interval 1',
    'max_queued_messages 0',
    'max_queued_bytes 0',
    'max_inflight_messages 0',
    'set_tcp_nodelay true',
  ]
  writeFileSync(file, `${settings.join('\n')}\n`)
  const start = () => {
    mkdirSync(store, { recursive: true })
    return startProcess([MOSQUITTO, '-c', file], line => line.includes('running'))
  }
  let own = await start()
  return {
    port,
    async lose(isWiped: boolean) {
      await own.kill()
      if (isWiped) rmSync(store, { recursive: true, force: true })
      own = await start()
    },
    stop: () => own.kill(),
  }
}
