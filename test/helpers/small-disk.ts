import { spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.ts'

/** A real file system of a few megabytes, to be filled and broken. */
export interface SmallDisk {
  path: string
  freeBytes(): number
  /** Takes all room there is. */
  fill(): void
  /** Gives back what `fill` took. */
  clear(): void
  /** Read-only from now on, as by `mount`: only while nothing is open for writing. */
  remount(mode: 'ro' | 'rw'): void
  /** Finds an error in itself and becomes read-only under whoever is writing, for good. */
  fail(): void
}

/** An ext4 on a loop device; the reason where this machine or user cannot make one, for `context.skip`. */
export function mountSmallDisk(mebibytes: number): SmallDisk | string {
  const folder = temporaryFolder()
  const [image, path] = [join(folder, 'image'), join(folder, 'disk')]
  mkdirSync(path)
  writeFileSync(image, '')
  truncateSync(image, mebibytes * 1024 * 1024)
  const made =
    run('mkfs.ext4', '-q', '-F', '-m', '0', image) ?? run('mount', '-o', 'loop,errors=remount-ro', image, path)
  if (made !== undefined) return `needs root, mkfs.ext4 and loop devices: ${made}`
  // Also while something in it is still open: the device goes when the last one closes.
  onTestFinished(() => void run('umount', '-l', path))
  const filler = join(path, 'filler')
  const freeBytes = () => {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  }
  return {
    path,
    freeBytes,
    fill: () => writeUntilFull(filler),
    clear: () => rmSync(filler),
    remount(mode) {
      const refused = run('mount', '-o', `remount,${mode}`, path)
      if (refused !== undefined) throw new Error(refused)
    },
    fail() {
      const device = readFileSync('/proc/mounts', 'utf8')
        .split('\n')
        .map(line => line.split(' '))
        .find(([, at]) => at === path)![0]!
      writeFileSync(`/sys/fs/ext4/${basename(device)}/trigger_fs_error`, '1')
    },
  }
}

function writeUntilFull(path: string): void {
  const file = openSync(path, 'a')
  try {
    for (let bytes = 256 * 1024; bytes >= 512; ) {
      try {
        writeSync(file, Buffer.alloc(bytes, 1))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
        bytes /= 2
      }
    }
  } finally {
    closeSync(file)
  }
}

/** What it said when it failed; undefined when all is well. */
function run(command: string, ...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error) return error.message
  return status === 0 ? undefined : stderr.trim() || `${command} ended with ${status}`
}
