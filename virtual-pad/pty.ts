import { execFileSync } from 'node:child_process'
import { closeSync, lstatSync, mkdirSync, readlinkSync, renameSync, symlinkSync, unlinkSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { ReadStream } from 'node:tty'
import { fail, ok, type Result } from '#protocol/result.ts'

/** The native half of @lydell/node-pty. Its JavaScript half can only start a program on the terminal. */
interface NativePty {
  open(columns: number, rows: number): { master: number; slave: number; pty: string }
}

export interface PtyLine {
  /** What a box opens: the link where there is one, else the terminal itself. */
  readonly devicePath: string
  /** Sends to the box. What does not fit because nobody reads is lost, as on a wire. */
  write(bytes: Uint8Array): void
  /** Pulls the plug: the box sees the device vanish, the link is gone. */
  unplug(): void
}

export interface LinkFault {
  code: 'link-not-usable'
  detail: string
}

/** Plugs in a serial device of the kernel, with a link of a name that stays. */
export function openPtyLine(options: { link?: string; onBytes(bytes: Uint8Array): void }): Result<PtyLine, LinkFault> {
  const { link } = options
  const { master, slave, pty } = loadNative().open(80, 24)
  // A new terminal echoes and cooks; a box that writes before this would be talking to itself.
  execFileSync('stty', ['-F', pty, 'raw', '-echo'])
  const stream = new ReadStream(master)
  let isPlugged = true

  function unplug() {
    if (!isPlugged) return
    isPlugged = false
    // The end of the master is the hang-up that the box sees; our slave descriptor would stay open for ever.
    stream.destroy()
    closeSync(slave)
    if (link) removeLink(link, pty)
  }

  stream.on('data', (bytes: Buffer) => {
    if (isPlugged) options.onBytes(new Uint8Array(bytes))
  })
  // With our own slave descriptor open the master cannot end; the error that follows unplugging is ours.
  stream.on('error', error => {
    if (isPlugged) throw error
  })
  const linked = link ? placeLink(link, pty) : ok()
  if (!linked.ok) {
    unplug()
    return linked
  }
  return ok({ devicePath: link ?? pty, unplug, write: bytes => void (isPlugged && writeAll(master, bytes)) })
}

function writeAll(file: number, bytes: Uint8Array) {
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
  } catch (error) {
    // The terminal's buffer is full: nobody has been reading.
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
  }
}

/** Puts the link in place in one step. A link left by a run that was killed is replaced, anything else is left alone. */
function placeLink(link: string, target: string): Result<undefined, LinkFault> {
  try {
    const found = lstatSync(link, { throwIfNoEntry: false })
    if (found && !found.isSymbolicLink()) return fail('link-not-usable', `${link} exists and is not a link`)
    mkdirSync(dirname(link), { recursive: true })
    const beside = `${link}.${process.pid}`
    symlinkSync(target, beside)
    renameSync(beside, link)
    return ok()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return fail('link-not-usable', `${link} cannot be made: ${code}`)
  }
}

function removeLink(link: string, target: string) {
  try {
    if (readlinkSync(link) === target) unlinkSync(link)
  } catch (error) {
    // Somebody removed it, or put something else there, which is not ours to remove.
    if (!['ENOENT', 'EINVAL'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

function loadNative(): NativePty {
  return createRequire(import.meta.url)(`@lydell/node-pty-linux-${process.arch}/pty.node`) as NativePty
}
