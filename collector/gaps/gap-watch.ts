import type { Kysely } from 'kysely'
import type { Arrival, GapAttempt } from '#collector/ingest/work.ts'
import type { GapView } from '#collector/schemas.ts'
import type { Tables } from '#collector/store/tables.ts'
import type { Clock } from '#protocol/clock.ts'
import { createGapList, type GapRule } from './gap-list.ts'
import { listLostEntries, viewOpenGap } from './gap-views.ts'
import { createHoldings } from './holdings.ts'

/** What of the boxes' entries is missing, late or lost. */
export interface GapWatch {
  mayPass(attempt: GapAttempt): boolean
  arrived(arrival: Arrival): void
  /** A box says that it holds so many entries without a receipt. */
  said(box: string, entries: number): void
  /** Nothing is expected from a box any more. */
  forget(box: string): void
  stalledSinceMs(box: string): number | undefined
  /** Open ones first, then what is lost, newest first. */
  list(): Promise<GapView[]>
  listLost(boxes: readonly string[]): Promise<GapView[]>
  counts(): Promise<{ open: number; lost: number; unexplained: number; stalled: number }>
  stop(): void
}

export function createGapWatch(deps: {
  db: Kysely<Tables>
  clock: Clock
  rule?: GapRule
  onGap(gap: GapView): void
  onBox(box: string): void
}): GapWatch {
  const { db, clock } = deps
  const gaps = createGapList({ clock, ...(deps.rule ? { rule: deps.rule } : {}) })
  const holdings = createHoldings({ clock, onChanged: deps.onBox })

  return {
    mayPass: gaps.mayPass,
    arrived(arrival) {
      const { box, newest, committed, place } = arrival
      holdings.arrived(box, newest - committed, place === 'follows')
      const changed = gaps.arrived(arrival)
      if (changed) deps.onGap(viewOpenGap(changed.gap, changed.isClosed))
    },
    said: holdings.said,
    forget: holdings.forget,
    stalledSinceMs: holdings.stalledSinceMs,
    async list() {
      return [...gaps.open().map(gap => viewOpenGap(gap, false)), ...(await listLostEntries(db))]
    },
    listLost: boxes => listLostEntries(db, boxes),
    async counts() {
      const lost = await listLostEntries(db)
      return {
        open: gaps.open().length,
        lost: lost.length,
        unexplained: lost.filter(({ explained }) => !explained).length,
        stalled: holdings.stalled().length,
      }
    },
    stop: holdings.stop,
  }
}
