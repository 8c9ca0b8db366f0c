import type { Clock } from '#protocol/clock.ts'
import type { EntryBody } from '#protocol/entry.ts'
import { type SealedGrades, type Sealer, sealingContext } from '#protocol/sealing.ts'
import {
  type Effect,
  IDLE,
  type Ignored,
  type SessionInput,
  type SessionRules,
  type SessionState,
  step,
} from './session.ts'

/** What the runner needs from the journal: an append that is on disk when it returns, or throws. */
export interface SessionJournal {
  append(kind: 'prompt', body: EntryBody<'prompt'>): void
  append(kind: 'outcome', body: EntryBody<'outcome'>): void
  append(kind: 'rating' | 'correction', body: EntryBody<'rating'>): void
}

export interface SessionRunner {
  state(): SessionState
  /** When the machine's timer is due, monotonic ms; undefined when none runs. */
  timerDueMonoMs(): number | undefined
  /**
   * Feeds one input; inputs are taken one after another. Resolves when its effects are done, with
   * the reason if it changed nothing. Rejects when an effect failed: the promise of the pad cannot
   * be kept then, and the owner must take the window out of service.
   */
  accept(input: SessionInput): Promise<{ ignored?: Ignored }>
  stop(): void
}

/** Performs what `step` decides, in order, and stops at the first effect that fails: thanks cannot precede the append. */
export function createSessionRunner(deps: {
  clock: Clock
  journal: SessionJournal
  sealer: Sealer
  box: string
  rules: SessionRules
  provenance: 'pad' | 'screen'
  /** `clerk`: who serves, to be shown before the question; left out where nobody knows. */
  show(intent: 'ask' | 'thank' | 'idle', clerk?: string): void
  /** Called after every input that changed the state. */
  onChange(state: SessionState): void
  /** Resolves when what was pressed by now has been told: a press that waits to be read is not silence. */
  linesRead?(): Promise<void>
  /** Where a failure goes that no caller of `accept` waits for (the timer's). */
  onFailure(error: unknown): void
}): SessionRunner {
  const { clock, journal, sealer, box, provenance, linesRead = () => Promise.resolve() } = deps
  let state: SessionState = { pad: 'lost', phase: IDLE }
  let timer: { dueMonoMs: number; cancel(): void } | undefined
  let queue: Promise<unknown> = Promise.resolve()
  let sealed: Promise<SealedGrades> | undefined
  let cancelSealing = () => {}

  async function perform(effect: Effect): Promise<void> {
    switch (effect.kind) {
      case 'record':
        if (effect.entry === 'prompt') {
          journal.append('prompt', effect.body)
          void sealAhead(effect.body.prompt)
        } else {
          journal.append('outcome', effect.body)
        }
        return
      case 'record-rating': {
        const { prompt, grade } = effect
        const grades = await (sealed ?? sealAhead(prompt.id))
        journal.append(effect.entry, { prompt: prompt.id, provenance, sealed: grades.of(grade) })
        grades.forget()
        sealed = undefined
        // For a correction, and only when this press is through: sealing takes the processor.
        cancelSealing = clock.after(0, () => void sealAhead(prompt.id))
        return
      }
      case 'show':
        deps.show(effect.intent, 'clerk' in effect ? effect.clerk : undefined)
        return
      case 'start-timer':
        startTimer(effect.delayMs)
        return
      case 'stop-timer':
        stopTimer()
    }
  }

  /** Seals every grade before anybody presses: a press costs the same, and the same time, whichever it is. */
  function sealAhead(prompt: Uint8Array): Promise<SealedGrades> {
    cancelSealing()
    const ahead = sealer.sealGrades(provenance, sealingContext(box, prompt))
    // What nobody pressed is wiped; a failure to seal is met where the press waits for it.
    sealed?.then(grades => grades.forget()).catch(() => {})
    ahead.catch(() => {})
    sealed = ahead
    return ahead
  }

  function startTimer(delayMs: number) {
    stopTimer()
    const own = { dueMonoMs: clock.monoMs() + delayMs, cancel: () => {} }
    const fire = () =>
      enqueue(async () => {
        // A press that was queued before the timer may have replaced it.
        if (timer !== own) return { ignored: 'timer-late' as const }
        timer = undefined
        return await take({ kind: 'timer-fired' })
      })
    own.cancel = clock.after(delayMs, () => {
      linesRead().then(fire).catch(deps.onFailure)
    })
    timer = own
  }

  function stopTimer() {
    timer?.cancel()
    timer = undefined
  }

  async function take(input: SessionInput): Promise<{ ignored?: Ignored }> {
    const decided = step(state, input, deps.rules)
    if ('ignored' in decided) return decided
    for (const effect of decided.effects) await perform(effect)
    state = decided.state
    deps.onChange(state)
    return {}
  }

  function enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work)
    queue = done.catch(() => {})
    return done
  }

  return {
    state: () => state,
    timerDueMonoMs: () => timer?.dueMonoMs,
    accept: input => enqueue(() => take(input)),
    stop() {
      cancelSealing()
      stopTimer()
    },
  }
}
