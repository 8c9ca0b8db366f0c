import type { Result } from '#protocol/result.ts'
import { playGolden } from './golden.ts'
import { loadProfile, type ProfileFault, readGolden } from './load-profile.ts'
import type { Profile } from './profile.ts'
import { checkRoundTrips } from './round-trip.ts'

export interface ProofFault {
  code: 'profile-not-proven'
  detail: string
}

/** A profile that is valid, keeps every line of its golden file and reads back all it writes; or everything that is wrong. */
export function proveProfile(folder: string): Result<Profile, ProfileFault | ProofFault> {
  const loaded = loadProfile(folder)
  if (!loaded.ok) return loaded
  const golden = readGolden(folder)
  if (!golden.ok) return golden
  const { path, text } = golden.value
  const problems = [
    ...playGolden(loaded.value, text).map(({ line, message }) => `${path}${line ? `:${line}` : ''}  ${message}`),
    ...checkRoundTrips(loaded.value).map(message => `${folder}  ${message}`),
  ]
  if (problems.length === 0) return loaded
  return { ok: false, error: { code: 'profile-not-proven', detail: problems.join('\n') } }
}
