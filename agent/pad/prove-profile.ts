import type { Result } from '#protocol/result.ts'
import { checkDisturbances } from './disturbances.ts'
import { playGolden } from './golden.ts'
import { loadProfile, type ProfileFault, readGolden } from './load-profile.ts'
import type { Profile } from './profile.ts'
import { checkRoundTrips } from './round-trip.ts'
import type { SiteOverrides } from './site-schema.ts'

export interface ProofFault {
  code: 'profile-not-proven'
  detail: string
}

/**
 * A profile that is valid, keeps every line of its golden file, reads back all it writes and bears what a line
 * does to its frames, in each of its variants; or everything that is wrong.
 */
export function proveProfile(folder: string): Result<Profile, ProfileFault | ProofFault> {
  const loaded = loadProfile(folder)
  if (!loaded.ok) return loaded
  const golden = readGolden(folder)
  if (!golden.ok) return golden
  const { path, text } = golden.value
  const loadWith = (overrides: SiteOverrides) => loadProfile(folder, overrides)
  const problems = playGolden(loaded.value, text, loadWith).map(
    ({ line, message }) => `${path}${line ? `:${line}` : ''}  ${message}`,
  )
  for (const variant of [undefined, ...loaded.value.variants.map(({ name }) => name)]) {
    const inForce = loadWith(variant === undefined ? {} : { variant })
    if (!inForce.ok) {
      problems.push(inForce.error.detail)
      continue
    }
    const where = variant === undefined ? folder : `${folder} (variant ${variant})`
    for (const message of [...checkRoundTrips(inForce.value), ...checkDisturbances(inForce.value)]) {
      problems.push(`${where}  ${message}`)
    }
  }
  if (problems.length === 0) return loaded
  return { ok: false, error: { code: 'profile-not-proven', detail: problems.join('\n') } }
}
