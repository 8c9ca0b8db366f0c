import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { findTools } from '#scripts/campaign/machine.ts'
import { createSeededRandom } from '#test/sim/seeded-random.ts'
import { startBridge } from './bridge.ts'
import type { PeerName } from './names.ts'
import { fetchNodeRed, startNodeRed } from './node-red.ts'
import { startOurs } from './ours.ts'
import { OUTAGE_NAMES, type OutageName, type OutageSizes, type Outcome, suffer } from './outages.ts'
import { startPlainAgent } from './plain.ts'
import { type Setup, startSetup } from './setup.ts'

/** What the process of one peer is told. */
export interface PeerOrder {
  name: PeerName
  dir: string
  seed: number
  sizes: OutageSizes
  isBuilt: boolean
  /** Where Node-RED lies, when it is its turn. */
  nodeRed: string
}

export interface PeerRow {
  name: PeerName
  outage: OutageName
  outcome: Outcome
}

/** Puts one way of doing it through every outage, each from a fresh start. */
export async function runPeer(order: PeerOrder, onRow: (row: PeerRow) => void): Promise<void> {
  for (const outage of OUTAGE_NAMES) {
    const dir = join(order.dir, `${order.name}-${outage}`)
    const setup = await startAny(order, dir)
    try {
      const outcome = await suffer(setup, outage, order.sizes, createSeededRandom(order.seed))
      onRow({ name: order.name, outage, outcome })
    } finally {
      await setup.stop()
      rmSync(dir, { recursive: true, force: true })
    }
  }
}

async function startAny({ name, isBuilt, nodeRed }: PeerOrder, dir: string): Promise<Setup> {
  switch (name) {
    case 'chuangping':
      return await startOurs(dir, findTools('root'), isBuilt)
    case 'plain-agent':
      return await startSetup(dir, startPlainAgent)
    case 'mosquitto-bridge':
      return await startSetup(dir, startBridge)
    case 'node-red': {
      const entry = await fetchNodeRed(nodeRed)
      return await startSetup(dir, place => startNodeRed(place, entry))
    }
  }
}
