import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { mosquittoAcl, mosquittoConfiguration } from '#collector/broker/access.ts'
import { freePort } from './ports.ts'
import { spawnBound } from './program.ts'

export const MOSQUITTO = '/usr/sbin/mosquitto'

export interface Mosquitto {
  url: string
  stop(): Promise<void>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
}

/**
 * A real Mosquitto on loopback with the configuration that the collector prints for it. `dir` holds `identities`.
 * `store` is a folder in which it keeps what it holds, as often as it can; usually it keeps nothing.
 */
export async function startMosquitto(dir: string, options: { port?: number; store?: string } = {}): Promise<Mosquitto> {
  const port = options.port ?? (await freePort())
  const certificates = join(dir, 'identities', 'broker')
  const acl = join(dir, 'mosquitto.acl')
  const file = join(dir, 'mosquitto.conf')
  writeFileSync(acl, mosquittoAcl())
  const printed = mosquittoConfiguration({
    host: '127.0.0.1',
    port,
    ca: join(certificates, 'ca.crt'),
    cert: join(certificates, 'broker.crt'),
    key: join(certificates, 'broker.key'),
    acl,
  })
  const configuration = options.store ? keeping(printed, options.store) : printed
  // Started by root it would become another user, who may not read the keys of the development authority.
  writeFileSync(file, process.getuid?.() === 0 ? `user root\n${configuration}` : configuration)
  const child = spawnBound(MOSQUITTO, ['-c', file])
  await untilRunning(child)
  return {
    url: `mqtts://localhost:${port}`,
    async stop() {
      if (child.exitCode !== null) return
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

function keeping(configuration: string, store: string): string {
  mkdirSync(store, { recursive: true })
  const settings = [
    'persistence true',
    `persistence_location ${store}/`,
    'autosave_interval 1',
    'autosave_on_changes true',
  ]
  return configuration.replace('persistence false', settings.join('\n'))
}

async function untilRunning(child: ChildProcess): Promise<void> {
  const said: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`mosquitto ended with ${code}\n${said.join('\n')}`)))
    createInterface({ input: child.stderr! }).on('line', line => {
      said.push(line)
      if (line.includes('running')) resolve()
    })
  })
}
