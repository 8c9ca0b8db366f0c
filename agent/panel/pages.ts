import { readFile } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'
import { MEDIA_TYPES } from '#runtime/media-types.ts'
import type { Answer } from './answer.ts'

/** One file of the built page, read when it is asked for; undefined when there is none at that path. */
export async function pageAt(folder: string, path: string): Promise<Answer> {
  const root = resolve(folder)
  const file = resolve(join(root, path.endsWith('/') ? `${path}index.html` : path))
  const type = MEDIA_TYPES[extname(file)]
  if (!type || !file.startsWith(root + sep) || path.includes('\0')) return undefined
  try {
    return { status: 200, headers: { 'content-type': type }, body: await readFile(file) }
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
