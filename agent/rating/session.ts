import type { CancelReason, EntryBody, PromptOrigin, ServiceRef } from '#protocol/entry.ts'
import type { Grade } from '#protocol/grades.ts'
import { unreachable } from '#protocol/result.ts'

/**
 * What one window does from prompt to outcome (评价会话), as a pure state machine. The states never
 * hold a grade: it passes through from the press to the effect that seals it.
 */

/**
 * Whether the window's pad can ask. Anything but `ready` turns a prompt into `pad-unavailable`; `out-of-service`
 * lasts until somebody changes the configuration.
 */
export type PadCondition = 'ready' | 'lost' | 'stuck-key' | 'out-of-service'

export interface PromptRef {
  /** 16 bytes. */
  id: Uint8Array
  for?: ServiceRef
}

export type Phase =
  | { kind: 'idle' }
  /** `clerk` serves, and is shown again on a pad that comes back. */
  | { kind: 'asking'; prompt: PromptRef; clerk?: string }
  /** The rating is on disk and the citizen was thanked; a second press still replaces the first. */
  | { kind: 'thanked'; prompt: PromptRef; corrections: number }

export interface SessionState {
  pad: PadCondition
  phase: Phase
}

export type SessionInput =
  | { kind: 'prompted'; prompt: PromptRef; window: string; origin: PromptOrigin; clerk?: string }
  /** `isFresh` is false for a key that is bouncing, repeating or held down. */
  | { kind: 'pressed'; grade: Grade; isFresh: boolean }
  /** The pad's own "no rating" key or code. */
  | { kind: 'declined' }
  | { kind: 'cancelled'; prompt: Uint8Array; reason: CancelReason; note?: string }
  | { kind: 'pad-changed'; condition: PadCondition }
  | { kind: 'timer-fired' }

export type Effect =
  | { kind: 'record'; entry: 'prompt'; body: EntryBody<'prompt'> }
  | { kind: 'record'; entry: 'outcome'; body: EntryBody<'outcome'> }
  /** Seal the grade, append, and only then go on to the next effect. */
  | { kind: 'record-rating'; entry: 'rating' | 'correction'; prompt: PromptRef; grade: Grade }
  /** Shows who serves, where that is known, and then asks. */
  | { kind: 'show'; intent: 'ask'; clerk?: string }
  | { kind: 'show'; intent: 'thank' | 'idle' }
  /** Replaces the machine's one timer. */
  | { kind: 'start-timer'; delayMs: number }
  | { kind: 'stop-timer' }

/** Why an input changed nothing. Each is counted under this name. */
export type Ignored =
  | 'press-without-prompt'
  | 'press-in-hold-off'
  | 'press-beyond-corrections'
  | 'decline-without-prompt'
  | 'decline-after-rating'
  | 'cancel-without-prompt'
  | 'cancel-after-rating'
  | 'pad-unchanged'
  | 'timer-late'

export type Step = { state: SessionState; effects: Effect[] } | { ignored: Ignored }

export interface SessionRules {
  /** How long the pad asks before the prompt is `timed-out`. */
  askMs: number
  /** How long after the first press a second one replaces it. */
  undoMs: number
  /** How many corrections one prompt may have: a bound on what a playing child can write. */
  correctionsMax: number
}

export const IDLE: Phase = { kind: 'idle' }

/** Decides what one input does to a session. Pure: the runner performs the effects in order. */
export function step(state: SessionState, input: SessionInput, rules: SessionRules): Step {
  switch (input.kind) {
    case 'prompted':
      return stepPrompted(state, input, rules)
    case 'pressed':
      return stepPressed(state, input, rules)
    case 'declined':
      if (state.phase.kind === 'idle') return { ignored: 'decline-without-prompt' }
      if (state.phase.kind === 'thanked') return { ignored: 'decline-after-rating' }
      return close(state, { prompt: state.phase.prompt.id, outcome: 'declined' })
    case 'cancelled':
      return stepCancelled(state, input)
    case 'pad-changed':
      return stepPadChanged(state, input.condition)
    case 'timer-fired':
      return stepTimerFired(state)
    default:
      return unreachable(input)
  }
}

/** A new prompt ends the one before it: the clerk has moved on to the next citizen. */
function stepPrompted(
  state: SessionState,
  input: Extract<SessionInput, { kind: 'prompted' }>,
  rules: SessionRules,
): Step {
  const { prompt, window, origin, clerk } = input
  const effects: Effect[] = []
  if (state.phase.kind === 'asking') {
    effects.push(outcome({ prompt: state.phase.prompt.id, outcome: 'cancelled', reason: 'replaced' }))
  }
  effects.push({
    kind: 'record',
    entry: 'prompt',
    body: {
      prompt: prompt.id,
      window,
      origin,
      ...(prompt.for ? { for: prompt.for } : {}),
      ...(clerk ? { clerk } : {}),
    },
  })
  if (state.pad !== 'ready') {
    effects.push(outcome({ prompt: prompt.id, outcome: 'pad-unavailable', reason: padReason(state.pad) }))
    effects.push({ kind: 'stop-timer' })
    return { state: { ...state, phase: IDLE }, effects }
  }
  const phase: Phase = { kind: 'asking', prompt, ...(clerk ? { clerk } : {}) }
  effects.push(ask(phase), { kind: 'start-timer', delayMs: rules.askMs })
  return { state: { ...state, phase }, effects }
}

function stepPressed(
  state: SessionState,
  { grade, isFresh }: Extract<SessionInput, { kind: 'pressed' }>,
  rules: SessionRules,
): Step {
  const { phase } = state
  if (phase.kind === 'idle') return { ignored: 'press-without-prompt' }
  if (!isFresh) return { ignored: 'press-in-hold-off' }
  if (phase.kind === 'asking') {
    return {
      state: { ...state, phase: { kind: 'thanked', prompt: phase.prompt, corrections: 0 } },
      effects: [
        { kind: 'record-rating', entry: 'rating', prompt: phase.prompt, grade },
        { kind: 'show', intent: 'thank' },
        { kind: 'start-timer', delayMs: rules.undoMs },
      ],
    }
  }
  if (phase.corrections >= rules.correctionsMax) return { ignored: 'press-beyond-corrections' }
  // The timer runs on: the undo window is counted from the first press, so it always closes.
  return {
    state: { ...state, phase: { ...phase, corrections: phase.corrections + 1 } },
    effects: [
      { kind: 'record-rating', entry: 'correction', prompt: phase.prompt, grade },
      { kind: 'show', intent: 'thank' },
    ],
  }
}

function stepCancelled(state: SessionState, input: Extract<SessionInput, { kind: 'cancelled' }>): Step {
  const { phase } = state
  if (phase.kind === 'idle' || Buffer.compare(phase.prompt.id, input.prompt) !== 0) {
    return { ignored: 'cancel-without-prompt' }
  }
  if (phase.kind === 'thanked') return { ignored: 'cancel-after-rating' }
  const { reason, note } = input
  return close(state, { prompt: phase.prompt.id, outcome: 'cancelled', reason, ...(note ? { note } : {}) })
}

/** A prompt survives a pad that goes and comes back: it is asked again within its old time limit. */
function stepPadChanged(state: SessionState, condition: PadCondition): Step {
  if (condition === state.pad) return { ignored: 'pad-unchanged' }
  const next = { ...state, pad: condition }
  if (condition !== 'ready') return { state: next, effects: [] }
  const { phase } = state
  if (phase.kind === 'asking') return { state: next, effects: [ask(phase)] }
  return { state: next, effects: [{ kind: 'show', intent: phase.kind === 'idle' ? 'idle' : 'thank' }] }
}

function stepTimerFired(state: SessionState): Step {
  const { phase } = state
  if (phase.kind === 'idle') return { ignored: 'timer-late' }
  if (phase.kind === 'thanked') {
    return { state: { ...state, phase: IDLE }, effects: [{ kind: 'show', intent: 'idle' }] }
  }
  // Nobody could have answered a pad that was not there: that is not the citizen's silence.
  if (state.pad !== 'ready') {
    return close(state, { prompt: phase.prompt.id, outcome: 'pad-unavailable', reason: padReason(state.pad) })
  }
  return close(state, { prompt: phase.prompt.id, outcome: 'timed-out' })
}

function close(state: SessionState, body: EntryBody<'outcome'>): Step {
  return {
    state: { ...state, phase: IDLE },
    effects: [outcome(body), { kind: 'show', intent: 'idle' }, { kind: 'stop-timer' }],
  }
}

function ask({ clerk }: { clerk?: string }): Effect {
  return { kind: 'show', intent: 'ask', ...(clerk ? { clerk } : {}) }
}

function outcome(body: EntryBody<'outcome'>): Effect {
  return { kind: 'record', entry: 'outcome', body }
}

function padReason(condition: PadCondition): string {
  return condition === 'lost' ? 'pad-lost' : condition
}
