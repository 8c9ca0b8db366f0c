import type { Clock } from '#protocol/clock.ts'

/** A clock that moves only when told: timers fire in due order, ties in creation order, also those made on the way. */
export interface FakeClock extends Clock {
  advance(ms: number): void
  /** Moves the wall clock without touching the monotonic one. */
  jumpWall(ms: number): void
  timers(): number
}

export function createFakeClock(startWallMs = Date.UTC(2026, 10, 24, 2)): FakeClock {
  let monoMs = 1000
  let wallOffsetMs = startWallMs - monoMs
  let next = 0
  const timers = new Map<number, { dueMonoMs: number; then: () => void }>()

  function earliest(untilMonoMs: number) {
    return [...timers]
      .filter(([, t]) => t.dueMonoMs <= untilMonoMs)
      .sort(([a, x], [b, y]) => x.dueMonoMs - y.dueMonoMs || a - b)[0]
  }

  return {
    boot: new Uint8Array(16).fill(7),
    wallMs: () => monoMs + wallOffsetMs,
    monoMs: () => monoMs,
    isSynced: () => true,
    after(delayMs, then) {
      const id = next++
      timers.set(id, { dueMonoMs: monoMs + delayMs, then })
      return () => void timers.delete(id)
    },
    advance(ms) {
      const untilMonoMs = monoMs + ms
      for (let due = earliest(untilMonoMs); due; due = earliest(untilMonoMs)) {
        const [id, timer] = due
        timers.delete(id)
        monoMs = Math.max(monoMs, timer.dueMonoMs)
        timer.then()
      }
      monoMs = untilMonoMs
    },
    jumpWall(ms) {
      wallOffsetMs += ms
    },
    timers: () => timers.size,
  }
}
