import { fail, ok, type Result } from '#protocol/result.ts'
import type { Language } from '#runtime/language.ts'
import type { Problem } from '#runtime/problem.ts'

/** Talks to a box's local API as a command does: problems come back as results. */
export interface BoxClient {
  post(path: string, body?: object): Promise<Result<unknown>>
  /** The prompt once it has ended, told by the box's own events. */
  waitForEnd(prompt: string): Promise<Result<unknown>>
}

export function createBoxClient(url: string, language: Language): BoxClient {
  const headers = { 'accept-language': language === 'zh' ? 'zh-CN' : 'en' }

  async function call(path: string, init: RequestInit): Promise<Result<Response>> {
    let response: Response
    try {
      response = await fetch(new URL(path, url), { ...init, headers: { ...headers, ...init.headers } })
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
      return fail('box-not-reachable', `nothing answers at ${url}: is the agent running? (--box names another address)`)
    }
    if (response.ok) return ok(response)
    const { code, title, detail, remedy } = (await response.json()) as Problem
    return fail(code, [title, detail, remedy].filter(Boolean).join(' — '))
  }

  async function json(path: string, init: RequestInit): Promise<Result<unknown>> {
    const response = await call(path, init)
    return response.ok ? ok(await response.value.json()) : response
  }

  return {
    post: (path, body = {}) =>
      json(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    async waitForEnd(prompt) {
      const events = await call('/v1/events', {})
      if (!events.ok) return events
      // The first event comes at once, so an end before the subscription is not missed.
      for await (const _ of events.value.body!) {
        const now = await json(`/v1/prompts/${prompt}`, {})
        if (!now.ok || (now.value as { state: string }).state === 'finished') return now
      }
      return fail('box-not-reachable', 'the box went away before the prompt ended')
    },
  }
}
