import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, describe, expect, test } from 'vitest'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { shareFullStore } from '#collector/fixtures/full-store.ts'
import { tamper } from '#collector/fixtures/tamper.ts'
import { findEntry } from '#collector/verify/find-entry.ts'
import { toHex } from '#protocol/codec.ts'
import { GRADES } from '#protocol/grades.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { addEntryCommands } from './entry.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../test/vectors/${name}.json`, import.meta.url), 'utf8'))
const keys = vectors<Record<string, { private: string; public: string }>>('keys')
const chain = vectors<{ box: string; entries: { bytes: string; entry: { kind: string } }[] }[]>('chains')[0]!
const rating = chain.entries.find(({ entry }) => entry.kind === 'rating')!.bytes

afterEach(() => {
  process.exitCode = 0
})

async function show(...args: string[]) {
  const said: { value?: { message: string; checks: object; rating?: unknown }; lines?: string; fault?: string } = {}
  const terminal: Terminal = {
    ...createTerminal({ LANG: 'zh_CN.UTF-8' }),
    print: (_options, value, lines) => Object.assign(said, { value, lines: lines() }),
    fail: (_options, { code }) => Object.assign(said, { fault: code }),
  }
  const program = new Command('chuangping')
  addEntryCommands(program, terminal)
  await program.parseAsync(['entry', 'show', ...args], { from: 'user' })
  return said
}

function pem(name: 'box' | 'collector' | 'opening', part: 'private' | 'public'): string {
  const file = join(temporaryFolder(), `${name}.pem`)
  const der = Buffer.from(keys[name]![part], 'hex')
  const key =
    part === 'private'
      ? createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' })
      : createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'pem', type: 'spki' })
  writeFileSync(file, key)
  return file
}

describe('entry show', () => {
  test.each([
    ['batch', 'batches', 'box'],
    ['receipt', 'receipts', 'collector'],
    ['prompt-request', 'prompt-requests', 'collector'],
    ['time-answer', 'time-answers', 'collector'],
  ] as const)('says of a %s whether its signature holds', async (message, name, signer) => {
    const [{ bytes }] = vectors<[{ bytes: string }]>(name)
    const good = await show(bytes, '--key', pem(signer, 'public'))
    expect(good.value).toMatchObject({ message, checks: { signature: true } })
    expect(good.lines).toContain('✓ 签名 成立')
    const bad = await show(bytes, '--key', pem(signer === 'box' ? 'collector' : 'box', 'public'))
    expect(bad.value).toMatchObject({ checks: { signature: false } })
    expect(process.exitCode).toBe(1)
  })

  test('reads hex from a file, with line breaks, and raw bytes too', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'hex'), `${rating.slice(0, 40)}\n${rating.slice(40)}\n`)
    writeFileSync(join(folder, 'raw'), Buffer.from(rating, 'hex'))
    for (const name of ['hex', 'raw']) {
      expect((await show(join(folder, name))).value).toMatchObject({ message: 'entry', value: { kind: 'rating' } })
    }
  })

  test('prints a grade only with the opening key, and only for the box it came from', async () => {
    const sealed = await show(rating)
    for (const grade of GRADES) expect(sealed.lines).not.toContain(grade)
    const opened = await show(rating, '--box', chain.box, '--opening-key', pem('opening', 'private'))
    expect(opened.value?.rating).toEqual({ grade: expect.stringMatching(new RegExp(`^(${GRADES.join('|')})$`)) })
    expect((await show(rating, '--box', 'box-other', '--opening-key', pem('opening', 'private'))).fault).toBe(
      'does-not-open',
    )
    expect((await show(rating, '--opening-key', pem('opening', 'private'))).fault).toBe('box-missing')
  })

  test('says what is wrong with what it cannot read', async () => {
    expect((await show('nothing-like-hex')).fault).toBe('bytes-not-readable')
    expect((await show('deadbeef')).fault).toBe('not-recognised')
    expect((await show()).fault).toBe('bytes-missing')
    expect((await show('--config', 'x.yaml')).fault).toBe('place-missing')
  })
})

describe('an entry looked up in a store', () => {
  const store = shareFullStore()

  test('holds by hash, signature and receipt; changed by one byte it does not, and is named', async () => {
    const collector = await createTestCollector()
    const box = collector.box('box-1')
    await collector.enrol(box)
    box.prompt({ case: '370000-1', service: 1 })
    box.prompt({ case: '370000-2', service: 1 })
    await collector.send('box-1', box.batch())
    const collectorKey = createPublicKey(collector.signingKey)
    const look = (seq: number, epoch?: Uint8Array) =>
      findEntry(collector.path, { box: 'box-1', seq, ...(epoch && { epoch }) }, collectorKey)
    expect(look(2)).toMatchObject({
      ok: true,
      value: { isHashRight: true, isLinked: true, isSigned: true, isReceipted: true },
    })
    expect(findEntry(collector.path, { box: 'collector', seq: 1 }, collectorKey)).toMatchObject({
      value: { isHashRight: true, isSigned: true },
    })
    expect(look(3)).toMatchObject({ ok: false, error: { code: 'unknown-entry' } })
    expect(look(1, new Uint8Array(16))).toMatchObject({ error: { code: 'unknown-entry' } })
    await collector.close()
    const { default: Database } = await import('better-sqlite3')
    const store = new Database(collector.path)
    for (const name of store.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'").pluck().all()) {
      store.exec(`DROP TRIGGER "${name}"`)
    }
    const row = store.prepare("SELECT bytes FROM evidence WHERE box = 'box-1' AND seq = 1").get() as { bytes: Buffer }
    const changed = toHex(row.bytes).replace(toHex(Buffer.from('370000-1')), toHex(Buffer.from('370000-9')))
    store.prepare("UPDATE evidence SET bytes = ? WHERE box = 'box-1' AND seq = 1").run(Buffer.from(changed, 'hex'))
    store.close()
    expect(look(1)).toMatchObject({ value: { isHashRight: false, isSigned: true } })
  })

  test('hangs on the entry before it, or on one that the collector gave up in its own chain; on nothing else', () => {
    const { path, keys: full } = store()
    const collectorKey = createPublicKey(full.signingKey)
    const look = (file: string, box: string, seq: number) => findEntry(file, { box, seq }, collectorKey)
    // Entries 3 and 4 of this box never came.
    expect(look(path, 'box-3', 5)).toMatchObject({ value: { isHashRight: true, isLinked: true } })
    expect(look(path, 'box-3', 1)).toMatchObject({ value: { isHashRight: true, isLinked: true } })
    const torn = tamper(path, ({ raw }) =>
      raw.exec(`update batches set previous = zeroblob(32) where box = 'box-3' and first_seq = 5`),
    )
    expect(look(torn, 'box-3', 5)).toMatchObject({ value: { isHashRight: false, isLinked: false } })
    const lost = tamper(path, ({ raw }) => raw.exec(`delete from evidence where box = 'box-3' and seq = 5`))
    expect(look(lost, 'box-3', 6)).toMatchObject({ value: { isLinked: false } })
  })
})
