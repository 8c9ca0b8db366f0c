import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { fromHex, toHex } from '#protocol/codec.ts'
import type { CancelReason, Entry, EntryBody, PromptOrigin, ServiceRef } from '#protocol/entry.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Sealer } from '#protocol/sealing.ts'
import { type Counts, createPromptBook, isSameService, type PromptView } from './prompt-book.ts'
import type { SessionJournal } from './runner.ts'
import type { Ignored, PadCondition, SessionRules } from './session.ts'
import { createWindowDesk, type DeskWindow, type WindowDesk } from './window-desk.ts'

export interface WindowView {
  window: string
  /** `reason`: why the line is lost, as `port-busy`. */
  pad: { state: PadCondition; reason?: string; profile: string }
  session: {
    state: 'idle' | 'waiting' | 'thanked'
    prompt?: string
    for?: ServiceRef
    openedAtMs?: number
    /** Time until the prompt is `timed-out`. */
    closesInMs?: number
  }
  last?: PromptView
  today: Counts
}

export interface PromptOrder {
  /** May be left out where the box serves one window. */
  window?: string
  for?: ServiceRef
  clerk?: string
  origin: PromptOrigin
  /** Chosen by a business system, 16 bytes; otherwise the box makes one. */
  id?: Uint8Array
  /** Asked just before the prompt would open. Whoever has gone has perhaps asked again, for the next citizen. */
  isWanted?(): boolean
}

export type DeskFault = {
  code:
    | 'window-missing'
    | 'window-unknown'
    | 'service-already-rated'
    | 'no-room'
    | 'out-of-service'
    | 'prompt-unknown'
    | 'prompt-finished'
  detail: string
}

/** Why no prompt was opened; `asker-gone`: nobody is there to be told. */
export type PromptFault = DeskFault | { code: 'asker-gone'; detail: string }

/** The windows of this box: where prompts are asked for, and what became of them. */
export interface Desk {
  /** Opens a prompt. Asking again for the service that is being asked for gives that prompt, `isNew` false. */
  prompt(order: PromptOrder): Promise<Result<{ prompt: PromptView; isNew: boolean }, PromptFault>>
  cancel(id: string, reason: CancelReason, note?: string): Promise<Result<PromptView, DeskFault>>
  find(id: string): PromptView | undefined
  windows(): WindowView[]
  window(window: string): Pick<WindowDesk, 'pressed' | 'touched' | 'declined' | 'held' | 'padChanged' | 'padAlive'>
  /** Whether a press on this window's pad can mean anything now. */
  isArmed(window: string): boolean
  /** Nothing can be recorded any more: every prompt is refused from now on. */
  takeOutOfService(): void
  /** There is no room for another rating, or there is again; a prompt that is open goes on. */
  roomChanged(isShort: boolean): void
  stop(): void
}

export interface DeskJournal extends SessionJournal {
  append(kind: 'prompt', body: EntryBody<'prompt'>): unknown
  append(kind: 'outcome', body: EntryBody<'outcome'>): unknown
  append(kind: 'rating' | 'correction', body: EntryBody<'rating'>): unknown
  append(kind: 'pad', body: EntryBody<'pad'>): unknown
  hasRoom(): boolean
}

const OUT_OF_SERVICE = 'the box cannot write its journal'

export function createDesk(deps: {
  clock: Clock
  randomBytes: RandomBytes
  journal: DeskJournal
  sealer: Sealer
  box: string
  rules: SessionRules
  windows: readonly DeskWindow[]
  /** Resolves when what was pressed by now has been told, on every line. */
  linesRead?(): Promise<void>
  /** Entries already in the journal, newest first. */
  past: Iterable<Entry>
  onChange(): void
  onIgnored(window: string, reason: Ignored): void
  /** A prompt was asked for and not opened. */
  onRefused?(code: PromptFault['code']): void
  /** An effect failed: the box can no longer keep its promise. */
  onFatal(error: unknown): void
}): Desk {
  const { clock, journal } = deps
  const book = createPromptBook({ clock, past: deps.past })
  let isOutOfService = false
  let hasNoRoom = false

  /** The book sees an entry when, and only when, it is on disk. */
  const watched: SessionJournal = {
    append(kind, body) {
      journal.append(kind as 'prompt', body as EntryBody<'prompt'>)
      book.note({ kind, body } as Entry, clock.wallMs())
    },
  }

  const desks = new Map(
    deps.windows.map(own => [
      own.window,
      createWindowDesk(own, {
        ...deps,
        journal: watched,
        recordPad: (window, state, reason) => journal.append('pad', { window, state, ...(reason && { reason }) }),
        onFatal: fatal,
      }),
    ]),
  )

  function fatal(error: unknown) {
    close()
    deps.onFatal(error)
  }

  /** A pad that asked for what can no longer be written would be a promise. */
  function close() {
    isOutOfService = true
    for (const { own } of desks.values()) own.show('idle')
  }

  function choose(window: string | undefined): Result<WindowDesk, DeskFault> {
    const known = [...desks.keys()].join(', ')
    const only = desks.size === 1 ? [...desks.values()][0] : undefined
    if (window === undefined && !only) return fail('window-missing', `this box serves several windows: ${known}`)
    const desk = window === undefined ? only : desks.get(window)
    return desk ? ok(desk) : fail('window-unknown', `this box serves: ${known}`)
  }

  /** Why a prompt for this service cannot be opened now; undefined when it can. */
  function refusal(service: ServiceRef | undefined): DeskFault | undefined {
    if (service && book.isRated(service)) {
      return { code: 'service-already-rated', detail: 'this service of this case was already rated at this box' }
    }
    if (!journal.hasRoom()) return { code: 'no-room', detail: 'the disk has no room for another rating' }
    return undefined
  }

  async function open(order: PromptOrder): Promise<Result<{ prompt: PromptView; isNew: boolean }, PromptFault>> {
    // It was pressed before this prompt: it goes to the one before, or to nobody.
    await deps.linesRead?.()
    if (order.isWanted?.() === false) return fail('asker-gone', 'whoever asked has gone')
    const chosen = choose(order.window)
    if (!chosen.ok) return chosen
    if (isOutOfService) return fail('out-of-service', OUT_OF_SERVICE)
    const { own, runner } = chosen.value
    const { phase } = runner.state()
    if (order.for && phase.kind === 'asking' && phase.prompt.for && isSameService(phase.prompt.for, order.for)) {
      return ok({ prompt: book.find(toHex(phase.prompt.id))!, isNew: false })
    }
    const refused = refusal(order.for)
    if (refused) return { ok: false, error: refused }
    const id = order.id ?? deps.randomBytes(16)
    const known = book.find(toHex(id))
    if (known) return ok({ prompt: known, isNew: false })
    const { for: service, clerk, origin } = order
    try {
      const prompt = { id, ...(service && { for: service }) }
      await chosen.value.prompted({ kind: 'prompted', prompt, window: own.window, origin, ...(clerk && { clerk }) })
    } catch (error) {
      fatal(error)
      return fail('out-of-service', OUT_OF_SERVICE)
    }
    return ok({ prompt: book.find(toHex(id))!, isNew: true })
  }

  return {
    async prompt(order) {
      const opened = await open(order)
      if (!opened.ok) deps.onRefused?.(opened.error.code)
      return opened
    },
    async cancel(id, reason, note) {
      const desk = desks.get(book.find(id)?.window ?? '')
      if (!desk) return fail('prompt-unknown', 'this box has no such prompt')
      const { ignored } = await desk.runner.accept({
        kind: 'cancelled',
        prompt: fromHex(id),
        reason,
        ...(note && { note }),
      })
      return ignored ? fail('prompt-finished', 'the prompt has already ended') : ok(book.find(id)!)
    },
    find: id => book.find(id),
    windows: () => [...desks.values()].map(view),
    window: window => desks.get(window)!,
    isArmed: window => desks.get(window)!.runner.state().phase.kind !== 'idle',
    takeOutOfService() {
      close()
      deps.onChange()
    },
    roomChanged(isShort) {
      hasNoRoom = isShort
      deps.onChange()
    },
    stop() {
      for (const desk of desks.values()) desk.stop()
    },
  }

  function view({ own, runner, padReason }: WindowDesk): WindowView {
    const outage = isOutOfService ? 'journal-refused' : hasNoRoom ? 'no-room' : undefined
    const reason = outage ?? padReason()
    const { pad, phase } = runner.state()
    const open = phase.kind === 'idle' ? undefined : book.find(toHex(phase.prompt.id))
    const dueMonoMs = phase.kind === 'asking' ? runner.timerDueMonoMs() : undefined
    const last = book.lastFinished(own.window)
    return {
      window: own.window,
      pad: { state: outage ? 'out-of-service' : pad, ...(reason && { reason }), profile: own.profile },
      session: {
        state: phase.kind === 'asking' ? 'waiting' : phase.kind,
        ...(open && { prompt: open.id, openedAtMs: open.openedAtMs, ...(open.for && { for: open.for }) }),
        ...(dueMonoMs !== undefined && { closesInMs: Math.max(0, dueMonoMs - clock.monoMs()) }),
      },
      ...(last && { last }),
      today: book.today(own.window),
    }
  }
}
