import type { KeyObject } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Fleet } from '#collector/fleet/fleet.ts'
import type { PromptBody, PromptView } from '#collector/schemas.ts'
import type { PromptRow, Tables } from '#collector/store/tables.ts'
import { findInstants } from '#collector/time/find-instants.ts'
import type { Instant } from '#collector/time/instant.ts'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { fromHex, toHex } from '#protocol/codec.ts'
import { signPromptRequest } from '#protocol/prompt-request.ts'
import { fail, ok, type Result } from '#protocol/result.ts'

/** A box answers a request with its prompt's entry; without one after this long it did not happen. */
const ANSWER_MS_MAX = 15_000
/** Requests remembered; the oldest go first, and live on in the projection if they were answered. */
const REQUESTS_MAX = 10_000

export interface Prompts {
  /** Asks the window's box to open a prompt. It is not kept for a box that is away. */
  ask(window: string, body: PromptBody): Result<{ prompt: string }>
  /** How a prompt stands, whoever opened it. Never a grade. */
  find(prompt: string): Promise<PromptView | undefined>
}

interface Asked {
  window: string
  box: string
  body: PromptBody
  atMonoMs: number
}

export function createPrompts(deps: {
  db: Kysely<Tables>
  clock: Clock
  randomBytes: RandomBytes
  fleet: Pick<Fleet, 'boxOfWindow'>
  /** The collector's own key: a box believes no prompt without its signature. */
  signingKey: KeyObject
  isLinkUp(): boolean
  send(box: string, bytes: Uint8Array): void
}): Prompts {
  const { db, clock } = deps
  const asked = new Map<string, Asked>()

  function remember(prompt: string, request: Asked) {
    asked.set(prompt, request)
    for (const oldest of asked.keys()) {
      if (asked.size <= REQUESTS_MAX) break
      asked.delete(oldest)
    }
  }

  return {
    ask(window, body) {
      const state = deps.fleet.boxOfWindow(window)
      if (!state) return fail('unknown-window', `no box has announced window ${window}`)
      if (!deps.isLinkUp()) return fail('broker-offline', 'the collector has no connection to its broker')
      if (!state.online) return fail('box-offline', `box ${state.box} of window ${window} is offline`)
      const id = deps.randomBytes(16)
      const prompt = toHex(id)
      const { clerk, ...service } = body
      const request = {
        version: 1,
        box: state.box,
        prompt: id,
        window,
        for: service,
        at: clock.wallMs(),
        ...(clerk ? { clerk } : {}),
      } as const
      remember(prompt, { window, box: state.box, body, atMonoMs: clock.monoMs() })
      deps.send(state.box, signPromptRequest(request, deps.signingKey))
      return ok({ prompt })
    },
    async find(prompt) {
      const request = asked.get(prompt)
      const rows = await db.selectFrom('prompts').selectAll().where('prompt', '=', fromHex(prompt)).execute()
      // Another box that used the same id does not answer for the one that was asked.
      const row = request ? rows.find(({ box }) => box === request.box) : rows[0]
      if (row) return viewPrompt(prompt, row, (await findInstants(db, openedAt(row))).get(row.position ?? 0))
      return request && viewAsked(prompt, request, clock.monoMs())
    },
  }
}

/** Its place, if it is known to have been opened. */
const openedAt = ({ position }: PromptRow) => (position === null ? [] : [position])

function viewPrompt(prompt: string, row: PromptRow, opened: Instant | undefined): PromptView {
  const { case_number, service } = row
  return {
    prompt,
    window: row.window,
    box: row.box,
    openedAtMs: opened?.best ?? null,
    ...(opened && { opened: { earliestMs: opened.earliest, latestMs: opened.latest } }),
    outcome: row.outcome,
    ...(row.reason ? { reason: row.reason } : {}),
    ...(case_number !== null && service !== null ? { case: case_number, service } : {}),
  }
}

function viewAsked(prompt: string, request: Asked, nowMonoMs: number): PromptView {
  const { window, box, body } = request
  const isOverdue = nowMonoMs - request.atMonoMs > ANSWER_MS_MAX
  const end = isOverdue ? ({ outcome: 'pad-unavailable', reason: 'no-answer' } as const) : { outcome: null }
  return { prompt, window, box, openedAtMs: null, ...end, case: body.case, service: body.service }
}
