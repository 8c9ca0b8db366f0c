import type { Chunk, TraceLine } from './trace.ts'

/** One question and what came until the next one. */
export interface Exchange {
  readonly atMs: number
  readonly query: Uint8Array
  readonly answer: readonly Chunk[]
}

/** One face that was held down, and what the pad answered meanwhile and until it was up again. */
export interface PolledPress {
  /** 0 is the face asked for first, the best. */
  readonly key: number
  readonly exchanges: readonly Exchange[]
}

/** Everything that learning a pad which has to be asked is based on. */
export interface HeardPolls {
  readonly presses: readonly PolledPress[]
  readonly idle: readonly Exchange[]
}

/** What comes later than this after a question is no answer to it. */
const ANSWER_MS_MAX = 1000
/** A pad that is asked for its keys is asked at least so often for each press. */
const QUESTIONS_PER_PRESS_MIN = 2

/**
 * The conversation in a trace with marks; null where the pad spoke by itself, or was asked too seldom to be a pad
 * that is asked for its keys.
 */
export function dividePolls(lines: readonly TraceLine[]): HeardPolls | null {
  const presses: (PolledPress & { exchanges: Exchange[] })[] = []
  const idle: Exchange[] = []
  let into = idle
  let last: (Exchange & { answer: Chunk[] }) | null = null
  let questions = 0
  for (const line of lines) {
    if (line.kind === 'to-pad') {
      last = { atMs: line.atMs, query: line.bytes, answer: [] }
      into.push(last)
      questions += 1
    } else if (line.kind === 'from-pad') {
      if (!last || line.atMs - last.atMs > ANSWER_MS_MAX) return null
      last.answer.push({ atMs: line.atMs, bytes: line.bytes })
    } else if (line.kind === 'mark' && line.mark.kind === 'idle') into = idle
    else if (line.kind === 'mark' && line.mark.kind === 'key') {
      into = []
      presses.push({ key: line.mark.key - 1, exchanges: into })
    }
  }
  const isAsked = idle.length > 0 && presses.length > 0 && questions >= presses.length * QUESTIONS_PER_PRESS_MIN
  return isAsked ? { presses, idle } : null
}

/** The bytes of an answer in one piece. */
export function bytesOfAnswer({ answer }: Exchange): Uint8Array {
  return Uint8Array.from(Buffer.concat(answer.map(({ bytes }) => bytes)))
}
