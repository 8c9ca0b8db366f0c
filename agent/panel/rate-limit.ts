import type { Clock } from '#protocol/clock.ts'

/** Says whether a caller may go on: at most `perSecondMax` requests in any one second, by caller's name. */
export function createRateLimit(clock: Clock, perSecondMax: number): (caller: string) => boolean {
  let second = 0
  let counts = new Map<string, number>()
  return caller => {
    const now = Math.floor(clock.monoMs() / 1000)
    if (now !== second) {
      second = now
      counts = new Map()
    }
    const count = (counts.get(caller) ?? 0) + 1
    counts.set(caller, count)
    return count <= perSecondMax
  }
}
