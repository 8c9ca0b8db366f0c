import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomic } from '#runtime/atomic-file.ts'

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

/** Why the next start is not to go on with the store. */
export interface DamageNote {
  /** It is whole, but the collector has another continuation of it from here on. */
  agreedSeq?: number
}

/** Says for the next start that the store cannot be gone on with, which a short look at it may not show. */
export function noteDamage(directory: string, note: DamageNote = {}): void {
  try {
    writeFileAtomic(damageFile(directory), `${JSON.stringify(note)}\n`, 0o600)
  } catch (error) {
    // A disk that takes not even that will be met again.
    if (!(error as NodeJS.ErrnoException).code) throw error
  }
}

/** What was noted; undefined when the store is good as far as anybody knows. */
export function readDamageNote(directory: string): DamageNote | undefined {
  if (!existsSync(damageFile(directory))) return undefined
  try {
    const note = JSON.parse(readFileSync(damageFile(directory), 'utf8')) as DamageNote
    return Number.isSafeInteger(note.agreedSeq) ? { agreedSeq: note.agreedSeq! } : {}
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code) return {}
    throw error
  }
}

/** An id that nothing that was set aside or salvaged has yet; `after` it when given. */
export function nextId(directory: string, after = 0): string {
  const last = Math.max(after, ...[...listAside(directory), ...listPast(directory)].map(Number))
  return String(last + 1).padStart(4, '0')
}

/** Sets the store aside, whole and unread, under a new id. */
export function setAside(directory: string, id: string): void {
  mkdirSync(join(directory, 'quarantine'), { recursive: true, mode: 0o700 })
  // The file first: a log without its file is known for what it is (`finishSettingAside`); a file without its
  // log would look like a whole store that has lost its newest entries.
  const store = storeFile(directory)
  if (existsSync(store)) renameSync(store, asideFile(directory, id))
  if (existsSync(`${store}-wal`)) renameSync(`${store}-wal`, `${asideFile(directory, id)}-wal`)
  rmSync(`${store}-shm`, { force: true })
  rmSync(damageFile(directory), { force: true })
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
  else setAside(directory, nextId(directory))
}
