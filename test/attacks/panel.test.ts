import { mkdirSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { type InProcessBox, startTestBox } from '#test/helpers/box.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const ORDER = JSON.stringify({ for: { case: 'MARKED-1', service: 1 } })

async function box(): Promise<InProcessBox> {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1'])
  mkdirSync(join(dir, 'box'))
  return await startTestBox(join(dir, 'box'), join(dir, 'boxes/box-1'))
}

/** A request as a browser would send it on behalf of a page, with headers that `fetch` would not let us choose. */
function send(url: string, method: string, headers: Record<string, string>, body = ''): Promise<number> {
  return new Promise((resolve, reject) => {
    const length = body ? { 'content-length': String(body.length) } : {}
    const sent = request(url, { method, headers: { ...headers, ...length } }, answer => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('a web page that the clerk’s browser has open beside the panel', () => {
  test('neither asks, cancels, pairs nor reads, by whatever name it reached the box', async () => {
    const one = await box()
    const { host, port } = new URL(one.url)
    const own = await one.prompt({ case: 'MARKED-0', service: 1 })
    const json = { 'content-type': 'application/json' }
    // What needs no preflight is sent at once by any page; the rest would be stopped at the preflight already.
    const simple = { 'content-type': 'text/plain' }
    const pages: [string, Record<string, string>][] = [
      ['another site', { host, origin: 'https://evil.example' }],
      ['a sandboxed frame or a file', { host, origin: 'null' }],
      ['another program on this computer', { host, origin: `http://127.0.0.1:${Number(port) + 1}` }],
      ['a name that was rebound to this box', { host: `evil.example:${port}`, origin: `http://evil.example:${port}` }],
      ['the same, where the browser leaves the origin out', { host: `evil.example:${port}` }],
      ['a name that only begins like ours', { host: `127.0.0.1.evil.example:${port}` }],
    ]
    for (const [page, headers] of pages) {
      const statuses = [
        await send(`${one.url}/v1/prompts`, 'POST', { ...headers, ...simple }, ORDER),
        await send(`${one.url}/v1/prompts`, 'POST', { ...headers, ...json }, ORDER),
        await send(`${one.url}/v1/prompts/${own}`, 'DELETE', { ...headers, ...json }, '{"reason":"other"}'),
        await send(`${one.url}/v1/pairing-codes`, 'POST', headers),
        await send(`${one.url}/v1/state`, 'GET', headers),
        await send(`${one.url}/v1/events`, 'GET', headers),
        await send(`${one.url}/v1/prompts`, 'OPTIONS', { ...headers, 'access-control-request-method': 'POST' }),
      ]
      expect([page, statuses]).toEqual([page, Array(7).fill(403)])
    }
    // A form of an old browser that names no page at all cannot send JSON.
    expect(await send(`${one.url}/v1/prompts`, 'POST', { host, ...simple }, ORDER)).toBe(400)
    const { windows } = await one.state(() => true)
    expect(windows[0]).toMatchObject({ session: { state: 'waiting' }, today: { prompts: 1, cancelled: 0 } })
  })
})

test('a pairing code cannot be guessed, not even by many guesses at once', async () => {
  const one = await box()
  const post = (path: string, body: object) =>
    fetch(one.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const { code } = (await (await post('/v1/pairing-codes', {})).json()) as { code: string }
  const wrong = Array.from({ length: 20 }, (_, n) => String((Number(code) + n + 1) % 1_000_000).padStart(6, '0'))
  const answers = await Promise.all(wrong.map(guess => post('/v1/pairing', { code: guess })))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]))
  expect((await post('/v1/pairing', { code })).status).toBe(403)
})
