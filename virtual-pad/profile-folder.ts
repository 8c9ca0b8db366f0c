import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { notAmong } from '#agent/pad/report.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** The folder of a profile: a name under device-profiles, or a folder where there is a slash. */
export function profileFolder(nameOrFolder: string): string {
  if (nameOrFolder.includes('/')) return nameOrFolder
  return join(dirname(import.meta.dirname), 'device-profiles', nameOrFolder)
}

/** The same of a name that somebody typed: one that is none of ours is told beside those that are. */
export function findProfileFolder(nameOrFolder: string): Result<string> {
  const folder = profileFolder(nameOrFolder)
  const folders = allProfileFolders()
  if (nameOrFolder.includes('/') || folders.includes(folder)) return ok(folder)
  const known = folders.map(one => basename(one))
  return fail(
    'profile-unknown',
    `${notAmong('profile', nameOrFolder, known)}; a folder elsewhere has a slash: ./acme-k5`,
  )
}

/** The folders of all profiles that are shipped. */
export function allProfileFolders(): string[] {
  const parent = profileFolder('.')
  const entries = readdirSync(parent, { withFileTypes: true })
  return entries.filter(entry => entry.isDirectory()).map(entry => join(parent, entry.name))
}
