import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { mosquittoAcl, mosquittoConfiguration } from '#collector/broker/access.ts'
import { freePort } from './ports.ts'
import { spawnBound } from './program.ts'

const MOSQUITTO = '/usr/sbin/mosquitto'

/** A real Mosquitto on loopback with the configuration that the collector prints for it. `dir` holds `identities`. */
export async function startMosquitto(dir: string): Promise<{ url: string; stop(): Promise<void> }> {
  const port = await freePort()
  const certificates = join(dir, 'identities', 'broker')
  const acl = join(dir, 'mosquitto.acl')
  const file = join(dir, 'mosquitto.conf')
  writeFileSync(acl, mosquittoAcl())
  const configuration = mosquittoConfiguration({
    host: '127.0.0.1',
    port,
    ca: join(certificates, 'ca.crt'),
    cert: join(certificates, 'broker.crt'),
    key: join(certificates, 'broker.key'),
    acl,
  })
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
  }
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
