import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** The folder of a profile: a name under device-profiles, or a folder where there is a slash. */
export function profileFolder(nameOrFolder: string): string {
  if (nameOrFolder.includes('/')) return nameOrFolder
  return join(dirname(import.meta.dirname), 'device-profiles', nameOrFolder)
}

/** The folders of all profiles that are shipped. */
export function allProfileFolders(): string[] {
  const parent = profileFolder('.')
  const entries = readdirSync(parent, { withFileTypes: true })
  return entries.filter(entry => entry.isDirectory()).map(entry => join(parent, entry.name))
}
