/** What `verify` can find. `docs/evidence.md` says what each means and what to do. */
export const FAULT_CODES = [
  'schema-differs',
  'row-missing',
  'row-extra',
  'row-differs',
  'entry-missing',
  'entry-altered',
  'entry-misplaced',
  'entry-without-batch',
  'entry-not-readable',
  'kind-not-allowed',
  'batch-missing',
  'batch-altered',
  'batch-overlaps',
  'batch-without-entries',
  'chain-broken',
  'bad-signature',
  'bad-receipt',
  'box-not-enrolled',
  'box-revoked',
  'digest-missing',
  'digest-differs',
  'entry-not-derivable',
  'prompt-not-conserved',
  'cut-short',
  'file-not-readable',
] as const
export type FaultCode = (typeof FAULT_CODES)[number]

/** One thing that does not hold, and where. Never a value of the row: it may be a grade or a case number. */
export interface VerifyFault {
  code: FaultCode
  table: string
  /** The row's own number in its table (SQLite's rowid), where there is a row. */
  row?: number
  columns?: string[]
  position?: number
  box?: string
  /** Hex. */
  epoch?: string
  seq?: number
  /** One English sentence. */
  detail: string
}

/** Takes faults up to a limit and counts the rest, so that a store that is wrong everywhere fills no memory. */
export interface FaultList {
  add(fault: VerifyFault): void
  list(): VerifyFault[]
  count(): number
  /** Whether any was found of this table. */
  has(table: string): boolean
}

export function createFaultList(faultsMax: number): FaultList {
  const faults: VerifyFault[] = []
  const tables = new Set<string>()
  const seen = new Set<string>()
  let count = 0
  return {
    add(fault) {
      const name = JSON.stringify(fault)
      if (seen.has(name)) return
      count += 1
      tables.add(fault.table)
      if (faults.length >= faultsMax) return
      seen.add(name)
      faults.push(fault)
    },
    list: () => faults,
    count: () => count,
    has: table => tables.has(table),
  }
}
