import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { allProfileFolders } from '#virtual-pad/profile-folder.ts'

/** A faulty profile is no candidate; `pad lint` says what is wrong with it. */
export function knownProfiles(): Profile[] {
  return allProfileFolders().flatMap(folder => {
    const loaded = loadProfile(folder)
    return loaded.ok ? [loaded.value] : []
  })
}
