import { expect, test } from 'vitest'
import { createConsoleApi } from './console-api.ts'

function apiThatAnswers(answer: () => Response | Promise<Response>, key: string | null = null) {
  const requests: { path: string; headers: Record<string, string> }[] = []
  const api = createConsoleApi({
    fetch: (path, init) => {
      requests.push({ path: String(path), headers: init?.headers as Record<string, string> })
      return Promise.resolve().then(answer)
    },
    language: () => 'en',
    key: () => key,
  })
  return { api, requests }
}

test('a key goes into the header and never into an address', async () => {
  const { api, requests } = apiThatAnswers(() => Response.json([]), 'a-secret')
  await Promise.all([api.services(50, 7), api.boxes(), api.gaps(), api.pool(), api.quarantine()])
  await api.events(new AbortController().signal)
  for (const { path, headers } of requests) {
    expect([path.includes('a-secret'), headers['authorization']]).toEqual([false, 'Bearer a-secret'])
  }
  expect(requests[0]?.path).toBe('v1/services?limit=50&before=7')
})

test('without a key nothing is claimed', async () => {
  const { api, requests } = apiThatAnswers(() => Response.json([]))
  await api.boxes()
  expect(requests[0]?.headers).not.toHaveProperty('authorization')
})

test.each([
  ['a refusal', () => Response.json({ code: 'key-missing', title: 'No key' }, { status: 401 }), 'key-missing'],
  ['a proxy page', () => new Response('<html>', { status: 502 }), 'bad-answer'],
  ['half an answer', () => new Response('[{"box":'), 'bad-answer'],
  ['no answer', () => Promise.reject(new TypeError('fetch failed')), 'unreachable'],
])('%s is a value, not a throw', async (_name, answer, code) => {
  const { api } = apiThatAnswers(answer)
  expect(await api.boxes()).toMatchObject({ ok: false, error: { code } })
})
