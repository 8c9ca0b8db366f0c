import type { KeyObject } from 'node:crypto'
import { statSync } from 'node:fs'
import { readOpeningKeys } from './opening.ts'

/**
 * Reads the folder again when something was put into it since the last time; undefined when nothing was, or
 * when what is there now is not all usable: then the keys of before stay.
 */
export function createKeyRereader(folder: string): () => readonly KeyObject[] | undefined {
  let seenMs = changedMs(folder)
  return () => {
    const nowMs = changedMs(folder)
    if (nowMs === seenMs) return undefined
    try {
      const keys = readOpeningKeys(folder)
      if (!keys.every(key => key.asymmetricKeyType === 'x25519')) return undefined
      seenMs = nowMs
      return keys
    } catch {
      // A file that is half written or no key. It is tried again with the next entry, and refused at the next start.
      return undefined
    }
  }
}

/** When a file was last added to a folder, or taken away; 0 when there is no folder any more. */
function changedMs(folder: string): number {
  return statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
