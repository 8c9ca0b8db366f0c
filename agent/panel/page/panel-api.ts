import type { PanelState } from '#agent/panel/app.ts'
import type { CancelReason, ServiceRef } from '#protocol/entry.ts'
import type { Result } from '#protocol/result.ts'

export interface PromptOrder {
  window: string
  for?: ServiceRef
  /** Said on purpose: there is no case number, the rating is tied later. */
  withoutCase?: true
  clerk?: string
  origin: 'panel' | 'scanner'
}

/** Why a clerk withdraws a prompt, in the order of their keys. */
export const CLERK_REASONS = ['wrong-case', 'citizen-left', 'training', 'other'] as const satisfies CancelReason[]
export type ClerkReason = (typeof CLERK_REASONS)[number]

/** A refusal in the reader's language; `unreachable` and `bad-answer` are the page's own and carry no text. */
export interface Refusal {
  code: string
  title?: string
  detail?: string
  remedy?: string
}

export interface PanelApi {
  state(): Promise<Result<PanelState, Refusal>>
  prompt(order: PromptOrder): Promise<Result<{ id: string }, Refusal>>
  cancel(prompt: string, reason: ClerkReason, note?: string): Promise<Result<undefined, Refusal>>
  pair(code: string): Promise<Result<undefined, Refusal>>
}

const ANSWER_MS_MAX = 8_000

/** Speaks to the box's panel; every answer is a value, also when the box is not there. */
export function createPanelApi(deps: { fetch: typeof fetch; language: () => string }): PanelApi {
  async function call<T>(method: string, path: string, body?: unknown): Promise<Result<T, Refusal>> {
    let response: Response
    try {
      response = await deps.fetch(path, {
        method,
        cache: 'no-store',
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
        headers: {
          accept: 'application/json',
          'accept-language': deps.language(),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
    } catch {
      // fetch rejects only when no answer came: refused, cut or too late.
      return { ok: false, error: { code: 'unreachable' } }
    }
    return readAnswer<T>(response)
  }
  return {
    state: () => call('GET', 'v1/state'),
    prompt: order => call('POST', 'v1/prompts', order),
    cancel: (prompt, reason, note) =>
      call('DELETE', `v1/prompts/${encodeURIComponent(prompt)}`, { reason, ...(note ? { note } : {}) }),
    pair: code => call('POST', 'v1/pairing', { code }),
  }
}

async function readAnswer<T>(response: Response): Promise<Result<T, Refusal>> {
  const text = await response.text().catch(() => '')
  const value = parseJson(text)
  if (response.ok) {
    if (text !== '' && value === undefined) return { ok: false, error: { code: 'bad-answer' } }
    return { ok: true, value: value as T }
  }
  const problem = value as Partial<Refusal> | undefined
  return { ok: false, error: typeof problem?.code === 'string' ? (problem as Refusal) : { code: 'bad-answer' } }
}

/** The value of a JSON text, or undefined where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
