import type Database from 'better-sqlite3'
import { isEqual } from '#protocol/codec.ts'
import { type Ballast, withRoom } from './ballast.ts'
import { keepSalvaged } from './past-chains.ts'
import { laterEnd, readPrevious, writePrevious } from './previous.ts'
import { finishSettingAside, isDamageNoted, setAside, storeFile } from './quarantine.ts'
import { type SalvagedChain, salvage } from './salvage.ts'
import { isDamage, openStore, readHead, StoreDamaged } from './store.ts'

/** Opens the store; one that cannot be trusted is set aside first, and what its hashes prove is salvaged. */
export function openOrSetAside(
  { directory, box }: { directory: string; box: string },
  ballast: Ballast,
): { database: Database.Database; isQuarantined: boolean } {
  const path = storeFile(directory)
  finishSettingAside(directory)
  try {
    if (isDamageNoted(directory)) throw new StoreDamaged('noted as damaged')
    const database = withRoom(ballast, () => openStore(path))
    if (isBehind(database, directory)) {
      database.close()
      throw new StoreDamaged('it was remembered to be longer, or another')
    }
    return { database, isQuarantined: false }
  } catch (error) {
    if (!isDamage(error)) throw error
    const remembered = readPrevious(directory)
    const salvaged = salvage(path, box, remembered?.epoch)
    const end = laterEnd(endOf(salvaged), remembered)
    if (end) writePrevious(directory, { ...end, endedBy: 'quarantined' })
    const id = setAside(directory)
    // Without room for a copy now, the next start makes it from what was set aside.
    while (!keepSalvaged(directory, id, salvaged) && ballast.giveUp());
    return { database: withRoom(ballast, () => openStore(path)), isQuarantined: true }
  }
}

function endOf(chain: SalvagedChain | undefined) {
  const last = chain?.rows.at(-1)
  return last && { box: chain!.box, epoch: chain!.epoch, seq: last.seq, hash: last.hash }
}

/** Whether the store has lost what is remembered beside it: a log cut short, a card put back to an older state. */
function isBehind(database: Database.Database, directory: string): boolean {
  const head = readHead(database)
  const remembered = readPrevious(directory)
  if (!head || !remembered || remembered.endedBy || !isEqual(head.epoch, remembered.epoch)) return false
  if (remembered.seq <= head.forgotten_seq) return false
  const row = database.prepare('SELECT hash FROM entry WHERE seq = ?').get(remembered.seq) as
    | { hash: Uint8Array }
    | undefined
  return !row || !isEqual(row.hash, remembered.hash)
}
