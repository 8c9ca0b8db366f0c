import { existsSync } from 'node:fs'
import { FAKETIME } from '#scripts/campaign/machine.ts'

/**
 * The environment of a process whose wall clock starts at this time (UTC) and goes on from there; the monotonic
 * clock is the machine's. Undefined where the package faketime is not installed.
 */
export function fakeTime(start: string): NodeJS.ProcessEnv | undefined {
  if (!existsSync(FAKETIME)) return undefined
  return { LD_PRELOAD: FAKETIME, FAKETIME: `@${start}`, FAKETIME_DONT_FAKE_MONOTONIC: '1', TZ: 'UTC' }
}
