import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { addKey } from '#collector/api/keyring.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { createCounterClient } from '#scripts/counter-client.ts'
import { startTestBox } from '#test/helpers/box.ts'
import { startTestCollector } from '#test/helpers/collector.ts'
import { createRecordingRelay } from '#test/helpers/recording-relay.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'

const service = (name: string) => ({ case: `MARKED-${name}`, service: 1 })

test('a card that was copied and runs in two boxes: one chain counts, the other is kept aside as forked, at once', async () => {
  const dir = temporaryFolder()
  let brokerPort = 0
  const relay = await createRecordingRelay(() => brokerPort)
  onTestFinished(relay.close)
  const made = await createDevelopmentIdentities({
    dir,
    boxes: ['box-1'],
    brokerHosts: ['localhost', '127.0.0.1'],
    brokerPort: relay.port,
  })
  if (!made.ok) throw new Error(made.error.detail)
  const key = addKey(join(dir, 'api-keys.yaml'), 'hall', ['services:write'])
  if (!key.ok) throw new Error(key.error.detail)
  const collector = await startTestCollector(dir)
  brokerPort = Number(new URL(collector.brokerUrl!).port)
  const client = createCounterClient({ collectorUrl: collector.url, apiKey: key.value } as never)
  for (const name of ['before', 'clone', 'genuine']) await client.register(service(name))
  const identity = join(dir, 'boxes/box-1')
  const [card, copy] = [join(dir, 'card'), join(dir, 'copy')]
  mkdirSync(card)

  const before = await startTestBox(card, identity)
  await before.rate(service('before'), 'satisfied')
  await before.state(({ backlog }) => backlog === 0)
  await before.close()
  cpSync(card, copy, { recursive: true })

  const genuine = await startTestBox(card, identity)
  await genuine.state(({ backlog }) => backlog === 0)
  let fatal: unknown
  const onFatal = (error: unknown) => {
    fatal = error
  }
  const clone = await startTestBox(copy, identity, { onFatal })
  await clone.rate(service('clone'), 'very-satisfied')
  const forked = async () => ((await collector.get('/v1/quarantine')) as { box: string; code: string }[]).at(-1)
  await expect.poll(forked, { interval: 20, timeout: 10_000 }).toMatchObject({ box: 'box-1', code: 'forked' })

  await genuine.rate(service('genuine'), 'dissatisfied')
  await genuine.state(({ backlog }) => backlog === 0)
  expect((await clone.state(() => true)).backlog).toBeGreaterThan(0)
  expect(await client.tied(service('genuine'))).toMatchObject({ grade: 'dissatisfied' })
  expect(await client.tied(service('before'))).toMatchObject({ grade: 'satisfied' })
  expect(await collector.get('/v1/services/MARKED-clone/1')).toMatchObject({ rating: null, why: 'not-prompted' })

  // The copy has learnt from the collector's signature that its journal goes on elsewhere. Started again, it begins
  // one of its own: what a citizen was thanked for arrives, and that there are two stays written for ever.
  await expect.poll(() => fatal).toMatchObject({ message: 'journal-contradicted' })
  await genuine.close()
  await clone.close()
  const begunAnew = await startTestBox(copy, identity)
  await begunAnew.state(({ backlog }) => backlog === 0)
  expect(await client.tied(service('clone'))).toMatchObject({ grade: 'very-satisfied' })
  const [box] = (await collector.get('/v1/boxes')) as { findings: { code: string }[] }[]
  expect(box!.findings.map(({ code }) => code)).toEqual(expect.arrayContaining(['forked', 'unexplained-end']))
})
