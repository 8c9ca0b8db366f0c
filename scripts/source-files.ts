import { globSync } from 'node:fs'
import { join } from 'node:path'

const NOT_OURS = new Set(['node_modules', 'dist', 'var', '.git'])

/** The files below `folder` whose path fits, as paths from here, sorted; nothing made by a tool. */
export function sourceFiles(folder: string, pattern: RegExp): string[] {
  return globSync('**/*', {
    cwd: folder,
    withFileTypes: true,
    exclude: entry => NOT_OURS.has(entry.name),
  })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(path => pattern.test(path))
    .sort()
}
