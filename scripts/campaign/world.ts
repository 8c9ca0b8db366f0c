import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { freePort } from '#scripts/ports.ts'
import { type Box, startBox } from './box.ts'
import { type Broker, startBroker } from './broker.ts'
import { type Centre, startCentre } from './centre.ts'
import { createDisk, type Disk } from './disk.ts'
import type { Faultable, PacketRules } from './fault.ts'
import type { Tool } from './machine.ts'
import type { WorldPlan } from './plan.ts'
import type { Ending } from './supervised.ts'
import { createWire, type Wire } from './wire.ts'

/** A centre, a broker and boxes, all real, with something that can be disturbed between every two of them. */
export interface World extends Faultable {
  readonly endings: Ending[]
  /** Ends every program and copies stores and logs to a folder; for a person who wants to look. */
  keep(folder: string): Promise<void>
  stop(): Promise<void>
}

const run = promisify(execFile)

export async function startWorld(
  plan: WorldPlan,
  options: { dir: string; tools: ReadonlySet<Tool>; isBuilt: boolean },
): Promise<World> {
  const { dir, tools, isBuilt } = options
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const endings: Ending[] = []
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  const diskKind: Disk['kind'] = tools.has('image') ? 'image' : tools.has('own-disk') ? 'memory' : 'folder'
  const hasClock = tools.has('faketime')
  const onUnasked = (ending: Ending) => void endings.push(ending)
  try {
    const packets = tools.has('nft') ? await openPacketRules() : undefined
    let brokerPort = 0
    const wires: Wire[] = []
    for (let i = 0; i <= plan.boxes.length; i++) wires.push(await createWire(() => brokerPort))
    for (const wire of wires) await packets?.clear(wire.port)
    const [collectorWire, ...boxWires] = wires as [Wire, ...Wire[]]
    stops.push(collectorWire.close)
    const identities: Record<string, string> = {}
    const names = plan.boxes.map((_, i) => `box-${i + 1}`)
    let made: Awaited<ReturnType<typeof createDevelopmentIdentities>> | undefined
    for (const [i, name] of names.entries()) {
      // One call a box: each has its own line, and so its own address of the broker.
      made = await createDevelopmentIdentities({
        dir: `${dir}/identities`,
        boxes: [name],
        brokerHosts: ['localhost', '127.0.0.1'],
        brokerPort: boxWires[i]!.port,
      })
      if (!made.ok) throw new Error(made.error.detail)
      identities[name] = made.value.boxes[name]!
    }
    if (!made?.ok) throw new Error('a world without boxes')

    const isExternal = plan.broker === 'mosquitto' && tools.has('mosquitto')
    let broker: Broker | undefined
    if (isExternal) {
      broker = await startBroker(dir)
      stops.push(broker.stop)
    }
    brokerPort = broker?.port() ?? (await freePort())
    const centre: Centre = await startCentre({
      dir,
      disk: await createDisk(dir, 'disk-collector', diskKind),
      identities: made.value,
      broker: broker ? { url: `mqtts://localhost:${collectorWire.port}` } : { port: brokerPort },
      hasClock,
      onUnasked,
    })
    stops.push(centre.stop)
    const boxes: Box[] = []
    for (const [i, { windows }] of plan.boxes.entries()) {
      const box = await startBox({
        dir,
        name: names[i]!,
        identity: identities[names[i]!]!,
        wire: boxWires[i]!,
        profiles: windows.map(({ profile }) => profile),
        seed: plan.seed * 100 + i * 10,
        isBuilt,
        diskKind,
        hasClock,
        onUnasked,
      })
      stops.push(box.stop)
      boxes.push(box)
    }
    await Promise.all([centre.collector.ready(), ...boxes.map(({ agent }) => agent.ready())])
    return {
      boxes,
      centre,
      broker,
      collectorWire: broker && collectorWire,
      packets,
      endings,
      stop,
      async keep(folder) {
        mkdirSync(folder, { recursive: true })
        for (const program of [centre.collector, ...boxes.map(({ agent }) => agent)]) {
          await program.hold()
          writeFileSync(`${folder}/${program.name}.log`, `${program.lines().join('\n')}\n`)
        }
        cpSync(dirname(centre.store), `${folder}/collector`, { recursive: true })
        for (const box of boxes) cpSync(box.journal, `${folder}/${box.name}`, { recursive: true })
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const TABLE = ['inet', 'campaign'] as const

/** Rules of this network namespace, which is the world's own: one chain for each port. */
async function openPacketRules(): Promise<PacketRules> {
  const nft = (...args: string[]) => run('nft', args)
  const known = new Set<number>()
  await nft('add', 'table', ...TABLE)
  await nft('add', 'chain', ...TABLE, 'in', '{ type filter hook input priority 0; }')
  const chainOf = (port: number) => `port-${port}`

  async function open(port: number) {
    await nft('add', 'chain', ...TABLE, chainOf(port))
    await nft('add', 'rule', ...TABLE, 'in', 'tcp', 'dport', `${port}`, 'jump', chainOf(port))
    await nft('add', 'rule', ...TABLE, 'in', 'tcp', 'sport', `${port}`, 'jump', chainOf(port))
    known.add(port)
  }

  return {
    async drop(port, share) {
      const some = share < 1 ? ['numgen', 'random', 'mod', '100', '<', String(share * 100)] : []
      await nft('add', 'rule', ...TABLE, chainOf(port), ...some, 'drop')
    },
    async clear(port) {
      if (!known.has(port)) await open(port)
      await nft('flush', 'chain', ...TABLE, chainOf(port))
    },
  }
}
