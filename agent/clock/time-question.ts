import type { KeyObject } from 'node:crypto'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { isEqual } from '#protocol/codec.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { readTimeAnswer } from '#protocol/time-answer.ts'
import type { TimeWord } from './collector-time.ts'

/** Asks the collector for its time, once for each connection. */
export interface TimeQuestion {
  /** Makes a new question, for the status that is sent now; what was asked before is forgotten. */
  ask(): void
  /** The question that has no answer yet. */
  open(): Uint8Array | undefined
  /** The bytes of an answer, believed only when the collector signed it for the question that is open. */
  answered(bytes: Uint8Array): Result<TimeWord>
}

export function createTimeQuestion(deps: {
  clock: Clock
  randomBytes: RandomBytes
  box: string
  collectorKey: KeyObject
}): TimeQuestion {
  const { clock, box } = deps
  let open: { question: Uint8Array; monoMs: number } | undefined

  return {
    ask() {
      open = { question: deps.randomBytes(16), monoMs: clock.monoMs() }
    },
    open: () => open?.question,
    answered(bytes) {
      const answer = readTimeAnswer(bytes, deps.collectorKey)
      if (!answer.ok) return answer
      const { question, at } = answer.value
      if (!open || answer.value.box !== box || !isEqual(question, open.question)) {
        return fail('time-not-asked', 'the time answers another question than the one this box has open')
      }
      // The first answer says most; the same status may be answered again by a collector that starts later.
      const sinceMonoMs = open.monoMs
      open = undefined
      return ok({ atWallMs: at, sinceMonoMs })
    },
  }
}
