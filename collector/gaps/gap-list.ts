import type { Arrival, GapAttempt } from '#collector/ingest/work.ts'
import type { Clock } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'

/** Entries that a box has not sent, though it has sent later ones. */
export interface OpenGap {
  box: string
  /** Hex. */
  epoch: string
  from: number
  to: number
  sinceMs: number
  /** How often in a row the box has sent the same thing behind it. */
  attempts: number
}

/** When a gap is given up: so many times the same, at least so long, and no pause longer than this. */
export interface GapRule {
  attemptsMin: number
  lastsMsMin: number
  pauseMsMax: number
}

/**
 * A box that still has the entries goes back at the first receipt, within seconds; one that has them no more
 * repeats itself at 5, 10, 20 … 300 seconds. Ten minutes and six times the same leave no doubt; a pause of
 * more than an hour starts the count anew.
 */
export const GAP_RULE: GapRule = { attemptsMin: 6, lastsMsMin: 10 * 60 * 1000, pauseMsMax: 60 * 60 * 1000 }

/** Gaps shown at once; a box can make epochs as it likes, and must not fill the memory. */
const GAPS_MAX = 1000

/** What is missing and still expected. In memory: a box that has a gap shows it again at its next batch. */
export interface GapList {
  /** Whether the batch behind this gap is to be taken now, though the entries never came. Changes nothing. */
  mayPass(attempt: GapAttempt): boolean
  /** Takes in where a batch found its chain. Gives the gap that opened, lasted or closed by it. */
  arrived(arrival: Arrival): { gap: OpenGap; isClosed: boolean } | undefined
  open(): OpenGap[]
}

interface Watched extends OpenGap {
  firstMonoMs: number
  lastMonoMs: number
}

export function createGapList(deps: { clock: Clock; rule?: GapRule }): GapList {
  const { clock, rule = GAP_RULE } = deps
  const gaps = new Map<string, Watched>()

  /** The gap as it was tried last, if this is the same again and soon enough. */
  function sameAgain(key: string, from: number, to: number): Watched | undefined {
    const gap = gaps.get(key)
    if (!gap || gap.from !== from || gap.to !== to) return undefined
    return clock.monoMs() - gap.lastMonoMs <= rule.pauseMsMax ? gap : undefined
  }

  function lasts(key: string, { box, epoch, committed, first }: Arrival): Watched {
    const [from, to] = [committed + 1, first - 1]
    const nowMonoMs = clock.monoMs()
    const same = sameAgain(key, from, to)
    const sinceMs = gaps.get(key)?.sinceMs ?? clock.wallMs()
    const gap = {
      box,
      epoch: toHex(epoch),
      from,
      to,
      sinceMs,
      attempts: (same?.attempts ?? 0) + 1,
      // After progress the box is trying anew, and its time begins anew.
      firstMonoMs: same && same.attempts > 0 ? same.firstMonoMs : nowMonoMs,
      lastMonoMs: nowMonoMs,
    }
    gaps.delete(key)
    gaps.set(key, gap)
    for (const oldest of gaps.keys()) {
      if (gaps.size <= GAPS_MAX) break
      gaps.delete(oldest)
    }
    return gap
  }

  return {
    mayPass({ box, epoch, from, to }) {
      const gap = sameAgain(keyOf(box, epoch), from, to)
      if (!gap) return false
      return gap.attempts + 1 >= rule.attemptsMin && clock.monoMs() - gap.firstMonoMs >= rule.lastsMsMin
    },
    arrived(arrival) {
      const key = keyOf(arrival.box, arrival.epoch)
      if (arrival.place === 'gap') return { gap: view(lasts(key, arrival)), isClosed: false }
      const gap = gaps.get(key)
      // What is repeated of what was there before fills nothing.
      if (!gap || arrival.committed < gap.from) return undefined
      if (arrival.committed >= gap.to) {
        gaps.delete(key)
        return { gap: view(gap), isClosed: true }
      }
      gap.from = arrival.committed + 1
      gap.attempts = 0
      return { gap: view(gap), isClosed: false }
    },
    open: () => [...gaps.values()].map(view),
  }
}

const keyOf = (box: string, epoch: Uint8Array) => `${box} ${toHex(epoch)}`

function view({ box, epoch, from, to, sinceMs, attempts }: Watched): OpenGap {
  return { box, epoch, from, to, sinceMs, attempts }
}
