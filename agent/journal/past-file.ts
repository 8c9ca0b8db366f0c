import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { CHAIN_START } from '#protocol/chain.ts'
import type { SalvagedChain } from './salvage.ts'
import { makeStoreTables, PAGE_BYTES } from './store.ts'

/**
 * Writes what was salvaged as a store of its own, in the form of a journal. After a crash the file is there whole
 * or not at all. Throws what the disk says; then nothing is left of it.
 */
export function writePastFile(path: string, chain: SalvagedChain | undefined): void {
  const beside = `${path}.new`
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  try {
    rmSync(beside, { force: true })
    fill(beside, chain)
    syncPath(beside)
    renameSync(beside, path)
    syncPath(dirname(path))
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}

function fill(path: string, chain: SalvagedChain | undefined): void {
  const database = new Database(path)
  try {
    // It is made whole or thrown away, so nothing needs to be undone.
    database.pragma(`page_size = ${PAGE_BYTES}`)
    database.pragma('journal_mode = OFF')
    database.pragma('synchronous = OFF')
    makeStoreTables(database)
    if (!chain) return
    const insert = database.prepare('INSERT INTO entry VALUES (?, ?, ?, ?)')
    database.transaction(() => {
      database.prepare("INSERT INTO journal VALUES (1, ?, ?, 0, 0, ?, '[]')").run(chain.box, chain.epoch, CHAIN_START)
      for (const { seq, bytes, hash, previous } of chain.rows) insert.run(seq, bytes, hash, previous)
    })()
  } finally {
    database.close()
  }
}

function syncPath(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
