import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Replaces a file so that after any crash it holds the old content or the new, whole. */
export function writeFileAtomic(path: string, content: string | Uint8Array, mode = 0o644): void {
  const beside = `${path}.new`
  const file = openSync(beside, 'w', mode)
  try {
    const bytes = Buffer.from(content)
    let written = 0
    while (written < bytes.length) written += writeSync(file, bytes, written)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(beside, path)
  const directory = openSync(dirname(path), 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
