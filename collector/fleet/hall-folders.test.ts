import { X509Certificate } from 'node:crypto'
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createTestIdentities } from '#collector/fixtures/identities.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { watchBoxCertificates } from './enrolments.ts'

/** A folder of certificates that is watched, and what is told of it. */
async function setUp(place: (folder: string, certificate: (box: string) => string) => void) {
  const dir = temporaryFolder()
  await createTestIdentities(dir, ['box-1', 'box-2'])
  const folder = join(dir, 'boxes-of-halls')
  mkdirSync(folder)
  place(folder, box => join(dir, 'boxes', box, 'box.crt'))
  const told: string[] = []
  let wake = () => {}
  const tell = (what: string) => {
    told.push(what)
    wake()
  }
  const watched = await watchBoxCertificates({
    folder,
    ca: new X509Certificate(readFileSync(join(dir, 'collector/ca.crt'))),
    onCertificate: async ({ box, hall }) => tell(`${box} in ${hall}`),
    onRefused: (box, { code }) => tell(`${box} ${code}`),
  })
  onTestFinished(watched.stop)
  const until = async (what: string) => {
    while (!told.includes(what)) await new Promise<void>(resolve => (wake = resolve))
  }
  return { folder, told, until }
}

test('the folder a certificate lies in names the hall of its box; without one it is the default', async () => {
  const { told } = await setUp((folder, certificate) => {
    mkdirSync(join(folder, 'hall-a'))
    copyFileSync(certificate('box-1'), join(folder, 'hall-a/box-1.crt'))
    copyFileSync(certificate('box-2'), join(folder, 'box-2.crt'))
  })
  expect(told.sort()).toEqual(['box-1 in hall-a', 'box-2 in default'])
})

test('a certificate that is put into another hall, also a new one, is seen without a restart', async () => {
  const { folder, until } = await setUp((made, certificate) => {
    copyFileSync(certificate('box-1'), join(made, 'box-1.crt'))
  })
  mkdirSync(join(folder, 'hall-b'))
  renameSync(join(folder, 'box-1.crt'), join(folder, 'hall-b/box-1.crt'))
  await until('box-1 in hall-b')
})

test('a box in two halls at once is in neither until one is left, and a hall has a name that can be one', async () => {
  const { folder, told, until } = await setUp((made, certificate) => {
    for (const hall of ['hall-a', 'hall-b', 'Hall Z', 'collector']) mkdirSync(join(made, hall))
    copyFileSync(certificate('box-1'), join(made, 'hall-a/box-1.crt'))
    copyFileSync(certificate('box-1'), join(made, 'hall-b/box-1.crt'))
    copyFileSync(certificate('box-2'), join(made, 'Hall Z/box-2.crt'))
  })
  expect(told.sort()).toEqual(['box-1 box-in-two-halls', 'box-2 hall-not-valid'])
  rmSync(join(folder, 'hall-a/box-1.crt'))
  await until('box-1 in hall-b')
  renameSync(join(folder, 'Hall Z/box-2.crt'), join(folder, 'collector/box-2.crt'))
  expect(told).not.toContain('box-2 in collector')
})
