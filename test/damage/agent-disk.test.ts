import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { stringify } from 'yaml'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { spawnBound } from '#scripts/program.ts'
import { mountSmallDisk } from '#test/helpers/small-disk.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')

/** The configuration of a box whose journal lies on a small disk of its own. */
async function setUp(context: TestContext) {
  const disk = mountSmallDisk(24)
  if (typeof disk === 'string') return context.skip(disk)
  const dir = temporaryFolder()
  const made = await createDevelopmentIdentities({ dir, boxes: ['box-1'], brokerHosts: ['localhost'] })
  if (!made.ok) throw new Error(made.error.detail)
  const journal = join(disk.path, 'journal')
  mkdirSync(journal)
  const config = join(dir, 'agent.yaml')
  const windows = [{ window: 'A01', profile: 'generic-pj06', port: '/dev/no-such-pad' }]
  const storage = { ballast: '1MiB' }
  const identity = join(dir, 'boxes/box-1')
  writeFileSync(config, stringify({ identity, journal, windows, storage, panel: { port: 0 }, logLevel: 'silent' }))
  return { disk, config }
}

/** The agent as its service manager starts it: what it said first, and with what it ends. */
async function startAgent(config: string) {
  const child = spawnBound(process.execPath, [MAIN, 'agent', 'run', '--config', config, '--json'])
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code]) => code as number)
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  const { ready, url } = JSON.parse(line) as { ready: boolean; url: string }
  async function call(method: 'GET' | 'POST', path: string, body?: object) {
    const headers = { 'content-type': 'application/json', 'accept-language': 'zh-CN' }
    const response = await fetch(url + path, { method, headers, ...(body && { body: JSON.stringify(body) }) })
    // biome-ignore lint/suspicious/noExplicitAny: an answer of the API
    return { status: response.status, body: (await response.json()) as any }
  }
  let services = 0
  return {
    ready,
    ended,
    ask: () => call('POST', '/v1/prompts', { for: { case: 'MARKED', service: ++services } }),
    pad: async () => (await call('GET', '/v1/state')).body.windows[0].pad,
    counters: async () => (await call('GET', '/v1/health')).body.counters,
  }
}

test('a box whose disk is full refuses prompts, says why, counts them, and goes on by itself when there is room', async context => {
  const { disk, config } = await setUp(context)
  const agent = await startAgent(config)
  expect((await agent.ask()).status).toBe(201)
  disk.fill()
  expect(await agent.ask()).toMatchObject({
    status: 503,
    body: { code: 'no-room', title: '磁盘空间不足，暂停邀评' },
  })
  expect(await agent.pad()).toMatchObject({ state: 'out-of-service', reason: 'no-room' })
  expect(await agent.counters()).toMatchObject({ 'prompt-refused-no-room': 1 })
  disk.clear()
  expect((await agent.ask()).status).toBe(201)
  expect((await agent.pad()).state).not.toBe('out-of-service')
})

test('a box whose disk fails says so, ends with its own code, and says so again when it is started', async context => {
  const { disk, config } = await setUp(context)
  const agent = await startAgent(config)
  expect(agent.ready).toBe(true)
  disk.fail()
  expect(await agent.ask()).toMatchObject({ status: 503, body: { code: 'out-of-service' } })
  expect(await agent.pad()).toMatchObject({ state: 'out-of-service', reason: 'journal-refused' })
  expect(await agent.ended).toBe(74)
  const again = await startAgent(config)
  expect(again.ready).toBe(false)
  expect(await again.ask()).toMatchObject({ status: 503, body: { code: 'out-of-service' } })
  expect(await again.pad()).toMatchObject({ state: 'out-of-service', reason: 'journal-refused' })
})
