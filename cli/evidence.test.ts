import { execFile } from 'node:child_process'
import { createPrivateKey, createPublicKey } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { readOpeningKeys } from '#collector/opening/opening.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const run = promisify(execFile)
const MAIN = join(import.meta.dirname, 'main.ts')

async function chuangping(...args: string[]) {
  const { stdout } = await run(process.execPath, [MAIN, ...args], { env: { ...process.env, LANG: 'C.UTF-8' } })
  return stdout
}

/** A collector's folder as provisioning makes it, with two days in its store. */
async function makeCollector() {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1'])
  const key = (path: string) => createPrivateKey(readFileSync(join(dir, 'collector', path)))
  const [openingKey] = readOpeningKeys(join(dir, 'collector/opening'))
  const keys = { signingKey: key('signing.key'), openingKey: openingKey! }
  let wallMs = Date.UTC(2026, 2, 2, 4)
  const clock = { ...createSystemClock(), wallMs: () => wallMs }
  const path = join(dir, 'collector.sqlite')
  const collector = await createTestCollector({ path, keys, clock })
  const box = collector.box('box-1')
  await collector.core.enrol({ box: 'box-1', key: box.spki, hall: 'hall-a' })
  await box.rate(box.prompt({ case: 'C1', service: 1 }), 'satisfied')
  await collector.send('box-1', box.batch())
  wallMs += 24 * 60 * 60 * 1000
  box.write({ kind: 'boot', body: { agent: '1' } })
  await collector.send('box-1', box.batch(3, 3))
  await collector.close()
  const config = join(dir, 'collector.yaml')
  const broker = { embedded: { port: 0, key: 'broker/broker.key', cert: 'broker/broker.crt' } }
  writeFileSync(config, stringify({ store: 'collector.sqlite', identity: 'collector', broker, keys: 'keys.yaml' }))
  const pem = join(dir, 'collector.pem')
  writeFileSync(pem, createPublicKey(keys.signingKey).export({ format: 'pem', type: 'spki' }))
  return { dir, config, pem }
}

test('a store is verified, its evidence and one digest are taken away, and both check out elsewhere', async () => {
  const { dir, config, pem } = await makeCollector()
  expect(JSON.parse(await chuangping('verify', '--config', config, '--json'))).toMatchObject({ ok: true, notes: [] })
  const [evidence, digest] = [join(dir, 'evidence.cbor'), join(dir, 'digest.json')]
  const written = JSON.parse(await chuangping('evidence', 'export', '--config', config, '--out', evidence, '--json'))
  expect(written).toMatchObject({ ok: true, entries: 6, key: expect.stringMatching(/^[0-9a-f]{64}$/) })
  await expect(chuangping('evidence', 'export', '--config', config, '--out', evidence)).rejects.toMatchObject({
    code: 1,
  })
  expect(await chuangping('verify', '--evidence', evidence, '--key', pem)).toContain('nothing is wrong')
  const asked = ['digest', 'export', '--config', config, '--day', '2026-03-02', '--hall', 'hall-a']
  expect(await chuangping(...asked, '--out', digest)).toContain('2 entries')
  expect(JSON.parse(await chuangping(...asked))).toEqual(JSON.parse(readFileSync(digest, 'utf8')))
  await expect(chuangping(...asked, '--hall', 'hall-z', '--out', `${digest}.z`)).rejects.toMatchObject({ code: 1 })
  expect(existsSync(`${digest}.z`)).toBe(false)
  // Nothing that is given away holds a grade or, in a digest, a case number.
  expect(readFileSync(evidence, 'latin1')).not.toContain('satisfied')
  expect(readFileSync(digest, 'utf8')).not.toMatch(/satisfied|C1"/)
})
