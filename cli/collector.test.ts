import { spawn } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { SCOPES } from '#collector/api/keyring.ts'
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

test('revoke takes a box off by the certificate it was enrolled with, and writes the list of the broker', async () => {
  const dir = await setUp()
  const revoke = (...more: string[]) => run(dir, 'collector', 'revoke', 'box-1', '--config', 'collector.yaml', ...more)
  const crl = ['--authority', 'authority', '--crl', 'revoked.crl']
  const list = await run(dir, 'collector', 'crl', '--config', 'collector.yaml', ...crl, '--json')
  expect(JSON.parse(list.stdout)).toEqual({ ok: true, crl: join(dir, 'revoked.crl') })
  const empty = readFileSync(join(dir, 'revoked.crl'), 'utf8')
  const revoked = await revoke('--reason', '被盗', ...crl, '--json')
  const serial = new X509Certificate(readFileSync(join(dir, 'boxes/box-1/box.crt'))).serialNumber.toLowerCase()
  expect(JSON.parse(revoked.stdout)).toMatchObject({ ok: true, box: 'box-1', serial: serial.replace(/^0+/, '') })
  expect(readFileSync(join(dir, 'revoked.crl'), 'utf8').length).toBeGreaterThan(empty.length)
  expect(readFileSync(join(dir, 'collector/revoked.yaml'), 'utf8')).toContain('reason: 被盗')
  const again = await revoke('--reason', 'x', '--json')
  expect([again.code, JSON.parse(again.stdout).code]).toEqual([1, 'already-revoked'])
})

test('revoke refuses what it cannot do, and has then done nothing', async () => {
  const dir = await setUp()
  const cases: [args: string[], code: string][] = [
    [['box-9', '--reason', 'x'], 'certificate-not-found'],
    [['box-1', '--reason', 'a\nb'], 'reason-not-valid'],
    [['box-1', '--reason', 'x', '--certificate', 'broker/broker.crt'], 'certificate-of-another'],
    [['box-1', '--reason', 'x', '--crl', 'x.crl'], 'authority-missing'],
  ]
  const refused = await Promise.all(
    cases.map(([args]) => run(dir, 'collector', 'revoke', ...args, '--config', 'collector.yaml', '--json')),
  )
  expect(refused.map(({ code, stdout }) => [code, JSON.parse(stdout).code])).toEqual(cases.map(([, code]) => [1, code]))
  expect(existsSync(join(dir, 'collector/revoked.yaml'))).toBe(false)
})

test('key add knows every scope there is', async () => {
  const dir = await setUp()
  const all = await run(dir, 'collector', 'key', 'add', 'x', '--scope', ...SCOPES, '--config', 'collector.yaml')
  expect(all.code).toBe(0)
})
