import type { Clock } from '#protocol/clock.ts'
import { driftMs } from '#protocol/drift.ts'
import type { EntryBody, EntryTime } from '#protocol/entry.ts'
import type { CollectorTime } from './collector-time.ts'

/**
 * Writes down what the true time is, seldom. An anchor is an entry, and its receipt brings the time again: so
 * one is written only when this run has none, when it says materially more than what drift has left of the
 * last one, or when the clocks have moved against each other since; and never more than a few a day. It is
 * written only when the collector has spoken: a silent box stays silent.
 */
export interface Anchors {
  /** The collector's time has just become known, or known better. */
  consider(source: EntryBody<'anchor'>['source']): void
}

/** A bound that is worse by so much is worth an entry; drift alone takes 33 hours to get there. */
const WORTH_MS = 60_000
const A_DAY_MS = 24 * 60 * 60 * 1000
const ANCHORS_A_DAY_MAX = 6

interface Written {
  monoMs: number
  truthWallMs: number
  errorMs: number
  /** What the wall clock was ahead of the monotonic one. */
  wallAheadMs: number
}

export function createAnchors(deps: {
  clock: Clock
  collectorTime: Pick<CollectorTime, 'at'>
  append(body: (time: EntryTime) => EntryBody<'anchor'>): void
}): Anchors {
  const { clock, collectorTime } = deps
  let written: Written[] = []
  let heardMonoMs = Number.NEGATIVE_INFINITY

  function isWorthIt(): boolean {
    const monoMs = clock.monoMs()
    const now = collectorTime.at(monoMs)
    // An old word shown again says nothing new.
    if (!now || now.sinceMonoMs <= heardMonoMs) return false
    heardMonoMs = now.sinceMonoMs
    const last = written.at(-1)
    if (!last) return true
    written = [...written.slice(0, -1).filter(anchor => anchor.monoMs > monoMs - A_DAY_MS), last]
    if (written.length >= ANCHORS_A_DAY_MAX) return false
    const elapsedMs = monoMs - last.monoMs
    const boundMs = last.errorMs + driftMs(elapsedMs)
    if (boundMs - now.errorMs > WORTH_MS) return true
    // The collector's clock was set, or this machine stood still and did not count it.
    if (Math.abs(now.wallMs - (last.truthWallMs + elapsedMs)) > boundMs + now.errorMs) return true
    return Math.abs(clock.wallMs() - monoMs - last.wallAheadMs) > WORTH_MS
  }

  return {
    consider(source) {
      if (!isWorthIt()) return
      deps.append(({ mono, wall }) => {
        const truth = collectorTime.at(mono)!
        written.push({
          monoMs: mono,
          truthWallMs: truth.wallMs,
          errorMs: truth.errorMs,
          wallAheadMs: wall - mono,
        })
        return { truth: truth.wallMs, errorMs: truth.errorMs, source }
      })
    },
  }
}
