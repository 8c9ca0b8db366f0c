import { computed, reactive, ref, shallowRef } from 'vue'
import type { PanelState } from '#agent/panel/app.ts'
import { createLiveState, type LinkState, listenToEvents } from '#runtime/page/live-state.ts'
import { createPaceMeter, type EntryFault, parseCaseEntry, SCANNER_GAP_MS_MAX, stepService } from './case-entry.ts'
import type { ClerkReason, PanelApi, PromptOrder, Refusal } from './panel-api.ts'
import { type Countdown, endedBetween, nextCountdown, OUTCOME_SHOWN_MS, stageOf, timeLeft } from './stage.ts'

/** What went wrong with the last thing the clerk did: the page's own word, or the box's refusal. */
export type DeskFault = { own: EntryFault | 'same' } | { refusal: Refusal }

export interface DeskDeps {
  api: PanelApi
  listen?: typeof listenToEvents<PanelState>
  monoMs(): number
  after(delayMs: number, then: () => void): () => void
  /** The window this page was opened for, if its address names one. */
  window?: string
  clerk: { read(): string; write(clerk: string): void }
}

/** Everything the clerk's page knows and does; the components only draw it. */
export function createClerkDesk(deps: DeskDeps) {
  const { api, monoMs, after } = deps
  const state = shallowRef<PanelState>()
  const link = ref<LinkState>('connecting')
  const isPairing = ref(false)
  const chosenWindow = ref(deps.window)
  const fault = shallowRef<DeskFault>()
  const isBusy = ref(false)
  const areReasonsOpen = ref(false)
  const entry = reactive({ text: '', service: 1 })
  const clerk = ref(deps.clerk.read())
  const nowMonoMs = ref(monoMs())
  const fresh = reactive(new Map<string, string>())
  const countdowns = reactive(new Map<string, Countdown>())
  const pace = createPaceMeter()
  let cancelChoice: (() => void) | undefined

  const window = computed(
    () => state.value?.windows.find(({ window }) => window === chosenWindow.value) ?? state.value?.windows[0],
  )
  const stage = computed(() => (window.value ? stageOf(window.value, fresh.get(window.value.window)) : undefined))
  const left = computed(() => {
    const countdown = window.value && countdowns.get(window.value.window)
    return countdown ? timeLeft(countdown, nowMonoMs.value) : undefined
  })

  const live = createLiveState<PanelState, Refusal>({
    load: api.state,
    listen: handlers => (deps.listen ?? listenToEvents)('v1/events', handlers),
    after,
    onState: takeState,
    onLink: next => {
      link.value = next
    },
    onRefusal: refusal => {
      isPairing.value = refusal.code === 'pairing-required'
      if (!isPairing.value) fault.value = { refusal }
    },
  })

  function takeState(next: PanelState): void {
    nowMonoMs.value = monoMs()
    for (const after of next.windows) {
      const before = state.value?.windows.find(({ window }) => window === after.window)
      const ended = endedBetween(before, after)
      if (ended) showOutcome(after.window, ended)
      const countdown = nextCountdown(countdowns.get(after.window), after, monoMs())
      if (countdown) countdowns.set(after.window, countdown)
      else countdowns.delete(after.window)
    }
    state.value = next
    if (stage.value?.kind !== 'waiting') areReasonsOpen.value = false
  }

  function showOutcome(windowId: string, prompt: string): void {
    fresh.set(windowId, prompt)
    after(OUTCOME_SHOWN_MS, () => {
      if (fresh.get(windowId) === prompt) fresh.delete(windowId)
    })
  }

  /** Asks for a rating of what is in the entry field; says in `fault` why not, if so. */
  async function ask(): Promise<void> {
    const origin = pace.origin(monoMs())
    pace.reset()
    if (isBusy.value || !window.value) return
    const waiting = stage.value?.kind === 'waiting' ? stage.value : undefined
    // A second Enter after the field was cleared is a bouncing hand, not a mistake to report.
    if (entry.text.trim() === '' && waiting) return
    const parsed = parseCaseEntry(entry.text, entry.service)
    if (!parsed.ok) {
      fault.value = { own: parsed.error.code }
      return
    }
    const wanted = parsed.value
    if (waiting?.for?.case === wanted.case && waiting.for.service === wanted.service) {
      clearEntry()
      fault.value = { own: 'same' }
      return
    }
    // If the box refuses, the clerk corrects case and service apart.
    entry.text = wanted.case
    entry.service = wanted.service
    await send({ window: window.value.window, for: wanted, origin })
  }

  /** Asks for a rating that is tied to its case later, because there is no case number to give. */
  async function askWithoutCase(): Promise<void> {
    if (isBusy.value || !window.value) return
    await send({ window: window.value.window, withoutCase: true, origin: 'panel' })
  }

  async function send(order: PromptOrder): Promise<void> {
    const complete = { ...order, ...(clerk.value ? { clerk: clerk.value } : {}) }
    if (await attempt(() => api.prompt(complete))) clearEntry()
  }

  /** Withdraws the waiting prompt. */
  async function cancel(reason: ClerkReason, note?: string): Promise<void> {
    const current = stage.value
    areReasonsOpen.value = false
    if (current?.kind === 'waiting') await attempt(() => api.cancel(current.prompt, reason, note?.trim()))
  }

  /**
   * Takes a key while the reasons are open. A digit alone chooses; one amid others is a slip scanned at the
   * wrong moment, which must not cancel anything.
   */
  function keyInReasons(choose: () => void = () => {}): void {
    const isBurst = cancelChoice !== undefined
    cancelChoice?.()
    cancelChoice = after(2 * SCANNER_GAP_MS_MAX, () => {
      cancelChoice = undefined
      if (!isBurst && areReasonsOpen.value) choose()
    })
  }

  async function pair(code: string): Promise<void> {
    if (await attempt(() => api.pair(code))) {
      isPairing.value = false
      await live.start()
    }
  }

  async function attempt(call: () => ReturnType<PanelApi['pair'] | PanelApi['prompt']>): Promise<boolean> {
    isBusy.value = true
    fault.value = undefined
    const answer = await call()
    isBusy.value = false
    if (answer.ok) return true
    if (answer.error.code === 'pairing-required') isPairing.value = true
    else fault.value = { refusal: answer.error }
    return false
  }

  function clearEntry(): void {
    entry.text = ''
    entry.service = 1
    pace.reset()
  }

  /** Called on every key that goes into the entry field: the page leaves the last outcome for the next case. */
  function typed(): void {
    if (entry.text === '') pace.reset()
    pace.key(monoMs())
    fault.value = undefined
    if (window.value) fresh.delete(window.value.window)
  }

  function moveWindow(step: 1 | -1): void {
    const windows = state.value?.windows ?? []
    const at = windows.findIndex(({ window: id }) => id === window.value?.window)
    chooseWindow(windows[(at + step + windows.length) % windows.length]?.window)
  }

  function chooseWindow(id: string | undefined): void {
    chosenWindow.value = id
    areReasonsOpen.value = false
    fault.value = undefined
  }

  return {
    state,
    link,
    isPairing,
    window,
    stage,
    left,
    fault,
    isBusy,
    areReasonsOpen,
    entry,
    clerk,
    start: live.start,
    stop: live.stop,
    tick: () => {
      nowMonoMs.value = monoMs()
    },
    ask,
    askWithoutCase,
    cancel,
    keyInReasons,
    pair,
    typed,
    moveWindow,
    chooseWindow,
    moveService(step: 1 | -1) {
      entry.service = stepService(entry.service, step)
    },
    openReasons() {
      if (stage.value?.kind === 'waiting') areReasonsOpen.value = true
    },
    closeReasons() {
      areReasonsOpen.value = false
    },
    setClerk(next: string) {
      clerk.value = next.trim()
      deps.clerk.write(clerk.value)
    },
  }
}

export type ClerkDesk = ReturnType<typeof createClerkDesk>
