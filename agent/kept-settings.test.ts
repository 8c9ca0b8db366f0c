import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadProfile, PROFILE_FILE } from './pad/load-profile.ts'
import { builtInProfiles } from './windows.ts'

const profiles = readdirSync(builtInProfiles(), { withFileTypes: true }).filter(entry => entry.isDirectory())

test.each(profiles.map(({ name }) => name))(
  'the profile %s is plain data: kept for the next start it comes back the same',
  name => {
    const loaded = loadProfile(join(builtInProfiles(), name))
    if (!loaded.ok) throw new Error(`${PROFILE_FILE}: ${loaded.error.detail}`)
    expect(JSON.parse(JSON.stringify(loaded.value))).toStrictEqual(loaded.value)
  },
)
