import type { PanelState } from '#agent/panel/app.ts'
import type { ServiceRef } from '#protocol/entry.ts'
import type { Outcome } from '#protocol/grades.ts'

export type WindowState = PanelState['windows'][number]
type LastPrompt = NonNullable<WindowState['last']>
type PadState = WindowState['pad']['state']

/** What the big state of a window says. Never which grade: the page does not know it. */
export type Stage =
  | { kind: 'idle' }
  | { kind: 'pad-fault'; pad: Exclude<PadState, 'ready'>; reason?: string }
  | { kind: 'waiting'; prompt: string; for?: ServiceRef }
  | { kind: 'rated'; for?: ServiceRef }
  | { kind: 'declined' | 'timed-out' | 'pad-unavailable'; for?: ServiceRef }
  | { kind: 'cancelled'; for?: ServiceRef; reason?: string }

/** How long an outcome stays the big state before the page is ready for the next citizen. */
export const OUTCOME_SHOWN_MS = 15_000

/**
 * Decides the big state of one window.
 *
 * `freshPrompt` is the prompt whose outcome has just come in and is still being shown; an outcome from before
 * the page was opened is history and belongs in the last line only.
 */
export function stageOf(window: WindowState, freshPrompt: string | undefined): Stage {
  const { session, last, pad } = window
  if (session.state === 'waiting') return { kind: 'waiting', prompt: session.prompt ?? '', ...caseOf(session) }
  if (session.state === 'thanked') return { kind: 'rated', ...caseOf(session) }
  if (last?.outcome && last.id === freshPrompt) return endOf(last, last.outcome)
  if (pad.state !== 'ready') {
    return { kind: 'pad-fault', pad: pad.state, ...(pad.reason ? { reason: pad.reason } : {}) }
  }
  return { kind: 'idle' }
}

function endOf(last: LastPrompt, outcome: Outcome): Stage {
  if (outcome !== 'cancelled') return { kind: outcome, ...caseOf(last) }
  return { kind: 'cancelled', ...caseOf(last), ...(last.reason ? { reason: last.reason } : {}) }
}

function caseOf(source: { for?: ServiceRef }): { for?: ServiceRef } {
  return source.for ? { for: source.for } : {}
}

/** The prompt that ended between two states of a window, if one did. */
export function endedBetween(before: WindowState | undefined, after: WindowState): string | undefined {
  if (!before || !after.last) return undefined
  return after.last.id === before.last?.id ? undefined : after.last.id
}

/** The time left of a prompt, measured on the page's own monotonic clock: the box's wall clock may be wrong. */
export interface Countdown {
  prompt: string
  totalMs: number
  endsAtMonoMs: number
}

/** Takes over what a new state says about the time left; the whole span is the longest that was ever seen. */
export function nextCountdown(
  before: Countdown | undefined,
  window: WindowState,
  nowMonoMs: number,
): Countdown | undefined {
  const { state, prompt, closesInMs } = window.session
  if (state !== 'waiting' || prompt === undefined || closesInMs === undefined) return undefined
  const totalMs = before?.prompt === prompt ? Math.max(before.totalMs, closesInMs) : closesInMs
  return { prompt, totalMs, endsAtMonoMs: nowMonoMs + closesInMs }
}

/** The share of the time still left, 1 to 0, and the seconds to show. */
export function timeLeft(countdown: Countdown, nowMonoMs: number): { share: number; seconds: number } {
  const leftMs = Math.max(0, countdown.endsAtMonoMs - nowMonoMs)
  return {
    share: countdown.totalMs > 0 ? Math.min(1, leftMs / countdown.totalMs) : 0,
    seconds: Math.ceil(leftMs / 1000),
  }
}
