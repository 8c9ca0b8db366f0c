import { rmSync } from 'node:fs'
import type { Entry } from '#protocol/entry.ts'
import { openPastChain, type PastChain } from './past-chain.ts'
import { writePastFile } from './past-file.ts'
import { asideFile, listAside, listPast, pastFile } from './quarantine.ts'
import { readStoreBytes, type SalvagedChain, salvage } from './salvage.ts'
import { isDamage, isFull } from './store.ts'

/** What is left of journals that were set aside, oldest first. */
export interface PastChains {
  all(): readonly PastChain[]
  /** Entries of the newest of them, from its end back. */
  newestFirst(isWhole?: boolean): Iterable<Entry>
  /** Removes what has had its receipts for `ageMs` by the collector's time `nowAt`, with what it was salvaged from. */
  forget(nowAt: number, ageMs: number): void
  close(): void
}

/**
 * Opens what was salvaged, after salvaging what was set aside and is not salvaged yet. What cannot be for want of
 * room waits for the next start.
 */
export function openPastChains(directory: string, box: string): PastChains {
  for (const id of listAside(directory)) {
    if (listPast(directory).includes(id)) continue
    keepSalvaged(directory, id, salvage(readStoreBytes(asideFile(directory, id)), box))
  }
  let chains = listPast(directory).flatMap(id => {
    const chain = openOrSalvage(directory, id, box)
    return chain ? [{ id, chain }] : []
  })

  return {
    all: () => chains.map(({ chain }) => chain),
    newestFirst: isWhole => chains.at(-1)?.chain.newestFirst(isWhole) ?? [],
    forget(nowAt, ageMs) {
      chains = chains.filter(({ id, chain }) => {
        const doneAt = chain.doneAt()
        if (doneAt === undefined || chain.backlog() > 0 || nowAt - doneAt < ageMs) return true
        chain.close()
        removePast(directory, id)
        return false
      })
    },
    close() {
      for (const { chain } of chains) chain.close()
    },
  }
}

/** Writes what was salvaged under `id`; false when there is no room for it now. */
export function keepSalvaged(directory: string, id: string, chain: SalvagedChain | undefined): boolean {
  try {
    writePastFile(pastFile(directory, id), chain)
    return true
  } catch (error) {
    if (isFull(error)) return false
    throw error
  }
}

/** A past chain that was damaged in its turn is salvaged from itself. */
function openOrSalvage(directory: string, id: string, box: string): PastChain | undefined {
  const path = pastFile(directory, id)
  try {
    return openPastChain(path)
  } catch (error) {
    if (!isDamage(error)) throw error
    writePastFile(path, salvage(readStoreBytes(path), box))
    return openPastChain(path)
  }
}

/** The file it was salvaged from first: without the other it would be salvaged anew. */
function removePast(directory: string, id: string): void {
  for (const path of [asideFile(directory, id), `${asideFile(directory, id)}-wal`, pastFile(directory, id)]) {
    rmSync(path, { force: true })
  }
}
