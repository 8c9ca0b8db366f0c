import type { Text } from '#runtime/language.ts'
import type { Box } from './box.ts'
import type { Broker } from './broker.ts'
import type { Centre } from './centre.ts'
import type { Tool } from './machine.ts'
import type { PlannedFault } from './plan.ts'
import type { Wire } from './wire.ts'

/** What a fault can reach. */
export interface Faultable {
  readonly boxes: readonly Box[]
  readonly centre: Centre
  /** An external broker; undefined where the collector brings its own. */
  readonly broker: Broker | undefined
  /** The collector's own line to an external broker. */
  readonly collectorWire: Wire | undefined
  /** Rules of the kernel for one port: packets lost, or none let through. */
  readonly packets: PacketRules | undefined
}

export interface PacketRules {
  drop(port: number, share: number): Promise<void>
  clear(port: number): Promise<void>
}

/** What stops a fault again. */
export type Disarm = () => Promise<void> | void

/** One kind of fault: a small module that can begin it and end it, and touches nothing else. */
export interface FaultKind {
  name: string
  title: Text
  needs: readonly Tool[]
  /**
   * What it needs for itself while it lasts, as `disk box-1`; two faults that want the same thing take turns by
   * leaving one out. Undefined where this world has nothing it could strike.
   */
  claims(world: Faultable, plan: PlannedFault): readonly string[] | undefined
  /** `happened` is called when it strikes: those that wait for a moment may never. */
  arm(world: Faultable, plan: PlannedFault, happened: () => void): Promise<Disarm> | Disarm
}

export const boxOf = (world: Faultable, { target }: PlannedFault): Box => world.boxes[target % world.boxes.length]!
