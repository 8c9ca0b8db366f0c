import { readdirSync, readFileSync, statSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { MEDIA_TYPES } from '#runtime/media-types.ts'

export interface PageFiles {
  find(path: string): { content: Uint8Array; mediaType: string } | undefined
}

/** The built page, if there is one: only files that lie in its folder now can ever be sent. */
export function createPageFiles(folder: string): PageFiles {
  const files = new Map<string, string>()
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name)
      if (entry.isFile()) files.set(`/${relative(folder, file)}`, file)
    }
  }
  return {
    find(path) {
      const file = files.get(path === '/' ? '/index.html' : path)
      if (!file) return undefined
      return { content: readFileSync(file), mediaType: MEDIA_TYPES[extname(file)] ?? 'application/octet-stream' }
    },
  }
}
