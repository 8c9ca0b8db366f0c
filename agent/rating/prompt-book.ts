import type { Clock } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'
import type { Entry, ServiceRef } from '#protocol/entry.ts'
import { OUTCOMES, type Outcome } from '#protocol/grades.ts'

/** What a clerk may know of a prompt: that it ended and how, never the grade. */
export interface PromptView {
  /** 32 hex digits. */
  id: string
  window: string
  for?: ServiceRef
  clerk?: string
  state: 'waiting' | 'finished'
  outcome?: Outcome
  reason?: string
  openedAtMs: number
  closedAtMs?: number
}

export type Counts = { prompts: number } & Record<Outcome, number>

/** The latest prompts of this box as a clerk may see them. Follows the journal's entries and nothing else. */
export interface PromptBook {
  /** One entry was written; those that say nothing of a prompt are passed over. */
  note(entry: Pick<Entry, 'kind' | 'body'>, atWallMs: number): void
  find(id: string): PromptView | undefined
  /** The prompt of this window that ended last. */
  lastFinished(window: string): PromptView | undefined
  isRated(service: ServiceRef): boolean
  today(window: string): Counts
}

/** How many prompts are kept for the clerk's questions; the journal keeps them all. */
const PROMPTS_MAX = 2000
/** The day of a Chinese hall, wherever the machine thinks it is: one zone, no summer time. */
const SHANGHAI_OFFSET_MS = 8 * 3_600_000
const DAY_MS = 86_400_000

/** `past` holds entries already in the journal, newest first: counts and what was rated outlive a restart. */
export function createPromptBook(deps: { clock: Clock; past: Iterable<Entry> }): PromptBook {
  const prompts = new Map<string, PromptView>()
  const rated = new Set<string>()

  function note(entry: Pick<Entry, 'kind' | 'body'>, atWallMs: number) {
    const { kind, body } = entry as Entry
    if (kind === 'prompt') {
      const { prompt, window, for: service, clerk } = body
      remember({
        id: toHex(prompt),
        window,
        ...(service && { for: service }),
        ...(clerk && { clerk }),
        state: 'waiting',
        openedAtMs: atWallMs,
      })
    } else if (kind === 'outcome') {
      close(toHex(body.prompt), { outcome: body.outcome, ...(body.reason && { reason: body.reason }) }, atWallMs)
    } else if (kind === 'rating') {
      close(toHex(body.prompt), { outcome: 'rated' }, atWallMs)
    }
  }

  function remember(view: PromptView) {
    prompts.set(view.id, view)
    if (prompts.size <= PROMPTS_MAX) return
    const oldest = prompts.values().next().value!
    prompts.delete(oldest.id)
    if (oldest.for) rated.delete(serviceKey(oldest.for))
  }

  function close(id: string, end: { outcome: Outcome; reason?: string }, atWallMs: number) {
    const view = prompts.get(id)
    if (!view) return
    prompts.set(id, { ...view, ...end, state: 'finished', closedAtMs: atWallMs })
    if (end.outcome === 'rated' && view.for) rated.add(serviceKey(view.for))
  }

  const past: Entry[] = []
  for (const entry of deps.past) {
    if (past.push(entry) >= PROMPTS_MAX) break
  }
  for (const entry of past.reverse()) note(entry, entry.time.wall)

  return {
    note,
    find: id => prompts.get(id),
    lastFinished: window => [...prompts.values()].findLast(view => view.window === window && view.state === 'finished'),
    isRated: service => rated.has(serviceKey(service)),
    today(window) {
      const counts = { prompts: 0, ...Object.fromEntries(OUTCOMES.map(outcome => [outcome, 0])) } as Counts
      const today = dayOf(deps.clock.wallMs())
      for (const view of prompts.values()) {
        if (view.window !== window || dayOf(view.openedAtMs) !== today) continue
        counts.prompts += 1
        if (view.outcome) counts[view.outcome] += 1
      }
      return counts
    },
  }
}

export function isSameService(a: ServiceRef, b: ServiceRef): boolean {
  return a.case === b.case && a.service === b.service
}

function serviceKey(service: ServiceRef): string {
  return `${service.case}\n${service.service}`
}

function dayOf(wallMs: number): number {
  return Math.floor((wallMs + SHANGHAI_OFFSET_MS) / DAY_MS)
}
