import { existsSync, writeFileSync } from 'node:fs'
import type Database from 'better-sqlite3'
import { isEqual } from '#protocol/codec.ts'
import { type Ballast, freeBytesOf, withRoom } from './ballast.ts'
import { createOpenPrompts } from './open-prompts.ts'
import { keepSalvaged } from './past-chains.ts'
import { laterEnd, readPrevious, writePrevious } from './previous.ts'
import { asideFile, finishSettingAside, nextId, noteDamage, readDamageNote, setAside, storeFile } from './quarantine.ts'
import { logOf, readWhatIsLeft, type SalvagedChain, salvage, splitOff } from './salvage.ts'
import { scanCells } from './scan-cells.ts'
import { type EntryRow, isDamage, isFull, isProven, openStore, readHead, StoreDamaged } from './store.ts'

/** Opens the store; one that cannot be trusted is set aside first, and what its hashes prove is salvaged. */
export function openOrSetAside(
  { directory, box }: { directory: string; box: string },
  ballast: Ballast,
): { database: Database.Database; isQuarantined: boolean } {
  const path = storeFile(directory)
  finishSettingAside(directory)
  // Before SQLite sees it: what it does not understand of its log it writes over, or removes.
  const log = readWhatIsLeft(logOf(path))
  try {
    if (readDamageNote(directory)) throw new StoreDamaged('noted as damaged')
    return { database: withRoom(ballast, () => openWhole(directory, log)), isQuarantined: false }
  } catch (error) {
    if (!isDamage(error)) throw error
    if (freeBytesOf(directory) < NOTES_BYTES) ballast.giveUp()
    // Whatever happens from here on, the next start goes on with it.
    const note = readDamageNote(directory) ?? {}
    noteDamage(directory, note)
    const remembered = readPrevious(directory)
    const salvaged = salvage({ database: readWhatIsLeft(path), log }, box, remembered?.epoch)
    const { agreed, own } =
      salvaged && note.agreedSeq !== undefined
        ? splitOff(salvaged, note.agreedSeq)
        : { agreed: salvaged, own: undefined }
    const end = own ? endOf(own) : laterEnd(endOf(agreed), remembered)
    if (end) writePrevious(directory, { ...end, endedBy: 'quarantined' })
    const id = nextId(directory)
    // What was split off first: of the rest, what was set aside is a copy.
    if (own && !keep(directory, nextId(directory, Number(id)), own, ballast)) throw error
    withRoom(ballast, () => setAside(directory, id))
    keepLog(`${asideFile(directory, id)}-wal`, log)
    keep(directory, id, agreed, ballast)
    return { database: withRoom(ballast, () => openStore(path)), isQuarantined: true }
  }
}

/** What setting aside writes beside the entries, and what a row needs beside its bytes. */
const NOTES_BYTES = 128 * 1024
const ROW_BYTES = 150

/** Without room for a copy now, the next start makes it from what was set aside. */
function keep(directory: string, id: string, chain: SalvagedChain | undefined, ballast: Ballast): boolean {
  const wantedBytes = (chain?.rows ?? []).reduce((sum, { bytes }) => sum + bytes.length + ROW_BYTES, NOTES_BYTES)
  while (freeBytesOf(directory) < wantedBytes && freeBytesOf(directory) + ballast.bytes() >= wantedBytes)
    ballast.giveUp()
  return keepSalvaged(directory, id, chain)
}

function openWhole(directory: string, log: Buffer): Database.Database {
  const database = openStore(storeFile(directory))
  try {
    putBackCut(database, log)
    if (isBehind(database, directory)) throw new StoreDamaged('it was remembered to be longer, or another')
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

function endOf(chain: SalvagedChain | undefined) {
  const last = chain?.rows.at(-1)
  return last && { box: chain!.box, epoch: chain!.epoch, seq: last.seq, hash: last.hash }
}

/**
 * SQLite takes of its log what comes before the first flaw. Entries behind that are still entries: they are put
 * back where they follow, and where some between are missing the store is damaged. The last of all may be one that
 * a power cut interrupted and nobody was thanked for; it was made, so it stands.
 */
function putBackCut(database: Database.Database, log: Buffer): void {
  const head = readHead(database)
  if (!head) return
  const newest = database.prepare('SELECT seq, hash FROM entry ORDER BY seq DESC LIMIT 1').get() as
    | Pick<EntryRow, 'seq' | 'hash'>
    | undefined
  let last = newest ?? { seq: head.forgotten_seq, hash: head.forgotten_hash }
  const behind = new Map<number, EntryRow>()
  for (const row of scanCells({ database: Buffer.alloc(0), log }).rows()) {
    if (row.seq > last.seq && isProven(head, row)) behind.set(row.seq, row)
  }
  if (behind.size === 0) return
  const open = createOpenPrompts(head.open_prompts)
  const insert = database.prepare('INSERT INTO entry VALUES (?, ?, ?, ?)')
  database
    .transaction(() => {
      for (const row of [...behind.values()].sort((a, b) => a.seq - b.seq)) {
        if (row.seq !== last.seq + 1 || !isEqual(row.previous, last.hash)) throw new StoreDamaged('the log has holes')
        insert.run(row.seq, row.bytes, row.hash, row.previous)
        open.follow(row.bytes)
        last = row
      }
      database.prepare('UPDATE journal SET open_prompts = ?').run(open.text())
    })
    .immediate()
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

/** The log as it was found, where closing the database removed it. */
function keepLog(path: string, log: Buffer): void {
  if (log.length === 0 || existsSync(path)) return
  try {
    writeFileSync(path, log, { mode: 0o600, flush: true })
  } catch (error) {
    // What it held was salvaged from memory.
    if (!isFull(error)) throw error
  }
}
