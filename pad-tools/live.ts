import type { Profile } from '#agent/pad/profile.ts'
import { ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import type { LearntLine } from './draft-profile.ts'
import { PRESSES_PER_KEY } from './heard.ts'
import type { LearnOptions, Learnt } from './learn.ts'
import type { ScoredLine } from './line-settings.ts'
import type { PortOpener } from './open-port.ts'
import type { LearnRefusal } from './refusals.ts'
import type { TraceLine } from './trace.ts'

/** The person at the pad, as far as learning needs one. */
export interface Person {
  say(text: Text): void
}

/** How long to wait; a person is slow, a test is not. */
export interface Patience {
  /** For the first byte of a press. */
  pressMs: number
  /** Without a byte: the press is over. */
  stillMs: number
  /** A pad that repeats for ever ends here. */
  pressMsMax: number
  /** Under one setting, while the speed is looked for. */
  listenMs: number
  /** For the first byte of an answer. */
  answerMs: number
}

export const PATIENCE: Patience = { pressMs: 15_000, stillMs: 600, pressMsMax: 4000, listenMs: 3500, answerMs: 150 }

export interface LearntLive {
  learnt: Learnt
  line: LearntLine
  trace: readonly TraceLine[]
  /** Settings that one key cannot tell from the chosen one. */
  rivals: readonly ScoredLine[]
}

export type LiveFault = LearnRefusal | { code: string; detail: string }

export interface LiveDeps {
  open: PortOpener
  person: Person
  patience: Patience
  random(): number
  options: Omit<LearnOptions, 'line'>
  fixed: { baud?: number; parity?: LearntLine['parity'] }
  /** What the pad's address is set to, and what the person will set it to for the last press. */
  addresses: readonly number[]
  /** Whose harmless queries may be sent to a pad that does not speak by itself. */
  profiles: readonly Profile[]
  /** Queries from the maker's manual; where there are some, no other is sent. */
  queries: readonly Uint8Array[]
}

const ROUNDS_AGAIN_MAX = 2

/** Learns from what was heard; asks for the faces again that were not clear, a few times. */
export async function learnInRounds(
  deps: Pick<LiveDeps, 'person'> &
    Omit<LearntLive, 'learnt'> & { askPress(key: number): Promise<void>; isOpen(): boolean },
  learn: () => Result<Learnt, LearnRefusal>,
): Promise<Result<LearntLive, LiveFault>> {
  const { line, trace, rivals } = deps
  for (let round = 0; ; round++) {
    const learnt = learn()
    if (learnt.ok) return ok({ learnt: learnt.value, line, trace, rivals })
    if (learnt.error.keys.length === 0 || round >= ROUNDS_AGAIN_MAX || !deps.isOpen()) return learnt
    deps.person.say(learnt.error.needs)
    for (const key of learnt.error.keys) await deps.askPress(key)
  }
}

/** Every face three times from the best to the worst, then once in another order. */
export function pressOrder({ options, random }: Pick<LiveDeps, 'options' | 'random'>): number[] {
  const keys = options.grades.map((_, key) => key)
  const shuffled = keys
    .map(key => ({ key, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ key }) => key)
  return [...keys.flatMap(key => Array.from({ length: PRESSES_PER_KEY }, () => key)), ...shuffled]
}
