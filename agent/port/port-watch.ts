import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { ignoreAbsence } from './adapters.ts'

/** Tells when something was plugged in or out. */
export interface PortWatch {
  stop(): void
}

/**
 * Calls `onChange` when a name appears or vanishes in one of the folders, also in one that does not exist yet:
 * udev removes /dev/serial with the last adapter and makes it anew. The kernel tells; nothing is polled.
 */
export function createPortWatch(deps: { folders: readonly string[]; onChange(): void }): PortWatch {
  const watched = new Map<string, { inode: number; watcher: FSWatcher }>()

  /** Each wanted folder, or the nearest one above it that exists, is watched as it is now. */
  function settle() {
    const present = new Set(deps.folders.map(nearestFolder))
    for (const [folder, { inode, watcher }] of watched) {
      if (present.has(folder) && inodeOf(folder) === inode) continue
      watcher.close()
      watched.delete(folder)
    }
    const added = [...present].filter(folder => !watched.has(folder) && begin(folder))
    // A folder below may have been made before its parent was watched.
    if (added.length > 0) settle()
  }

  function begin(folder: string): boolean {
    const inode = inodeOf(folder)
    const watcher = inode === undefined ? undefined : ignoreAbsence(() => watch(folder, { persistent: false }))
    if (inode === undefined || !watcher) return false
    watched.set(folder, { inode, watcher })
    watcher.on('error', () => {}) // The folder is gone; its parent tells.
    // Every byte written to a device in the folder comes as `change`.
    watcher.on('change', kind => kind === 'rename' && changed())
    return true
  }

  function changed() {
    settle()
    deps.onChange()
  }

  settle()
  return {
    stop() {
      for (const { watcher } of watched.values()) watcher.close()
      watched.clear()
    },
  }
}

function nearestFolder(folder: string): string {
  for (let at = folder; ; at = dirname(at)) if (at === dirname(at) || inodeOf(at) !== undefined) return at
}

function inodeOf(folder: string): number | undefined {
  return ignoreAbsence(() => statSync(folder).ino)
}
