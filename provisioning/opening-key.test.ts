import { createPublicKey } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { toHex } from '#protocol/codec.ts'
import { EnrolmentSchema } from '#protocol/enrolment.ts'
import { openingKeyId } from '#protocol/sealing.ts'
import { loadYaml } from '#runtime/configuration.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createDevelopmentIdentities } from './development.ts'
import { rotateOpeningKey } from './opening-key.ts'

async function identities() {
  const dir = temporaryFolder()
  const make = async (...boxes: string[]) => {
    const made = await createDevelopmentIdentities({ dir, boxes, brokerHosts: ['localhost'], brokerPort: 8884 })
    if (!made.ok) throw new Error(made.error.detail)
  }
  await make('box-1', 'box-2')
  const enrolment = (box: string) => {
    const read = loadYaml(join(dir, 'boxes', box, 'enrolment.yaml'), EnrolmentSchema)
    if (!read.ok) throw new Error(read.error.detail)
    return read.value
  }
  return {
    dir,
    make,
    enrolment,
    keys: () => readdirSync(join(dir, 'collector/opening')).sort(),
    sealsTo: (box: string) => toHex(openingKeyId(createPublicKey(enrolment(box).collector.openingKey))),
  }
}

test('rotating tells every box the new key and nothing else, and the old key stays with the collector', async () => {
  const made = await identities()
  const before = made.enrolment('box-1')
  const [old] = made.keys()
  const rotated = rotateOpeningKey(made.dir)
  if (!rotated.ok) throw new Error(rotated.error.detail)
  const { key, retired, boxes } = rotated.value
  expect({ retired, boxes }).toEqual({ retired: [old!.replace('.key', '')], boxes: ['box-1', 'box-2'] })
  expect(made.keys()).toEqual([old, `${key}.key`].sort())
  expect([made.sealsTo('box-1'), made.sealsTo('box-2')]).toEqual([key, key])
  const after = made.enrolment('box-1')
  expect({ ...after, collector: { ...after.collector, openingKey: '' } }).toEqual({
    ...before,
    collector: { ...before.collector, openingKey: '' },
  })
  expect(statSync(join(made.dir, 'collector/opening', `${key}.key`)).mode & 0o777).toBe(0o600)
})

test('a box added later seals to the new key, whatever the times of the files, and a second run changes nothing', async () => {
  const made = await identities()
  const [old] = made.keys()
  const rotated = rotateOpeningKey(made.dir)
  // A folder restored from a backup: the retired key looks like the newest.
  utimesSync(join(made.dir, 'collector/opening', old!), 4e9, 4e9)
  await made.make('box-1', 'box-2', 'box-3')
  expect(rotated).toMatchObject({ value: { key: made.sealsTo('box-3') } })
  expect(made.sealsTo('box-1')).toBe(made.sealsTo('box-3'))
  expect(made.keys()).toHaveLength(2)
})

test('identities made before rotation was thought of keep their key', async () => {
  const made = await identities()
  const before = made.sealsTo('box-1')
  rmSync(join(made.dir, 'collector/opening.pub'))
  await made.make('box-1', 'box-3')
  expect([made.sealsTo('box-1'), made.sealsTo('box-3')]).toEqual([before, before])
})

test('nothing is written when one enrolment cannot be read, or when there is nothing to rotate', async () => {
  const made = await identities()
  const before = made.sealsTo('box-1')
  writeFileSync(join(made.dir, 'boxes/box-2/enrolment.yaml'), 'box: [')
  expect(rotateOpeningKey(made.dir)).toMatchObject({ ok: false })
  expect(made.sealsTo('box-1')).toBe(before)
  expect(made.keys()).toHaveLength(1)
  expect(rotateOpeningKey(join(made.dir, 'nowhere'))).toMatchObject({ error: { code: 'no-identities' } })
})

test('the public key that enrols boxes is there without any private key', async () => {
  const made = await identities()
  const pem = readFileSync(join(made.dir, 'collector/opening.pub'), 'utf8')
  expect(pem).toBe(made.enrolment('box-1').collector.openingKey)
  expect(pem).not.toContain('PRIVATE')
})
