import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, truncateSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { spawnBound } from '#scripts/program.ts'

const run = promisify(execFile)

/** Where a box or the collector keeps its store: a disk of its own where the machine can make one. */
export interface Disk {
  /** `image`: its power can be cut. `memory`: it can be full. `folder`: neither. */
  readonly kind: 'image' | 'memory' | 'folder'
  readonly path: string
  /** The file system stops at once; what was not flushed is gone. Then nothing works until `comeBack`. */
  cutPower(): Promise<void>
  comeBack(): Promise<void>
  /** Takes all room but `leaveBytes`. */
  fill(leaveBytes: number): void
  free(): void
  close(): Promise<void>
}

const IMAGE_BYTES = 96 * 1024 * 1024
const MEMORY = '96m'
const LET_GO_MS_MAX = 1_000
const UNMOUNT_TRIES = 100
const UNMOUNT_WAIT_MS = 20
/** A chunk small enough that what is left is what was asked for. */
const FILL_BYTES = 64 * 1024

/**
 * EXT4_IOC_SHUTDOWN with NOLOGFLUSH (linux/fs.h, ext4.h): what power loss does, to one file system. Node has no
 * ioctl; perl is in every Debian.
 */
const SHUTDOWN = 'open(my $d,"<",$ARGV[0]) or die $!; my $f=pack("I",2); ioctl($d,0x8004587D,$f) or die $!'

/** Makes a disk below `dir`, mounted in this process's own mount namespace. */
export async function createDisk(dir: string, name: string, kind: Disk['kind']): Promise<Disk> {
  const path = join(dir, name)
  const image = `${path}.img`
  const ballast = join(path, '.full')
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (kind === 'image') {
    closeSync(openSync(image, 'w'))
    truncateSync(image, IMAGE_BYTES)
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', image])
  }
  await mount()

  async function mount() {
    if (kind === 'image') await run('mount', ['-o', 'loop', image, path])
    if (kind === 'memory') await run('mount', ['-t', 'tmpfs', '-o', `size=${MEMORY}`, 'tmpfs', path])
  }

  /** Whoever had files open there has just been killed; the kernel may need a moment to close them. */
  async function unmount() {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run('umount', [path])
      } catch (error) {
        if (attempt === UNMOUNT_TRIES) throw error
        await new Promise(resolve => setTimeout(resolve, UNMOUNT_WAIT_MS))
      }
    }
  }

  return {
    kind,
    path,
    async cutPower() {
      await run('perl', ['-e', SHUTDOWN, path])
    },
    async comeBack() {
      await unmount()
      await mount()
      rmSync(ballast, { force: true })
    },
    fill(leaveBytes) {
      const file = openSync(ballast, 'a')
      try {
        const { bavail, bsize } = statfsSync(path)
        const chunk = Buffer.alloc(FILL_BYTES)
        for (let left = bavail * bsize - leaveBytes; left > 0; left -= FILL_BYTES) {
          writeSync(file, chunk, 0, Math.min(left, FILL_BYTES))
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      } finally {
        closeSync(file)
      }
    },
    free: () => rmSync(ballast, { force: true }),
    async close() {
      if (kind !== 'folder') await unmount()
      rmSync(image, { force: true })
    },
  }
}

/** Makes the flushes of a running process fail, slow or deadly, until the returned function is called. */
export async function disturbFlushes(pid: number, inject: string): Promise<() => Promise<void>> {
  const calls = 'fsync,fdatasync'
  const options = ['-f', '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${calls}:${inject}`]
  const strace = spawnBound('strace', [...options, '-p', String(pid)])
  const ended = once(strace, 'exit')
  // The first word it says is that it is attached, or why it could not.
  await Promise.race([once(strace.stderr!, 'data'), ended])
  return async () => {
    // Asked to end it lets go of the process. It may wait for ever for threads of one that was killed meanwhile.
    strace.kill('SIGINT')
    const insist = setTimeout(() => strace.kill('SIGKILL'), LET_GO_MS_MAX)
    await ended
    clearTimeout(insist)
  }
}
