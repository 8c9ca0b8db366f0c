import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isEqual } from '#protocol/codec.ts'
import { decodeEntry } from '#protocol/entry.ts'
import { openPastChain, type PastChain } from './past-chain.ts'
import { writePastFile } from './past-file.ts'
import { readPrevious } from './previous.ts'
import { asideFile, listAside, listPast, pastFile, storeFile } from './quarantine.ts'
import { readStoreBytes, type SalvagedChain, salvage } from './salvage.ts'
import { scanCells } from './scan-cells.ts'

/** What a card holds of one epoch. */
export interface CardChain {
  chain: PastChain
  /** The box's present journal, what its agent salvaged of an earlier one, or what was set aside unread. */
  from: 'journal' | 'salvaged' | 'set-aside'
  epoch: Uint8Array
  entries: number
  first: number
  last: number
  /** Numbers that are missing in between, for ever. */
  holes: { from: number; to: number }[]
  /** Up to where the box itself had receipts, as far as can still be read; the collector may have more. */
  receiptedSeq: number
  /** By the box's own clock, Unix ms. */
  firstWallMs: number
  lastWallMs: number
}

export interface Card {
  /** Oldest first. */
  chains: CardChain[]
  /** Stores of which nothing could be proven to be this box's. */
  unreadable: string[]
  close(): void
}

/**
 * Reads the journal of a card that was pulled from its box, in whatever state it is. Nothing is written to it; what
 * it holds is put into `scratch`, a folder of ours, and every entry in it is proven by its hash.
 */
export function readCard(directory: string, box: string, scratch: string): Card {
  const chains: CardChain[] = []
  const unreadable: string[] = []
  const remembered = readPrevious(directory)
  for (const [n, { path, from }] of storesOf(directory).entries()) {
    const bytes = readStoreBytes(path)
    const found = salvage(bytes, box, from === 'journal' ? remembered?.epoch : undefined)
    const isKnown = found && chains.some(({ epoch, last }) => isEqual(epoch, found.epoch) && last >= lastOf(found))
    if (!found) unreadable.push(path)
    if (!found || isKnown || found.rows.length === 0) continue
    const copy = join(scratch, `${n}.db`)
    rmSync(copy, { force: true })
    writePastFile(copy, found)
    const receipted = [...scanCells(bytes).heads(box)].filter(head => isEqual(head.epoch, found.epoch))
    chains.push({
      ...describe(found),
      chain: openPastChain(copy)!,
      from,
      receiptedSeq: Math.min(lastOf(found), Math.max(0, ...receipted.map(head => head.receiptedSeq))),
    })
  }
  return {
    chains,
    unreadable,
    close() {
      for (const { chain } of chains) chain.close()
    },
  }
}

const lastOf = (chain: SalvagedChain) => chain.rows.at(-1)?.seq ?? 0

/** Every store on the card, oldest first; what was set aside only where the agent has not salvaged it. */
function storesOf(directory: string): { path: string; from: CardChain['from'] }[] {
  const past = listPast(directory)
  const aside = listAside(directory).filter(id => !past.includes(id))
  const store = storeFile(directory)
  return [
    ...[...past, ...aside]
      .sort((a, b) => Number(a) - Number(b))
      .map(id =>
        past.includes(id)
          ? { path: pastFile(directory, id), from: 'salvaged' as const }
          : { path: asideFile(directory, id), from: 'set-aside' as const },
      ),
    ...(existsSync(store) || existsSync(`${store}-wal`) ? [{ path: store, from: 'journal' as const }] : []),
  ]
}

function describe({ epoch, rows }: SalvagedChain) {
  const holes = rows.flatMap(({ seq }, i) => {
    const before = rows[i - 1]
    return before && seq > before.seq + 1 ? [{ from: before.seq + 1, to: seq - 1 }] : []
  })
  return {
    epoch,
    entries: rows.length,
    first: rows[0]!.seq,
    last: rows.at(-1)!.seq,
    holes,
    firstWallMs: wallOf(rows[0]!.bytes),
    lastWallMs: wallOf(rows.at(-1)!.bytes),
  }
}

function wallOf(bytes: Uint8Array): number {
  const entry = decodeEntry(bytes)
  // Its hash says that an agent wrote it, so it can be read; an agent of another version may write otherwise.
  return entry.ok ? entry.value.time.wall : 0
}
