import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const MAIN = new URL('main.ts', import.meta.url).pathname

async function setUp(more: object = {}): Promise<string> {
  const dir = temporaryFolder()
  const made = await createDevelopmentIdentities({ dir, boxes: ['box-1'], brokerHosts: ['127.0.0.1'] })
  if (!made.ok) throw new Error(made.error.detail)
  const embedded = { host: '127.0.0.1', port: 0, key: 'broker/broker.key', cert: 'broker/broker.crt' }
  const settings = {
    store: 's.sqlite',
    identity: 'collector',
    keys: 'keys.yaml',
    api: { port: 0 },
    broker: { embedded },
  }
  writeFileSync(join(dir, 'collector.yaml'), stringify({ ...settings, log: 'silent', ...more }))
  return dir
}

function start(dir: string, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: dir,
    env: { ...process.env, LANG: 'C.UTF-8', LC_ALL: '' },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

async function run(dir: string, ...args: string[]) {
  const child = start(dir, ...args)
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => (stdout += chunk))
  child.stderr.on('data', chunk => (stderr += chunk))
  const [code] = await once(child, 'close')
  return { code, stdout, stderr }
}

test('run says where it is, answers there, and stops cleanly when told', async () => {
  const dir = await setUp()
  const child = start(dir, 'collector', 'run', '--config', 'collector.yaml', '--json')
  const [line] = await once(child.stdout, 'data')
  const ready = JSON.parse(String(line))
  expect(ready).toMatchObject({ ready: true, broker: expect.stringMatching(/^mqtts:\/\/127\.0\.0\.1:\d+$/) })
  expect((await fetch(`${ready.api}/v1/boxes`)).status).toBe(200)
  const refused = await run(dir, 'collector', 'rebuild', '--config', 'collector.yaml', '--json')
  expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, code: 'store-in-use' })
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  const rebuilt = await run(dir, 'collector', 'rebuild', '--config', 'collector.yaml', '--json')
  expect(JSON.parse(rebuilt.stdout)).toMatchObject({ ok: true, entries: 1, same: true })
})

test('run with a wrong configuration says everything that is wrong and ends with 1', async () => {
  const dir = await setUp({ log: 'loud', colour: 1 })
  const { code, stderr } = await run(dir, 'collector', 'run', '--config', 'collector.yaml')
  expect(code).toBe(1)
  expect(stderr).toMatch(/collector\.yaml:\d+:\d+ {2}log .*"loud"/)
  expect(stderr).toMatch(/collector\.yaml:\d+:\d+ {2}colour/)
})

test('key add prints a key once and keeps only its hash; a name is used once', async () => {
  const dir = await setUp()
  const add = () =>
    run(dir, 'collector', 'key', 'add', '综窗系统', '--scope', 'services:write', 'read', '--config', 'collector.yaml')
  const first = await add()
  expect(first.stdout).toMatch(/^cp_[A-Za-z0-9_-]{43}\n$/)
  expect(readFileSync(join(dir, 'keys.yaml'), 'utf8')).not.toContain(first.stdout.trim())
  const second = await add()
  expect([second.code, second.stderr]).toEqual([1, expect.stringContaining('key-name-taken')])
})

test('mosquitto-config prints the configuration, and the access rules on request', async () => {
  const dir = temporaryFolder()
  const [configuration, acl] = await Promise.all([
    run(dir, 'collector', 'mosquitto-config', '--port', '9883'),
    run(dir, 'collector', 'mosquitto-config', '--print', 'acl'),
  ])
  expect(configuration.stdout).toContain('listener 9883\n')
  expect(configuration.stdout).toContain('set_tcp_nodelay true\n')
  expect(acl.stdout).toContain('pattern write chuangping/v1/%u/up/#\n')
})
