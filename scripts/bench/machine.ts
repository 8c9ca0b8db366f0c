import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'

/** What the figures were measured on, in general words: no names, no paths. */
export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  fileSystem: string
  kernel: string
  node: string
  /** Processes that wanted to run during the last minute, before the bench began. */
  load: number
}

export function describeMachine(folder: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || process.arch,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    fileSystem: fileSystemOf(folder, readFileSync('/proc/self/mounts', 'utf8')),
    kernel: release(),
    node: process.version,
    load: Math.round(loadavg()[0]! * 10) / 10,
  }
}

/** The type of the file system that holds `folder`: that of the longest mount point it is below (proc_mounts(5)). */
export function fileSystemOf(folder: string, mounts: string): string {
  let found = { point: '', type: 'unknown' }
  for (const line of mounts.split('\n')) {
    const [, point = '', type = ''] = line.split(' ')
    const isBelow = point === '/' || folder === point || folder.startsWith(`${point}/`)
    // A later line hides an earlier one at the same point.
    if (isBelow && type !== '' && point.length >= found.point.length) found = { point, type }
  }
  return found.type
}
