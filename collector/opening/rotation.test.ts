import { createPublicKey } from 'node:crypto'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createTestBox, type TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { digestProjections } from '#collector/projection/dump.ts'
import { rebuildProjections } from '#collector/projection/projector.ts'
import { openStore } from '#collector/store/store.ts'
import { toHex } from '#protocol/codec.ts'
import { EnrolmentSchema } from '#protocol/enrolment.ts'
import { createSealer, openingKeyId, sealingContext } from '#protocol/sealing.ts'
import { rotateOpeningKey } from '#provisioning/opening-key.ts'
import { loadYaml } from '#runtime/configuration.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { openingKeys } from '#test/helpers/test-keys.ts'
import { createKeyRereader } from './key-folder.ts'
import { createOpening, readOpeningKeys } from './opening.ts'

const service = { case: '370000202611240001', service: 1 }

/** A collector of identities that were rotated, and the box as its enrolment says. */
async function identities() {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1'])
  const keys = join(dir, 'collector/opening')
  return {
    dir,
    keys,
    rotate() {
      const rotated = rotateOpeningKey(dir)
      if (!rotated.ok) throw new Error(rotated.error.detail)
      return rotated.value
    },
    sealer() {
      const enrolment = loadYaml(join(dir, 'boxes/box-1/enrolment.yaml'), EnrolmentSchema)
      if (!enrolment.ok) throw new Error(enrolment.error.detail)
      return createSealer(createPublicKey(enrolment.value.collector.openingKey))
    },
  }
}

async function sealedBy(made: Awaited<ReturnType<typeof identities>>) {
  const prompt = new Uint8Array(16)
  const prepared = await (await made.sealer()).prepare()
  return { prompt, sealed: await prepared.seal({ grade: 'satisfied' }, 'pad', sealingContext('box-1', prompt)) }
}

test('a key that was put into the folder opens at once; what was sealed to the old one opens too', async () => {
  const made = await identities()
  const before = await sealedBy(made)
  const told: string[] = []
  const opening = await createOpening(readOpeningKeys(made.keys), {
    reread: createKeyRereader(made.keys),
    onKeys: () => told.push('keys'),
    onMissing: key => told.push(key),
  })
  const { key } = made.rotate()
  const after = await sealedBy(made)
  expect(toHex(after.sealed.key)).toBe(key)
  const opened = await Promise.all(
    [before, after, after].map(({ prompt, sealed }) => opening.open('box-1', prompt, sealed)),
  )
  expect(opened).toEqual(Array(3).fill({ ok: true, value: { grade: 'satisfied' } }))
  expect(told).toEqual(['keys'])
})

test('a missing key is told once; a file that is no key changes nothing, and does not keep the next one out', async () => {
  const made = await identities()
  const before = await sealedBy(made)
  const told: string[] = []
  const opening = await createOpening(readOpeningKeys(made.keys), {
    reread: createKeyRereader(made.keys),
    onMissing: key => told.push(key),
  })
  const { key } = made.rotate()
  const file = join(made.keys, `${key}.key`)
  renameSync(file, join(made.dir, 'elsewhere.key'))
  writeFileSync(file, 'half a file')
  const { prompt, sealed } = await sealedBy(made)
  for (let i = 0; i < 3; i++) {
    expect(await opening.open('box-1', prompt, sealed)).toMatchObject({ error: { code: 'unknown-opening-key' } })
  }
  expect(told).toEqual([key])
  expect(await opening.open('box-1', before.prompt, before.sealed)).toMatchObject({ ok: true })
  renameSync(join(made.dir, 'elsewhere.key'), file)
  expect(await opening.open('box-1', prompt, sealed)).toMatchObject({ ok: true })
})

test('a rating sealed to a key nobody holds is kept and named with its key, and opens after a restart with it', async () => {
  const [old, fresh] = [openingKeys(), openingKeys()]
  const path = join(temporaryFolder(), 'collector.sqlite')
  const first = await createTestCollector({ path })
  const keys = { signingKey: first.signingKey, openingKey: old.privateKey }
  const box = createTestBox({ name: 'box-1', sealTo: fresh.publicKey })
  await first.enrol(box)
  await rateTwice(box)
  await first.core.verbs.registerService(service, 'test')
  await first.send('box-1', box.batch())
  expect(first.receipts('box-1').at(-1)?.seq).toBe(box.length())
  const key = toHex(openingKeyId(fresh.publicKey))
  expect(await first.core.verbs.findService(service.case, 1)).toMatchObject({
    why: 'rated',
    rating: { grade: null, unopened: 'unknown-opening-key', openingKey: key },
  })
  expect(await first.core.verbs.listPool(10)).toMatchObject([{ grade: null, openingKey: key }])
  expect(first.log.filter(line => line.includes('opening-key-missing'))).toHaveLength(1)
  await first.close()

  const second = await createTestCollector({ path, keys: { ...keys, openingKey: fresh.privateKey } })
  await second.settled()
  const rating = (await second.core.verbs.findService(service.case, 1))?.rating
  expect(rating).toMatchObject({ grade: 'dissatisfied', corrected: false })
  expect(rating).not.toHaveProperty('unopened')
  expect(await second.core.verbs.listPool(10)).toMatchObject([{ grade: 'satisfied' }])
  expect(await second.core.verbs.health()).toMatchObject({ oddities: 0 })
  await second.close()
  await expectSameAfterRebuild(path, fresh.privateKey)
})

/** One rating of a registered service, and one without a case. */
async function rateTwice(box: TestBox) {
  await box.rate(box.prompt(service), 'dissatisfied')
  await box.rate(box.prompt(), 'satisfied')
}

async function expectSameAfterRebuild(path: string, openingKey: Parameters<typeof createOpening>[0][number]) {
  const store = await openStore(path)
  if (!store.ok) throw new Error(store.error.detail)
  onTestFinished(store.value.close)
  const before = await digestProjections(store.value.db)
  await rebuildProjections(store.value.db, await createOpening([openingKey]))
  expect(await digestProjections(store.value.db)).toBe(before)
}
