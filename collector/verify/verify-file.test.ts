import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { shareFullStore } from '#collector/fixtures/full-store.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { writeEvidenceFile } from './evidence-file.ts'
import { openStoreSource } from './store-source.ts'
import { verifyEvidenceFile } from './verify-file.ts'

const store = shareFullStore()

function exported() {
  const file = join(temporaryFolder(), 'evidence.cbor')
  const source = openStoreSource(store().path)
  const written = writeEvidenceFile(source, file, createPublicKey(store().keys.signingKey))
  source.close()
  if (!written.ok) throw new Error(written.error.detail)
  return { file, ...written.value }
}

function verify(path: string, options: { collectorKey?: ReturnType<typeof createPublicKey> } = {}) {
  return verifyEvidenceFile({ path, workFolder: temporaryFolder(), everySignature: true, ...options })
}

test('an exported file holds all evidence and checks out, with the key given or, and that is said, with its own', () => {
  const { file, entries, batches } = exported()
  const collectorKey = createPublicKey(store().keys.signingKey)
  expect(verify(file, { collectorKey })).toMatchObject({
    ok: true,
    value: { entries, batches, faults: [], notes: [{ code: 'tables-not-compared' }], prompts: { open: 0 } },
  })
  expect(verify(file)).toMatchObject({
    value: { faults: [], notes: [{ code: 'key-from-the-file' }, { code: 'tables-not-compared' }] },
  })
  const another = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
  const verified = verify(file, { collectorKey: another })
  expect(verified.ok && verified.value.faultCount).toBeGreaterThan(0)
})

test('whatever byte of a file is changed, something is found, and where it is an entry’s, that entry', () => {
  const { file } = exported()
  const good = readFileSync(file)
  const changed = `${file}.changed`
  for (let at = 130; at < good.length; at += Math.floor(good.length / 60)) {
    const bytes = Buffer.from(good)
    bytes[at]! ^= 1
    writeFileSync(changed, bytes)
    const verified = verify(changed, { collectorKey: createPublicKey(store().keys.signingKey) })
    expect(verified.ok ? verified.value.faultCount : 1, `byte ${at}`).toBeGreaterThan(0)
  }
  const [at, bytes] = [good.indexOf('citizen-left'), Buffer.from(good)]
  bytes[at]! ^= 1
  writeFileSync(changed, bytes)
  const verified = verify(changed)
  expect(verified.ok && verified.value.faults[0]).toMatchObject({
    table: 'evidence',
    code: 'entry-altered',
    box: 'box-1',
  })
})

/** Where each byte string of a sequence lies. */
function itemsOf(file: Buffer): { from: number; to: number }[] {
  const items: { from: number; to: number }[] = []
  for (let at = 0; at < file.length; ) {
    const size = { 88: 1, 89: 2, 90: 4 }[file[at]!] ?? 0
    const length = size === 0 ? file[at]! - 0x40 : file.readUIntBE(at + 1, size)
    items.push({ from: at, to: at + 1 + size + length })
    at = items.at(-1)!.to
  }
  return items
}

test('a file that was cut short, joined, or is none says so', () => {
  const { file } = exported()
  const good = readFileSync(file)
  const other = `${file}.other`
  const items = itemsOf(good)
  const lastBatch = items.at(-2)!
  const without = Buffer.concat([good.subarray(0, lastBatch.from), good.subarray(lastBatch.to)])
  for (const [bytes, found] of [
    [without, { ok: true, value: { faults: [{ code: 'cut-short' }] } }],
    [good.subarray(0, good.length - 30), { ok: true, value: { faults: [{ code: 'cut-short' }] } }],
    [good.subarray(0, good.length >> 1), { ok: true, value: { faults: [{ code: 'cut-short' }] } }],
    [Buffer.concat([good, good]), { ok: true, value: { faults: [{ code: 'file-not-readable' }] } }],
    [Buffer.from('{"format":"another"}'), { ok: false, error: { code: 'evidence-not-readable' } }],
    [Buffer.alloc(0), { ok: false, error: { code: 'evidence-not-readable' } }],
  ] as const) {
    writeFileSync(other, bytes)
    expect(verify(other)).toMatchObject(found)
  }
  expect(verify(`${file}.missing`)).toMatchObject({ ok: false, error: { code: 'evidence-not-readable' } })
})
