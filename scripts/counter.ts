import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join, resolve } from 'node:path'
import { json as readJson } from 'node:stream/consumers'
import { stringify } from 'yaml'
import { addKey } from '#collector/api/keyring.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { createCable } from './cable.ts'
import { startMosquitto } from './mosquitto.ts'
import { freePort } from './ports.ts'
import { BUILT_AGENT, type Program, startProgram } from './program.ts'

/** One whole counter and its collector on this machine: real processes, real serial device, real broker. */
export interface Counter {
  clerkUrl: string
  padUrl: string
  collectorUrl: string
  /** Key of a business system that may register services and ask for prompts. */
  apiKey: string
  box: string
  window: string
  /** Breaks the cable between box and broker, or mends it. */
  cutNetwork(isCut: boolean): Promise<void>
  /** Ends the agent without warning and starts it again. */
  cutPower(): Promise<void>
  stop(): Promise<void>
}

export interface CounterOptions {
  /** Where identities, stores and configurations are kept. */
  dir: string
  /** Wished ports; each is replaced by a free one when taken. 0 takes a free one at once. */
  ports?: Ports
  /** The collector's own broker, or a real Mosquitto. */
  broker?: 'embedded' | 'mosquitto'
  profile?: string
  /** Run the box from the one built file, as in the field. */
  isAgentBuilt?: boolean
  /** What the environment of the box has besides. */
  agentEnv?: NodeJS.ProcessEnv
  /** How long the power stays off when it is cut; for people to see. */
  powerOffMs?: number
  onLine?(program: 'collector' | 'agent' | 'pad', line: string): void
  /** Told before each step that takes a while. */
  onStep?(step: 'identities' | 'collector' | 'pad' | 'agent'): void
}

interface Ports {
  clerk?: number
  pad?: number
  collector?: number
  broker?: number
}

const BOX = 'box-a01'
const WINDOW = 'A01'

export async function startCounter(options: CounterOptions): Promise<Counter> {
  // Each program reads relative paths from its own configuration's folder; a serial line has none.
  const dir = resolve(options.dir)
  const { ports = {}, profile = 'generic-pj06', onStep = () => {}, onLine = () => {} } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const stops: (() => Promise<unknown>)[] = []
  try {
    onStep('identities')
    let brokerPort = 0
    const cable = await createCable(() => brokerPort, await freePort(ports.broker))
    stops.push(cable.close)
    const identities = await createDevelopmentIdentities({
      dir: join(dir, 'identities'),
      boxes: [BOX],
      brokerHosts: ['localhost', '127.0.0.1'],
      brokerPort: cable.port,
    })
    if (!identities.ok) throw new Error(identities.error.detail)

    onStep('collector')
    const broker = options.broker === 'mosquitto' ? await startMosquitto(dir) : undefined
    if (broker) stops.push(broker.stop)
    const collector = await startProgram(
      ['collector', 'run', '--config', writeYaml(dir, 'collector.yaml', await collectorSettings(ports, broker?.url))],
      { onLine: line => onLine('collector', line) },
    )
    stops.push(collector.stop)
    brokerPort = Number(new URL(broker?.url ?? String(collector.ready['broker'])).port)

    onStep('pad')
    let agent: Program | undefined
    const controls = await serveControls({
      network: () => (cable.isCut() ? 'cut' : 'up'),
      box: () => (agent ? 'running' : 'stopped'),
      cutNetwork,
      cutPower,
    })
    stops.push(controls.close)
    const link = join(dir, 'pad0')
    const pad = await startProgram(
      [
        'pad',
        'simulate',
        profile,
        '--link',
        link,
        '--port',
        String(await freePort(ports.pad)),
        '--controls',
        controls.url,
      ],
      { onLine: line => onLine('pad', line) },
    )
    stops.push(pad.stop)

    onStep('agent')
    const agentFile = writeYaml(dir, 'agent.yaml', {
      identity: join('identities', 'boxes', BOX),
      journal: 'journal',
      windows: [{ window: WINDOW, profile, port: link }],
      panel: { port: await freePort(ports.clerk) },
    })
    const startAgent = () =>
      startProgram(['agent', 'run', '--config', agentFile], {
        onLine: line => onLine('agent', line),
        ...(options.isAgentBuilt && { entry: BUILT_AGENT }),
        ...(options.agentEnv && { env: options.agentEnv }),
      })
    agent = await startAgent()
    stops.push(async () => agent?.stop())

    async function cutNetwork(isCut: boolean) {
      await (isCut ? cable.cut() : cable.restore())
    }

    async function cutPower() {
      const own = agent
      if (!own) return
      agent = undefined
      await own.kill()
      await new Promise(resolve => setTimeout(resolve, options.powerOffMs ?? 0))
      agent = await startAgent()
    }

    return {
      clerkUrl: String(agent.ready['url']),
      padUrl: String(pad.ready['url']),
      collectorUrl: String(collector.ready['api']),
      apiKey: apiKeyIn(dir),
      box: BOX,
      window: WINDOW,
      cutNetwork,
      cutPower,
      stop: () => stopAll(stops),
    }
  } catch (error) {
    await stopAll(stops)
    throw error
  }
}

async function stopAll(stops: (() => Promise<unknown>)[]): Promise<void> {
  for (const stop of stops.splice(0).reverse()) await stop()
}

/** The key of the demo's business system: made once, kept beside the stores, readable by this user only. */
function apiKeyIn(dir: string): string {
  const file = join(dir, 'business-system.key')
  if (!existsSync(file)) {
    const added = addKey(join(dir, 'api-keys.yaml'), 'demo', ['services:write', 'prompts:write'])
    if (!added.ok) throw new Error(added.error.detail)
    writeFileAtomic(file, added.value, 0o600)
  }
  return readFileSync(file, 'utf8')
}

async function collectorSettings(ports: Ports, brokerUrl: string | undefined): Promise<object> {
  return {
    store: 'collector.sqlite',
    identity: join('identities', 'collector'),
    keys: 'api-keys.yaml',
    api: { port: await freePort(ports.collector) },
    broker: brokerUrl
      ? { url: brokerUrl }
      : {
          embedded: {
            host: '127.0.0.1',
            port: 0,
            key: join('identities', 'broker', 'broker.key'),
            cert: join('identities', 'broker', 'broker.crt'),
          },
        },
  }
}

function writeYaml(dir: string, name: string, value: object): string {
  const file = join(dir, name)
  writeFileSync(file, stringify(value))
  return file
}

/** The switches behind "cut the network" and "cut the power" on the virtual pad's page. */
async function serveControls(switches: {
  network(): 'up' | 'cut'
  box(): 'running' | 'stopped'
  cutNetwork(isCut: boolean): Promise<void>
  cutPower(): Promise<void>
}): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer(async (request, response) => {
    const body = request.method === 'POST' ? ((await readJson(request)) as Record<string, unknown>) : {}
    if (request.url === '/network') await switches.cutNetwork(body['cut'] === true)
    if (request.url === '/box' && body['power'] === 'cut') void switches.cutPower()
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ network: switches.network(), box: switches.box() }))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
