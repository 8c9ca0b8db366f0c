import type { Text } from '#runtime/language.ts'
import type { Faultable, FaultKind } from '#scripts/campaign/fault.ts'
import type { PlannedFault } from '#scripts/campaign/plan.ts'
import type { Wire, WireState } from '#scripts/campaign/wire.ts'

/** What happens to a line between a box, or the collector, and the broker. */

/** A line of 64 kbit/s, as a leased line of a township has, with what TCP and TLS take of it. */
const NARROW_BYTES_PER_SECOND = 8_000
const LOSS_SHARE = 0.3

function lineOf(world: Faultable, { target }: PlannedFault): { name: string; wire: Wire } {
  const lines = world.boxes.map(({ name, wire }) => ({ name, wire }))
  if (world.collectorWire) lines.push({ name: 'collector', wire: world.collectorWire })
  return lines[target % lines.length]!
}

const claims = (world: Faultable, plan: PlannedFault) => [`line ${lineOf(world, plan).name}`]

const inState = (name: string, state: WireState, title: Text): FaultKind => ({
  name: `link-${name}`,
  title,
  needs: [],
  claims,
  async arm(world, plan, happened) {
    const { wire } = lineOf(world, plan)
    await wire.set(state)
    happened()
    return () => wire.set({ kind: 'up' })
  },
})

const dropping = (name: string, share: number, title: Text): FaultKind => ({
  name: `link-${name}`,
  title,
  needs: ['nft'],
  claims,
  async arm(world, plan, happened) {
    const { wire } = lineOf(world, plan)
    await world.packets!.drop(wire.port, share)
    happened()
    return () => world.packets!.clear(wire.port)
  },
})

export const LINK_FAULTS: readonly FaultKind[] = [
  inState('refused', { kind: 'refused' }, { zh: '连接被拒绝', en: 'connections are refused' }),
  inState('reset', { kind: 'reset' }, { zh: '连接被重置', en: 'connections are reset' }),
  inState('black-hole', { kind: 'black-hole' }, { zh: '线路无声中断', en: 'nothing passes and nobody is told' }),
  inState('half-open', { kind: 'half-open' }, { zh: '半开连接', en: 'connections are half open for ever' }),
  inState(
    'narrow',
    { kind: 'narrow', bytesPerSecond: NARROW_BYTES_PER_SECOND },
    { zh: '线路只有 64 kbit/s', en: 'the line carries 64 kbit/s' },
  ),
  dropping('lossy', LOSS_SHARE, { zh: '丢包 30%', en: 'three packets of ten are lost' }),
  dropping('silent', 1, { zh: '内核丢弃全部报文', en: 'every packet is lost' }),
]
