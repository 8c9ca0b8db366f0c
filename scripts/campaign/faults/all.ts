import type { FaultKind } from '#scripts/campaign/fault.ts'
import { DISK_FAULTS } from './disks.ts'
import { EDGE_FAULTS } from './edges.ts'
import { LINK_FAULTS } from './links.ts'
import { MOMENT_FAULTS } from './moments.ts'
import { PROCESS_FAULTS } from './processes.ts'

/** Every kind of fault there is, in the order they are told. */
export const FAULTS: readonly FaultKind[] = [
  ...PROCESS_FAULTS,
  ...MOMENT_FAULTS,
  ...DISK_FAULTS,
  ...LINK_FAULTS,
  ...EDGE_FAULTS,
]
