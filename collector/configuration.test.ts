import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { environmentName, leafPaths } from '#runtime/configuration.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { CollectorSchema, ENVIRONMENT_PREFIX, loadCollectorConfiguration } from './configuration.ts'

const EXAMPLE = new URL('collector.example.yaml', import.meta.url)

function load(text: string, env: NodeJS.ProcessEnv = {}, folder = temporaryFolder()) {
  const file = join(folder, 'collector.yaml')
  writeFileSync(file, text)
  return loadCollectorConfiguration(file, env)
}

test('the example works as it is, beside development identities', async () => {
  const folder = temporaryFolder()
  const { dir } = await createTestIdentities(folder, ['box-1'])
  const text = readFileSync(EXAMPLE, 'utf8').replace('identity: identity', 'identity: collector')
  const loaded = load(text, {}, dir)
  expect(loaded).toMatchObject({
    ok: true,
    value: {
      store: join(dir, 'var/collector.sqlite'),
      boxes: join(dir, 'collector/boxes'),
      broker: { embedded: { port: 8883, key: join(dir, 'broker/broker.key') } },
    },
  })
})

test('the example shows every setting with its default', () => {
  const text = readFileSync(EXAMPLE, 'utf8')
  const shown = parse(text.replaceAll(/^( *)# (opening|boxes|url): /gm, '$1$2: '))
  for (const path of leafPaths(CollectorSchema)) {
    const value = path.split('.').reduce((at, name) => at?.[name], shown)
    expect(value, `${path} is not in the example`).toBeDefined()
  }
  expect(shown.api).toEqual({ host: '127.0.0.1', port: 8640, names: [], openToLoopback: true, requestsPerMinute: 3000 })
})

test('every wrong setting is told at once, with line and column', () => {
  const loaded = load(`store: s.sqlite
identity: identity
broker:
  embedded: { port: 99999, key: k }
api:
  colour: red
log: loud
`)
  expect(!loaded.ok && loaded.error.problems.map(({ path, line, column }) => [path, line, column])).toEqual([
    ['keys', 1, 1],
    ['broker.embedded.cert', 4, 3],
    ['broker.embedded.port', 4, 15],
    ['api.colour', 6, 3],
    ['log', 7, 1],
  ])
})

test('every missing file is told at once, and that there must be one broker', async () => {
  const { dir } = await createTestIdentities(temporaryFolder(), ['box-1'])
  rmSync(join(dir, 'collector/signing.key'))
  const loaded = load('store: s\nidentity: collector\nkeys: k\nopening: nowhere\nbroker: {}\n', {}, dir)
  expect(!loaded.ok && loaded.error.problems.map(problem => problem.path)).toEqual(['broker', 'identity', 'opening'])
})

test('the environment wins over the file', async () => {
  const { dir } = await createTestIdentities(temporaryFolder(), ['box-1'])
  const name = environmentName(ENVIRONMENT_PREFIX, 'api.port')
  expect(name).toBe('CHUANGPING_COLLECTOR_API_PORT')
  const text = 'store: s\nidentity: collector\nkeys: k\nbroker: { url: "mqtts://b:8883" }\n'
  expect(load(text, { [name]: '0' }, dir)).toMatchObject({ ok: true, value: { api: { port: 0 } } })
  expect(load(text, { [name]: 'x' }, dir)).toMatchObject({ ok: false })
})

test('an identity that would only fail later is refused at the start', async () => {
  const { loadCollectorIdentity } = await import('./identity.ts')
  const { dir } = await createTestIdentities(temporaryFolder(), ['box-1'])
  const folder = join(dir, 'collector')
  expect(loadCollectorIdentity(folder, join(folder, 'opening')).ok).toBe(true)
  const signing = readFileSync(join(folder, 'signing.key'))
  copyFileSync(join(dir, 'boxes/box-1/box.crt'), join(folder, 'collector.crt'))
  expect(loadCollectorIdentity(folder, join(folder, 'opening'))).toMatchObject({
    ok: false,
    error: { code: 'identity-not-usable', detail: expect.stringContaining('collector.crt must be for the name') },
  })
  writeFileSync(join(folder, 'signing.key'), 'no key')
  const broken = loadCollectorIdentity(folder, join(folder, 'opening'))
  expect(!broken.ok && broken.error.detail).not.toContain(String(signing).slice(30, 60))
})
