import { join } from 'node:path'
import type { Result } from '#protocol/result.ts'
import { type FileProblem, fileFault } from '#runtime/yaml-text.ts'
import { checkDisturbances } from './disturbances.ts'
import { playGolden } from './golden.ts'
import { loadProfile, PROFILE_FILE, type ProfileFault, placeProblems, readGolden } from './load-profile.ts'
import type { Profile } from './profile.ts'
import { checkRoundTrips } from './round-trip.ts'
import type { SiteOverrides } from './site-schema.ts'

export interface ProofFault {
  code: 'profile-not-proven'
  detail: string
}

/**
 * A profile that is valid, keeps every line of its golden file, reads back all it writes and bears what a line
 * does to its frames, in each of its variants; or everything that is wrong, each with its place.
 */
export function proveProfile(folder: string): Result<Profile, ProfileFault | ProofFault> {
  const loaded = loadProfile(folder)
  if (!loaded.ok) return loaded
  const golden = readGolden(folder)
  if (!golden.ok) return golden
  const { path, text } = golden.value
  const found = playGolden(loaded.value, text, overrides => loadProfile(folder, overrides))
  const inGolden = found.filter(({ line }) => line > 0).map(problem => ({ ...problem, path: '' }))
  const notShown = found.filter(({ line }) => line === 0).map(({ path: at = [], message }) => ({ path: at, message }))
  const inProfile = [...placeProblems(folder, notShown), ...inUse(folder, loaded.value)]
  if (inGolden.length + inProfile.length === 0) return loaded
  const detail = [
    ...(inProfile.length > 0 ? [fileFault('file-not-valid', join(folder, PROFILE_FILE), inProfile).error.detail] : []),
    ...(inGolden.length > 0 ? [fileFault('file-not-valid', path, inGolden).error.detail] : []),
  ]
  return { ok: false, error: { code: 'profile-not-proven', detail: detail.join('\n') } }
}

/** What the profile and each of its variants do not read back or bear; what is so without a variant is said once. */
function inUse(folder: string, profile: Profile): FileProblem[] {
  const own = [...checkRoundTrips(profile), ...checkDisturbances(profile)]
  const known = new Set(own.map(({ message }) => message))
  const problems = placeProblems(folder, own)
  for (const { name } of profile.variants) {
    const inForce = loadProfile(folder, { variant: name } satisfies SiteOverrides)
    // A variant was checked with the profile itself.
    if (!inForce.ok) throw new Error(inForce.error.detail)
    const others = [...checkRoundTrips(inForce.value), ...checkDisturbances(inForce.value)]
    problems.push(
      ...placeProblems(
        folder,
        others.filter(({ message }) => !known.has(message)),
        name,
      ),
    )
    for (const { message } of others) known.add(message)
  }
  return problems
}
