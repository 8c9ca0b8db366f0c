import type { Profile } from '#agent/pad/profile.ts'
import type { Grade } from '#protocol/grades.ts'
import type { PressedKey, Session } from './ledger.ts'
import { type CampaignPad, createCampaignPad, type Heard } from './pad.ts'
import type { PlannedSession } from './plan.ts'

/** How the box of a campaign is set: everything short, nothing off. */
export const ASK_MS = 3_000
export const UNDO_MS = 1_500

/** How long a clerk waits for the box, and for the pad to ask. */
const CLERK_PATIENCE_MS = 1_500
const ASK_PATIENCE_MS = 1_200
/** A citizen presses at once or not at all: so that no time limit of the box can look like a thank-you. */
const THANKS_PATIENCE_MS = 1_000
/** After it, what the pad of a first press shows can only be its rest. */
const SECOND_THANKS_MS_MAX = UNDO_MS - 100
const AFTER_HOLD_OFF_MS = 60
/** As long as a pad without an answer may repeat itself. */
const REPEATS_MS = 1_300
/** A pad that was just plugged in shows again what it showed: that is no answer to a press. */
const AFTER_PLUG_MS = 400
const WALK_AWAY_MS = 100

/** A press whose thank-you may still come. */
interface Pending {
  keys: PressedKey[]
  untilMs: number
  isSure: boolean
  isThanked: boolean
}

/** One window: a clerk, its pad, and the citizens that come one after the other. */
export interface Window {
  readonly name: string
  readonly pad: CampaignPad
  /** Serves one citizen. The session is filled in as it goes; `gone` resolves when the citizen has gone. */
  serve(plan: PlannedSession, caseNumber: string): { session: Session; gone: Promise<void> }
  /** Told at each press, before the bytes leave, and at each thank-you for one. */
  watch(watcher: ((moment: 'pressed' | 'thanked') => void) | undefined): void
  /** The agent has gone. Where thanks and rest are one command, what the next one shows must not look like thanks. */
  agentEnded(): void
}

export function createWindow(deps: {
  box: string
  name: string
  profile: Profile
  link: string
  seed: number
  /** The clerk's page of the box, once it is there; rejects when that takes too long. */
  panel(patienceMs: number): Promise<string>
}): Window {
  const { profile } = deps
  let session: Session | undefined
  /** The key that waits for its thank-you, and until when one can be for it. */
  let pending: Pending | undefined
  /** What the pad was told last. */
  let told: Heard | undefined
  let pluggedMs = 0
  let freeMs = 0
  let watcher: ((moment: 'pressed' | 'thanked') => void) | undefined
  let waiting: (() => void)[] = []
  let serving: Promise<unknown> = Promise.resolve()

  const pad = createCampaignPad({ ...deps, onHeard: heard, onSent: sent })

  function wake() {
    const woken = waiting
    waiting = []
    for (const resume of woken) resume()
  }

  function heard(what: Heard) {
    if (what === 'thank') thanked()
    told = what
    if (what === 'initialise') forgetPending()
    wake()
  }

  function thanked() {
    if (!pending || !session || performance.now() > pending.untilMs) return
    const own = pending
    pending = undefined
    own.isThanked = true
    if (own.isSure && own.keys[0]) own.keys[0].isThanked = true
    else session.unsureThanks += 1
    watcher?.('thanked')
  }

  function forgetPending() {
    pending = undefined
    wake()
  }

  /**
   * Keys on the wire belong to the session that is open. A pad that hears no answer in time repeats its key; a box
   * that was slow cannot tell that from a second press, so it may record both. The thanks are for the first.
   */
  function sent(grades: readonly Grade[], isSure: boolean) {
    if (!session) return
    const keys = grades.map(grade => ({ grade, isThanked: false, isSure }))
    session.pressed.push(...keys)
    if (!pending) return
    pending.keys.push(...keys)
    pending.isSure &&= isSure
  }

  async function until(isSo: () => boolean, patienceMs: number): Promise<boolean> {
    const limitMs = performance.now() + patienceMs
    while (!isSo()) {
      const leftMs = limitMs - performance.now()
      if (leftMs <= 0) return false
      await Promise.race([new Promise<void>(resolve => waiting.push(resolve)), wait(leftMs)])
    }
    return true
  }

  async function ask(own: Session): Promise<string | undefined> {
    try {
      const url = await deps.panel(CLERK_PATIENCE_MS)
      const body = JSON.stringify({ window: deps.name, for: { case: own.case, service: 1 }, origin: 'panel' })
      const response = await call(`${url}/v1/prompts`, 'POST', body)
      const answer = (await response.json()) as { id?: string; code?: string }
      if (response.ok) own.prompt = answer.id!
      else own.refused = answer.code ?? String(response.status)
      return response.ok ? url : undefined
    } catch {
      return undefined // The box was stopped meanwhile: whether it took the prompt, the centre will say.
    }
  }

  async function press(grade: Grade, thanksMs: number) {
    const untilMs = performance.now() + thanksMs
    const own: Pending = { keys: [], untilMs, isSure: true, isThanked: false }
    pending = own
    freeMs = performance.now() + REPEATS_MS
    watcher?.('pressed')
    pad.press(grade)
    await until(() => pending !== own, thanksMs)
    if (pending === own) pending = undefined
    return own.isThanked
  }

  async function serveOne(plan: PlannedSession, own: Session) {
    // A pad without an answer repeats itself: its last word must not reach the next citizen's prompt.
    await wait(Math.max(0, freeMs - performance.now()))
    told = undefined
    session = own
    const url = await ask(own)
    if (!url || !(await until(() => told === 'ask', ASK_PATIENCE_MS))) return
    await wait(Math.max(0, pluggedMs + AFTER_PLUG_MS - performance.now()))
    if (plan.behaviour === 'walk-away') return await wait(WALK_AWAY_MS)
    if (plan.behaviour === 'cancelled') return await cancel(url, own)
    if (plan.behaviour !== 'impatient') await wait(listensAfterMs(profile) + plan.thinkMs)
    if (told !== 'ask' || !pad.isPlugged()) return
    const firstMs = performance.now()
    const isThanked = await press(keyOf(plan.grades[0]), THANKS_PATIENCE_MS)
    if (!isThanked) return
    // Where thanks and rest are one command, a box that was too slow would seem to thank for what it never saw.
    if (isThanksRest(profile) && !(await isRated(url, own))) return withdrawThanks(own)
    freeMs = performance.now() + profile.behaviour.holdOffMs + AFTER_HOLD_OFF_MS
    if (plan.behaviour !== 'change-mind' || isThanksRest(profile)) return
    await wait(profile.behaviour.holdOffMs + AFTER_HOLD_OFF_MS)
    const leftMs = firstMs + SECOND_THANKS_MS_MAX - performance.now()
    // A box that was started meanwhile shows its rest, and would seem to thank.
    if (leftMs > 0 && told === 'thank' && pad.isPlugged()) await press(keyOf(plan.grades[1]), leftMs)
  }

  async function isRated(url: string, own: Session): Promise<boolean> {
    try {
      const response = await call(`${url}/v1/prompts/${own.prompt}`, 'GET')
      return response.ok && ((await response.json()) as { outcome?: string }).outcome === 'rated'
    } catch {
      return false // The box was stopped meanwhile: nobody can say what its pad meant.
    }
  }

  async function cancel(url: string, own: Session) {
    try {
      await call(`${url}/v1/prompts/${own.prompt}`, 'DELETE', JSON.stringify({ reason: 'citizen-left' }))
    } catch {
      // The box was stopped meanwhile, and closes the prompt when it comes back.
    }
  }

  /** The planned grade where the pad has a key for it, else one of its keys. */
  const keyOf = (grade: Grade) => (pad.keys.includes(grade) ? grade : pad.keys[grade.length % pad.keys.length]!)

  return {
    name: deps.name,
    pad: {
      ...pad,
      unplug() {
        pad.unplug()
        told = undefined
        forgetPending()
      },
      plug(isRenamed) {
        pluggedMs = performance.now()
        pad.plug(isRenamed)
      },
    },
    serve(plan, caseNumber) {
      const own: Session = { box: deps.box, case: caseNumber, pressed: [], unsureThanks: 0 }
      const gone = serving.then(() => serveOne(plan, own))
      serving = gone
      return { session: own, gone }
    },
    watch(next) {
      watcher = next
    },
    agentEnded() {
      if (isThanksRest(profile)) forgetPending()
    },
  }
}

const isThanksRest = ({ intents: { thank, idle } }: Profile) =>
  thank.some(step => idle.some(({ command }) => command === step.command))

function withdrawThanks(session: Session) {
  for (const key of session.pressed) key.isThanked = false
  session.unsureThanks = 0
}

/** How long after the ask a press is believed. */
function listensAfterMs(profile: Profile): number {
  return profile.intents.ask.reduce((sum, step) => sum + step.waitAfterMs, 0)
}

async function call(url: string, method: string, body?: string): Promise<Response> {
  const headers = { 'content-type': 'application/json' }
  return await fetch(url, { method, ...(body && { body, headers }), signal: AbortSignal.timeout(CLERK_PATIENCE_MS) })
}

const wait = (delayMs: number) => new Promise<void>(resolve => setTimeout(resolve, delayMs))
