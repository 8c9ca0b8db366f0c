import type { KeyObject } from 'node:crypto'
import type { Clock } from '#protocol/clock.ts'
import type { Presence } from '#protocol/presence.ts'
import { signTimeAnswer } from '#protocol/time-answer.ts'

/** The signed time for a box that asks in its status; undefined for one that does not, or has gone. */
export function answerQuestion(
  deps: { clock: Clock; signingKey: KeyObject },
  box: string,
  { online, question }: Presence,
): Uint8Array | undefined {
  if (!online || !question) return undefined
  return signTimeAnswer({ version: 1, box, question, at: deps.clock.wallMs() }, deps.signingKey)
}
