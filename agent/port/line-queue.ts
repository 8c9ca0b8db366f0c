import type { Clock } from '#protocol/clock.ts'

/** How a command ended: nothing to wait for, answered, refused, or no answer after the last repeat. */
export type CommandEnd = 'sent' | 'answered' | 'refused' | 'missing'

/** What goes first when several wait: what a person sees, then setting a pad up, then asking how it is. */
export const RANKS = { show: 0, start: 1, query: 2 } as const

export interface LineCommand {
  rank: (typeof RANKS)[keyof typeof RANKS]
  /** Null where the pad answers nothing. */
  answer: { withinMs: number; retries: number } | null
  /** Writes it; called again for each repeat. */
  write(): void
  /** No answer came in time; it is repeated, or ends as `missing`. */
  onMissed(): void
  onEnd(how: CommandEnd): void
}

/** One command that waits or is in flight. */
export interface Ticket {
  /** Takes it back. One in flight is not repeated and not told of, but the line stays taken until its answer is due. */
  cancel(): void
  /** Its answer has come. */
  completed(how: 'answered' | 'refused'): void
}

export interface LineQueue {
  submit(command: LineCommand): Ticket
  /** Something was written past the queue: the next command keeps its distance from that too. */
  wrote(): void
  /** Forgets all commands: the line is gone. */
  clear(): void
}

interface Waiting {
  command: LineCommand
  isCancelled: boolean
  timesLeft: number
}

/** Lets the pads of one line speak one at a time: one command in flight, and the gap that they need between two. */
export function createLineQueue({ clock, gapMs }: { clock: Clock; gapMs: number }): LineQueue {
  let waiting: Waiting[] = []
  let current: Waiting | undefined
  let freeAtMonoMs = Number.NEGATIVE_INFINITY
  let cancelTimer = () => {}

  function next() {
    if (current || waiting.length === 0) return
    const restMs = freeAtMonoMs - clock.monoMs()
    cancelTimer()
    if (restMs > 0) {
      cancelTimer = clock.after(restMs, next)
      return
    }
    const first = waiting.reduce((best, one) => (one.command.rank < best.command.rank ? one : best))
    waiting = waiting.filter(one => one !== first)
    send(first)
  }

  function send(one: Waiting) {
    current = one
    one.command.write()
    freeAtMonoMs = clock.monoMs() + gapMs
    const { answer } = one.command
    if (!answer) return end(one, 'sent')
    // The pad may have answered while it was written to.
    if (current === one) cancelTimer = clock.after(answer.withinMs, () => missed(one))
  }

  function missed(one: Waiting) {
    one.command.onMissed()
    if (one.isCancelled || one.timesLeft === 0) return end(one, 'missing')
    one.timesLeft -= 1
    const restMs = freeAtMonoMs - clock.monoMs()
    if (restMs > 0) cancelTimer = clock.after(restMs, () => send(one))
    else send(one)
  }

  function end(one: Waiting, how: CommandEnd) {
    if (current !== one) return
    current = undefined
    cancelTimer()
    if (!one.isCancelled) one.command.onEnd(how)
    next()
  }

  return {
    submit(command) {
      const one: Waiting = { command, isCancelled: false, timesLeft: command.answer?.retries ?? 0 }
      waiting.push(one)
      next()
      return {
        cancel() {
          one.isCancelled = true
          waiting = waiting.filter(other => other !== one)
        },
        completed: how => end(one, how),
      }
    },
    wrote() {
      freeAtMonoMs = clock.monoMs() + gapMs
    },
    clear() {
      cancelTimer()
      waiting = []
      current = undefined
      freeAtMonoMs = Number.NEGATIVE_INFINITY
    },
  }
}
