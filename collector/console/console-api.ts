import type { BoxView, GapView, PoolView, QuarantineView, ServicePage } from '#collector/schemas.ts'
import type { Result } from '#protocol/result.ts'

/** A refusal in the reader's language; `unreachable` and `bad-answer` are the page's own and carry no text. */
export interface Refusal {
  code: string
  title?: string
  detail?: string
  remedy?: string
}

export interface ConsoleApi {
  services(limit: number, before?: number): Promise<Result<ServicePage, Refusal>>
  boxes(): Promise<Result<BoxView[], Refusal>>
  gaps(): Promise<Result<GapView[], Refusal>>
  pool(): Promise<Result<PoolView[], Refusal>>
  quarantine(): Promise<Result<QuarantineView[], Refusal>>
  /** The open stream of events; it ends when `signal` says so or the collector does. */
  events(signal: AbortSignal): Promise<Result<ReadableStream<Uint8Array>, Refusal>>
}

const ANSWER_MS_MAX = 15_000
const LIST_LIMIT = 500

/** Reads the collector's API with the key of the person who watches, if they gave one; every answer is a value. */
export function createConsoleApi(deps: {
  fetch: typeof fetch
  language: () => string
  key: () => string | null
}): ConsoleApi {
  async function open(path: string, signal: AbortSignal): Promise<Result<Response, Refusal>> {
    const key = deps.key()
    let response: Response
    try {
      response = await deps.fetch(path, {
        cache: 'no-store',
        signal,
        headers: { 'accept-language': deps.language(), ...(key ? { authorization: `Bearer ${key}` } : {}) },
      })
    } catch {
      // fetch rejects only when no answer came: refused, cut or too late.
      return { ok: false, error: { code: 'unreachable' } }
    }
    return response.ok ? { ok: true, value: response } : { ok: false, error: await refusalOf(response) }
  }

  async function list<T>(path: string): Promise<Result<T, Refusal>> {
    const answer = await open(path, AbortSignal.timeout(ANSWER_MS_MAX))
    if (!answer.ok) return answer
    const value = await readJson(answer.value)
    return value === undefined ? { ok: false, error: { code: 'bad-answer' } } : { ok: true, value: value as T }
  }

  return {
    services: (limit, before) => list(`v1/services?limit=${limit}${before === undefined ? '' : `&before=${before}`}`),
    boxes: () => list('v1/boxes'),
    gaps: () => list('v1/gaps'),
    pool: () => list(`v1/pool?limit=${LIST_LIMIT}`),
    quarantine: () => list(`v1/quarantine?limit=${LIST_LIMIT}`),
    async events(signal) {
      const answer = await open('v1/events', signal)
      if (!answer.ok) return answer
      const { body } = answer.value
      return body ? { ok: true, value: body } : { ok: false, error: { code: 'bad-answer' } }
    },
  }
}

async function refusalOf(response: Response): Promise<Refusal> {
  const problem = (await readJson(response)) as Partial<Refusal> | undefined
  return typeof problem?.code === 'string' ? (problem as Refusal) : { code: 'bad-answer' }
}

/** The JSON of a response, or undefined where it is none or was cut off. */
async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json()
  } catch {
    return undefined
  }
}

/** Whether a refusal asks for an access key, or for another one. */
export function isAboutKey({ code }: Refusal): boolean {
  return code === 'key-missing' || code === 'key-unknown' || code === 'scope-missing'
}
