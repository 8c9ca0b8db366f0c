import type { Result } from '#protocol/result.ts'
import type { ControlsState } from '#virtual-pad/controls.ts'
import type { PadState } from '#virtual-pad/simulation.ts'

/** What the pad's process tells: the pad itself, and what may be switched around it. */
export type PadPageState = PadState & { controls: ControlsState }

export interface Refusal {
  code: string
  title?: string
  remedy?: string
}

export interface PadApi {
  state(): Promise<Result<PadPageState, Refusal>>
  /** Does one thing to the pad, the line or the box. */
  act(path: PadAction, body: object): Promise<Result<undefined, Refusal>>
}

export type PadAction = 'press' | 'hold' | 'release' | 'plug' | 'garble' | 'network' | 'box'

const ANSWER_MS_MAX = 8_000

/** Speaks to the virtual pad's process; every answer is a value. */
export function createPadApi(deps: { fetch: typeof fetch; language: () => string }): PadApi {
  async function call<T>(path: string, init: RequestInit): Promise<Result<T, Refusal>> {
    let response: Response
    let text: string
    try {
      response = await deps.fetch(path, {
        cache: 'no-store',
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
        headers: { 'accept-language': deps.language(), 'content-type': 'application/json' },
        ...init,
      })
      text = await response.text()
    } catch {
      // fetch rejects only when no answer came, or not a whole one.
      return { ok: false, error: { code: 'unreachable' } }
    }
    const value = parseJson(text)
    if (response.ok) return { ok: true, value: value as T }
    const problem = value as Partial<Refusal> | undefined
    return { ok: false, error: typeof problem?.code === 'string' ? (problem as Refusal) : { code: 'bad-answer' } }
  }
  return {
    state: () => call('v1/state', { method: 'GET' }),
    act: (path, body) => call(`v1/${path}`, { method: 'POST', body: JSON.stringify(body) }),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
