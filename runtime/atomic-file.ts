import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Replaces a file so that after any crash it holds the old content or the new, whole, with exactly `mode`.
 * Throws what the file system says; the old content then stands and nothing is left beside it.
 */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): void {
  const beside = `${path}.new`
  // What a crash left there may be readable by others; opening it would keep its mode.
  rmSync(beside, { force: true })
  try {
    writeWhole(beside, Buffer.from(content), mode)
    renameSync(beside, path)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

function writeWhole(path: string, bytes: Uint8Array, mode: number): void {
  const file = openSync(path, 'wx', mode)
  try {
    fchmodSync(file, mode)
    let written = 0
    while (written < bytes.length) written += writeSync(file, bytes, written)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
