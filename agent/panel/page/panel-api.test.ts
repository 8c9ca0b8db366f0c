import { expect, test } from 'vitest'
import { createPanelApi } from './panel-api.ts'

function apiThatAnswers(answer: () => Response | Promise<Response>) {
  const requests: { path: string; init: RequestInit }[] = []
  const api = createPanelApi({
    fetch: (path, init) => {
      requests.push({ path: String(path), init: init ?? {} })
      return Promise.resolve().then(answer)
    },
    language: () => 'en',
  })
  return { api, requests }
}

test('a refusal of the box reaches the page as the box worded it', async () => {
  const problem = { code: 'pairing-required', title: 'Pair first', remedy: 'Enter the code', status: 401 }
  const { api } = apiThatAnswers(() => Response.json(problem, { status: 401 }))
  expect(await api.state()).toEqual({ ok: false, error: problem })
})

test.each([
  ['no answer', () => Promise.reject(new TypeError('fetch failed')), 'unreachable'],
  ['a proxy page', () => new Response('<html>', { status: 502 }), 'bad-answer'],
  ['half an answer', () => new Response('{"box":', { status: 200 }), 'bad-answer'],
])('%s is a value, not a throw', async (_name, answer, code) => {
  const { api } = apiThatAnswers(answer)
  expect(await api.state()).toEqual({ ok: false, error: { code } })
})

test('a cancellation names its reason, in the language of the reader', async () => {
  const { api, requests } = apiThatAnswers(() => new Response(null, { status: 204 }))
  expect(await api.cancel('a/b', 'citizen-left')).toEqual({ ok: true, value: undefined })
  expect(requests[0]).toMatchObject({
    path: 'v1/prompts/a%2Fb',
    init: { method: 'DELETE', body: '{"reason":"citizen-left"}', headers: { 'accept-language': 'en' } },
  })
})
