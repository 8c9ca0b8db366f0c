import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { join } from 'node:path'

/** Where the parts of a journal lie in its folder. A damaged store is set aside whole, and what it held beside it. */
export const storeFile = (directory: string) => join(directory, 'journal.db')
export const asideFile = (directory: string, id: string) => join(directory, 'quarantine', `journal-${id}.db`)
export const pastFile = (directory: string, id: string) => join(directory, 'past', `${id}.db`)
const damageFile = (directory: string) => join(directory, 'journal.damaged')

/** Ids of the stores that were set aside, oldest first. */
export const listAside = (directory: string) => listIds(join(directory, 'quarantine'), /^journal-(\d{4,})\.db(-wal)?$/)
/** Ids of what was salvaged, oldest first. */
export const listPast = (directory: string) => listIds(join(directory, 'past'), /^(\d{4,})\.db$/)

function listIds(folder: string, pattern: RegExp): string[] {
  if (!existsSync(folder)) return []
  const ids = readdirSync(folder).flatMap(name => pattern.exec(name)?.[1] ?? [])
  return [...new Set(ids)].sort((a, b) => Number(a) - Number(b))
}

/** Says for the next start that the store was found damaged, which a short look at it may not show. */
export function noteDamage(directory: string): void {
  try {
    const file = openSync(damageFile(directory), 'w', 0o600)
    fsyncSync(file)
    closeSync(file)
  } catch (error) {
    // A disk that takes not even that will be met again.
    if (!(error as NodeJS.ErrnoException).code) throw error
  }
}

export const isDamageNoted = (directory: string) => existsSync(damageFile(directory))

/** Sets the store aside, whole and unread, and gives the id it has there. */
export function setAside(directory: string): string {
  const last = Math.max(0, ...[...listAside(directory), ...listPast(directory)].map(Number))
  const id = String(last + 1).padStart(4, '0')
  mkdirSync(join(directory, 'quarantine'), { recursive: true, mode: 0o700 })
  // The file first: a log without its file is known for what it is (`finishSettingAside`); a file without its
  // log would look like a whole store that has lost its newest entries.
  const store = storeFile(directory)
  if (existsSync(store)) renameSync(store, asideFile(directory, id))
  if (existsSync(`${store}-wal`)) renameSync(`${store}-wal`, `${asideFile(directory, id)}-wal`)
  rmSync(`${store}-shm`, { force: true })
  rmSync(damageFile(directory), { force: true })
  return id
}

/** Ends what a crash interrupted, before anybody opens the store: a new one would take the old log for its own. */
export function finishSettingAside(directory: string): void {
  const store = storeFile(directory)
  // To SQLite a file cut to nothing is a new one as well.
  if ((statSync(store, { throwIfNoEntry: false })?.size ?? 0) > 0) return
  rmSync(damageFile(directory), { force: true })
  if (!existsSync(`${store}-wal`)) return
  const id = listAside(directory).at(-1)
  const log = id && `${asideFile(directory, id)}-wal`
  if (log && !existsSync(log) && !existsSync(store)) renameSync(`${store}-wal`, log)
  else setAside(directory)
}
