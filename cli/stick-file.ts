import { closeSync, createWriteStream, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fail, ok, type Result } from '#protocol/result.ts'

/**
 * Writes a file to a stick: it has its name only once it is whole and on the disk, so that the stick can be pulled.
 * Gives its bytes. Sets no mode, which many file systems of sticks refuse. What the source throws is thrown.
 */
export async function writeStickFile(
  file: string,
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void = () => {},
): Promise<Result<number>> {
  const beside = join(dirname(file), `.${basename(file)}.part`)
  let bytes = 0
  let failure: { error: unknown } | undefined

  async function* counted() {
    try {
      for await (const piece of source) {
        bytes += piece.length
        onBytes(bytes)
        yield piece
      }
    } catch (error) {
      failure = { error }
      throw error
    }
  }

  try {
    await pipeline(counted, createWriteStream(beside, { flush: true }))
    renameSync(beside, file)
    syncFolder(dirname(file))
    return ok(bytes)
  } catch (error) {
    removeQuietly(beside)
    if (failure) throw failure.error
    const { code } = error as NodeJS.ErrnoException
    if (!code) throw error
    return fail('file-not-writable', `${file}: ${code}`)
  }
}

/** A stick that was pulled takes nothing back. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true })
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code) throw error
  }
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } catch (error) {
    // Some file systems of sticks know no such thing for a folder.
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error
  } finally {
    closeSync(handle)
  }
}
