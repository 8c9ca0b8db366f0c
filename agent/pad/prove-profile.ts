import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ok, type Result } from '#protocol/result.ts'
import { GOLDEN_FILE, playGolden } from './golden.ts'
import { loadProfile, type ProfileFault } from './load-profile.ts'
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
  const path = join(folder, GOLDEN_FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return notProven([`${path}  cannot be read: ${code}`])
  }
  const golden = playGolden(loaded.value, text).map(
    ({ line, message }) => `${path}${line ? `:${line}` : ''}  ${message}`,
  )
  const problems = [...golden, ...checkRoundTrips(loaded.value).map(message => `${folder}  ${message}`)]
  return problems.length > 0 ? notProven(problems) : ok(loaded.value)
}

function notProven(problems: string[]): { ok: false; error: ProofFault } {
  return { ok: false, error: { code: 'profile-not-proven', detail: problems.join('\n') } }
}
