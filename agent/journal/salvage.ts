import { createHash } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { CHAIN_START, entryHash } from '#protocol/chain.ts'
import { isEqual, toHex } from '#protocol/codec.ts'
import { type StoreBytes, scanCells } from './scan-cells.ts'
import { type EntryRow, isProven } from './store.ts'

/** What is left of one journal, every entry proven by its hash. There may be holes. */
export interface SalvagedChain {
  box: string
  epoch: Uint8Array
  /** By number, oldest first. */
  rows: EntryRow[]
}

/**
 * What the bytes of a damaged store of `box` still hold. `epoch` is what is remembered elsewhere, for a store that
 * has lost its own head. Undefined where nothing can be proven. Costs a hash per entry.
 */
export function salvage(bytes: StoreBytes, box: string, epoch?: Uint8Array): SalvagedChain | undefined {
  const scan = scanCells(bytes)
  const found = [...scan.rows()]
  const heads = [...scan.heads(box)]
  const candidates = [...(epoch ? [epoch] : []), ...heads.map(head => head.epoch)]
  const own = [...new Map(candidates.map(one => [toHex(one), one])).values()].find(one =>
    found.some(row => isProven({ box, epoch: one }, row)),
  )
  if (!own) return undefined
  const proven = new Map<number, EntryRow>()
  for (const row of found) {
    if (!proven.has(row.seq) && isProven({ box, epoch: own }, row)) proven.set(row.seq, row)
  }
  // What was forgotten may still stand in pages that were set free; the collector has it.
  const forgotten = heads
    .filter(head => isEqual(proven.get(head.forgottenSeq + 1)?.previous ?? new Uint8Array(), head.forgottenHash))
    .reduce((seq, head) => Math.max(seq, head.forgottenSeq), 0)
  const rows = [...proven.values()].filter(({ seq }) => seq > forgotten).sort((a, b) => a.seq - b.seq)
  return { box, epoch: own, rows }
}

/**
 * Splits a chain that the collector has otherwise from `agreedSeq` on: what both have, and what is only here, which
 * becomes an epoch of its own, byte for byte the same entries. The same split always gives the same epoch, so it can
 * be made again after a crash and nothing arrives twice.
 */
export function splitOff(
  chain: SalvagedChain,
  agreedSeq: number,
): { agreed: SalvagedChain; own: SalvagedChain | undefined } {
  const agreed = { ...chain, rows: chain.rows.filter(({ seq }) => seq <= agreedSeq) }
  const left = chain.rows.filter(({ seq }) => seq > agreedSeq)
  if (left.length === 0) return { agreed, own: undefined }
  const epoch = createHash('sha256').update('chuangping split\n').update(left[0]!.hash).digest().subarray(0, 16)
  let previous = CHAIN_START
  const rows = left.map(({ bytes }, i) => {
    const row = { seq: i + 1, bytes, hash: entryHash({ box: chain.box, epoch }, i + 1, previous, bytes), previous }
    previous = row.hash
    return row
  })
  return { agreed, own: { box: chain.box, epoch, rows } }
}

/** Reads a store and its log as bytes, and changes nothing. Costs memory for both. */
export function readStoreBytes(path: string): StoreBytes {
  return { database: readWhatIsLeft(path), log: readWhatIsLeft(logOf(path)) }
}

export const logOf = (path: string) => `${path}-wal`

const BLOCK_BYTES = 4096

/** The bytes of a file, zero where the disk does not give them; none where there is no file. */
export function readWhatIsLeft(path: string): Buffer {
  let file: number
  try {
    file = openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    return Buffer.alloc(0)
  }
  try {
    const bytes = Buffer.alloc(fstatSync(file).size)
    let isBad = false
    for (let at = 0; at < bytes.length; ) {
      const wanted = Math.min(isBad ? BLOCK_BYTES : BLOCK_BYTES * 256, bytes.length - at)
      try {
        const read = readSync(file, bytes, at, wanted, at)
        if (read === 0) break
        at += read
        isBad = false
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error
        if (isBad) at += wanted
        isBad = true
      }
    }
    return bytes
  } finally {
    closeSync(file)
  }
}
