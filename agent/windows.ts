import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PROFILE_FILE, parseProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { AgentConfiguration } from './configuration.ts'

/** One configured window with its pad's profile read and checked. */
export interface ConfiguredWindow {
  window: string
  port: string
  profile: Profile
}

/** The profiles that come with the program, from source and from the built file alike. */
export function builtInProfiles(): string {
  return join(dirname(import.meta.dirname), 'device-profiles')
}

/** The built pages of the clerk. */
export function builtInPages(): string {
  return join(dirname(import.meta.dirname), 'dist', 'panel')
}

function profilesIn(folder: string): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter(entry => entry.isDirectory())
    .map(({ name }) => name)
}

/** Reads the profile of every window; all problems of all of them at once. */
export function configureWindows(
  configuration: AgentConfiguration,
  base: string,
  read: (path: string) => Result<string>,
): Result<ConfiguredWindow[]> {
  const folder = configuration.profiles ? resolve(base, configuration.profiles) : builtInProfiles()
  const problems: string[] = []
  const windows: ConfiguredWindow[] = []
  for (const { window, port, profile: id, site } of configuration.windows) {
    if (windows.some(other => other.window === window)) problems.push(`windows: ${window} is there twice`)
    const sharing = windows.find(other => other.port === port)
    if (sharing) problems.push(`windows: ${window} and ${sharing.window} name the same port ${port}`)
    const known = profilesIn(folder)
    if (!known.includes(id)) {
      problems.push(
        `windows: ${window} names the profile ${id}, which is not in ${folder}; there are: ${known.join(', ')}`,
      )
      continue
    }
    const path = join(folder, id, PROFILE_FILE)
    const text = read(path)
    if (!text.ok) {
      problems.push(text.error.detail)
      continue
    }
    const hash = createHash('sha256').update(text.value).digest('hex')
    const loaded = parseProfile(text.value, { path, folder: id, hash }, site)
    if (!loaded.ok) problems.push(loaded.error.detail)
    else windows.push({ window, port, profile: loaded.value })
  }
  return problems.length > 0 ? fail('configuration-not-valid', problems.join('\n')) : ok(windows)
}
