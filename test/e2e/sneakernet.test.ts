import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { addKey } from '#collector/api/keyring.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { startTestBox } from '#test/helpers/box.ts'
import { startTestCollector } from '#test/helpers/collector.ts'
import { createRecordingRelay } from '#test/helpers/recording-relay.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const MAIN = join(import.meta.dirname, '../../cli/main.ts')

/** The command line as IT staff use it; every answer is one JSON value. */
async function chuangping(cwd: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args, '--json'], { cwd, env: { ...process.env, ...env } })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', piece => (stdout += piece))
  child.stderr.on('data', piece => (stderr += piece))
  const [exitCode] = await once(child, 'close')
  if (!stdout) throw new Error(stderr)
  return { exitCode, ...JSON.parse(stdout) }
}

/** A village: a box and its collector, and between them a line that is down until it comes up. */
async function village() {
  const dir = temporaryFolder()
  let brokerPort = 1
  const relay = await createRecordingRelay(() => brokerPort)
  onTestFinished(relay.close)
  const made = await createDevelopmentIdentities({
    dir,
    boxes: ['village-7'],
    brokerHosts: ['localhost', '127.0.0.1'],
    brokerPort: relay.port,
  })
  if (!made.ok) throw new Error(made.error.detail)
  const collector = await startTestCollector(dir)
  const key = addKey(join(dir, 'api-keys.yaml'), 'importer', ['fleet:write'])
  if (!key.ok) throw new Error(key.error.detail)
  const boxDir = join(dir, 'box')
  const stick = join(dir, 'stick')
  mkdirSync(boxDir)
  mkdirSync(stick)
  const identity = join(dir, 'boxes/village-7')
  return {
    collector,
    boxDir,
    stick,
    startBox: () => startTestBox(boxDir, identity),
    lineUp: () => {
      brokerPort = Number(new URL(collector.brokerUrl!).port)
    },
    exportTo: (to = '../stick') => chuangping(boxDir, ['export', '--config', 'agent.yaml', '--to', to]),
    take: (file = '../stick/back.txt') => chuangping(boxDir, ['receipts', 'take', file, '--config', 'agent.yaml']),
    importAll: (files = parcelsIn(stick)) =>
      chuangping(stick, ['import', ...files, '--receipts', 'back.txt', '--collector', collector.url], {
        CHUANGPING_API_KEY: key.value,
      }),
  }
}

const parcelsIn = (stick: string) => readdirSync(stick).filter(name => name.endsWith('.parcel'))
const service = (n: number) => ({ case: `MARKED-${n}`, service: 1 })

/** Nobody registered the services, so every rating is in the pool; one that came twice would be there twice. */
async function rated(collector: { get(path: string): Promise<unknown> }) {
  const pool = (await collector.get('/v1/pool?limit=100')) as { case: string; grade: string }[]
  return pool.map(one => `${one.case} ${one.grade}`).sort()
}

test('ratings of a village without a link arrive by stick, once, and the receipts come back the same way', async () => {
  const one = await village()
  let box = await one.startBox()
  for (const n of [1, 2, 3]) await box.rate(service(n), 'satisfied')

  const exported = await one.exportTo()
  expect(exported).toMatchObject({ exitCode: 0, ok: true, entries: exported.parts[0].to })
  const [name] = parcelsIn(one.stick)
  const parcel = readFileSync(join(one.stick, name!))
  for (const word of ['MARKED', 'village', 'A01', 'satisfied']) {
    expect(parcel.includes(word), word).toBe(false)
    expect(name).not.toContain(word)
  }

  const arrived = ['MARKED-1 satisfied', 'MARKED-2 satisfied', 'MARKED-3 satisfied']
  const first = await one.importAll()
  expect(first).toMatchObject({
    exitCode: 0,
    ok: true,
    files: [
      { entries: { new: exported.entries, known: 0 }, chains: [{ box: 'village-7', committed: exported.entries }] },
    ],
    receipts: { receipts: 1 },
  })
  await expect.poll(() => rated(one.collector)).toEqual(arrived)
  for (const _ of ['twice', 'three times']) {
    expect((await one.importAll()).files).toMatchObject([{ entries: { new: 0, known: exported.entries } }])
  }
  expect(await rated(one.collector)).toEqual(arrived)

  await box.rate(service(4), 'dissatisfied')
  const taken = await one.take()
  expect(taken).toMatchObject({ exitCode: 0, ok: true, taken: [{ seq: exported.entries }], refused: [] })
  expect(taken.backlog).toBeGreaterThan(0)
  expect((await box.state(({ backlog }) => backlog === taken.backlog)).link).toBe('offline')
  expect(box.lines.some(line => line.includes('journal-refused'))).toBe(false)

  // The agent is stopped: the command opens the journal itself.
  await box.close()
  const second = await one.exportTo('../stick/second.parcel')
  expect(second).toMatchObject({ exitCode: 0, entries: taken.backlog, parts: [{ after: exported.entries }] })
  expect(await one.importAll(['second.parcel'])).toMatchObject({
    exitCode: 0,
    files: [{ entries: { new: taken.backlog } }],
  })
  expect(await one.take()).toMatchObject({ exitCode: 0, backlog: 0 })
  expect(await one.exportTo('../stick/third.parcel')).toMatchObject({ exitCode: 0, entries: 0 })
  expect(parcelsIn(one.stick)).not.toContain('third.parcel')

  // The line comes up: what is new goes over it, and nothing twice.
  box = await one.startBox()
  await box.rate(service(5), 'very-satisfied')
  one.lineUp()
  await box.state(({ link, backlog }) => link === 'online' && backlog === 0)
  await expect
    .poll(() => rated(one.collector))
    .toEqual([...arrived, 'MARKED-4 dissatisfied', 'MARKED-5 very-satisfied'])
  expect(await one.importAll(['second.parcel'])).toMatchObject({ files: [{ entries: { new: 0 } }] })
  expect(await rated(one.collector)).toHaveLength(5)
})
