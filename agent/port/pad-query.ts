import type { Profile } from '#agent/pad/profile.ts'
import type { Clock } from '#protocol/clock.ts'
import type { CommandEnd, Ticket } from './line-queue.ts'

/** Asks a pad again and again: for its keys where it never speaks unasked, else whether it lives. */
export interface PadQuery {
  /** Asks once before the pad is set up; `isProven` is false for a model that cannot be asked. Silence ends in `onSilent`. */
  prove(then: (isProven: boolean) => void): void
  /** From now on asks by its intervals. */
  start(): void
  /** A frame came from the pad: it lives. */
  heard(): void
  /** A prompt was opened: the next question is due by the shorter interval. */
  hurry(): void
  stop(): void
}

const HOUR_MS = 3_600_000

export function createPadQuery(deps: {
  clock: Clock
  profile: Pick<Profile, 'poll' | 'health'>
  isArmed(): boolean
  send(command: string, onEnd: (how: CommandEnd) => void): Ticket
  /** It did not answer as often as the profile allows. */
  onSilent(): void
  /** It has answered, and an hour has passed since this was said. */
  onAlive(): void
}): PadQuery {
  const { clock } = deps
  const { poll, health } = deps.profile
  const command = poll?.command ?? health?.command
  const failuresMax = poll?.failuresMax ?? health?.failuresMax ?? 0
  let failures = 0
  let aliveToldMonoMs = 0
  let lastMonoMs = 0
  let isRunning = false
  let cancelTimer = () => {}
  let cancelSend = () => {}

  const intervalMs = () => (poll ? (deps.isArmed() ? poll.armedMs : poll.idleMs) : (health?.everyMs ?? 0))

  function schedule() {
    if (!isRunning || command === undefined) return
    cancelTimer()
    cancelTimer = clock.after(Math.max(0, lastMonoMs + intervalMs() - clock.monoMs()), () => ask(command))
  }

  function ask(own: string) {
    lastMonoMs = clock.monoMs()
    const ticket = deps.send(own, how => {
      cancelSend = () => {}
      if (how !== 'missing') lives()
      else failures += 1
      if (failures >= failuresMax) deps.onSilent()
      else schedule()
    })
    cancelSend = ticket.cancel
  }

  function lives() {
    failures = 0
    if (clock.monoMs() - aliveToldMonoMs < HOUR_MS) return
    aliveToldMonoMs = clock.monoMs()
    deps.onAlive()
  }

  function stop() {
    isRunning = false
    cancelTimer()
    cancelSend()
    cancelSend = () => {}
  }

  return {
    prove(then) {
      stop()
      if (command === undefined) return then(false)
      const ticket = deps.send(command, how => {
        cancelSend = () => {}
        if (how === 'missing') deps.onSilent()
        else then(true)
      })
      cancelSend = ticket.cancel
    },
    start() {
      failures = 0
      aliveToldMonoMs = clock.monoMs()
      lastMonoMs = clock.monoMs()
      isRunning = true
      schedule()
    },
    heard() {
      if (!isRunning || command === undefined) return
      lives()
      if (poll) return
      lastMonoMs = clock.monoMs()
      schedule()
    },
    hurry() {
      if (poll) schedule()
    },
    stop,
  }
}
