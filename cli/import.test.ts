import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, describe, expect, test } from 'vitest'
import { createTestApi } from '#collector/fixtures/api.ts'
import type { TestBox } from '#collector/fixtures/box.ts'
import { createTestCollector } from '#collector/fixtures/core.ts'
import { sealParcel } from '#protocol/parcel.ts'
import { readReceiptsFile, writeReceiptsFile } from '#protocol/receipts-file.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { addImportCommands } from './import.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const boot = { kind: 'boot', body: { agent: '1.0.0' } } as const

afterEach(() => {
  process.exitCode = undefined
})

/** A collector that listens, a stick, and the command as people give it. */
async function setUp() {
  const collector = await createTestCollector()
  const folder = temporaryFolder()
  const stick = join(folder, 'stick')
  mkdirSync(stick)
  const { api, keyOf } = await createTestApi(collector)
  const url = await api.listen({ host: '127.0.0.1', port: 0 })
  const keyFor = (scope: 'fleet:write' | 'read') => {
    writeFileSync(join(folder, `${scope}.key`), `${keyOf(scope.replace(':', '-'), [scope])}\n`)
    return join(folder, `${scope}.key`)
  }
  const keyFile = keyFor('fleet:write')

  async function write(name: string, ...batches: Uint8Array[]): Promise<string> {
    const pieces: Uint8Array[] = []
    for await (const piece of sealParcel(collector.openingPublic, batches)) pieces.push(piece)
    writeFileSync(join(stick, name), Buffer.concat(pieces))
    return join(stick, name)
  }

  async function run(
    files: string[],
    options: { key?: string; url?: string; more?: string[]; language?: string } = {},
  ) {
    // biome-ignore lint/suspicious/noExplicitAny: one JSON value of the command
    const said: { value?: any; lines?: string; fault?: { code: string; detail: string } } = {}
    const terminal: Terminal = {
      ...createTerminal({ LANG: options.language ?? 'C' }),
      print: (_options, value, lines) => Object.assign(said, { value, lines: lines() }),
      fail: (_options, fault) => Object.assign(said, { fault }),
    }
    const program = new Command('chuangping')
    addImportCommands(program, terminal)
    const args = ['import', ...files, '--receipts', stick, '--key-file', options.key ?? keyFile]
    await program.parseAsync([...args, '--collector', options.url ?? url, ...(options.more ?? [])], { from: 'user' })
    return said
  }

  async function enrolled(name: string, entries: number): Promise<TestBox> {
    const box = collector.box(name)
    await collector.enrol(box)
    box.write(...Array.from({ length: entries }, () => boot))
    return box
  }

  /** What the file of receipts on the stick says, box by box. */
  function receipts() {
    const read = readReceiptsFile(readFileSync(join(stick, 'chuangping-receipts.txt')))
    if (!read.ok) throw new Error(read.error.detail)
    return read.value.map(({ receipt }) => [receipt.box, receipt.seq])
  }

  return { collector, stick, folder, url, keyFor, write, run, enrolled, receipts }
}

describe('chuangping import', () => {
  test('takes files of many boxes in any order, and writes one file of receipts for all of them', async () => {
    const { enrolled, write, run, receipts } = await setUp()
    const one = await enrolled('box-1', 12)
    const two = await enrolled('box-2', 3)
    // By the shell's order the later part comes first.
    const files = [
      await write('a.parcel', one.batch(7, 12)),
      await write('b.parcel', one.batch(1, 6)),
      await write('c.parcel', two.batch()),
    ]
    const { value, lines } = await run(files)
    expect(value).toMatchObject({
      ok: true,
      files: [
        { ok: true, entries: { new: 6, known: 0 }, chains: [{ box: 'box-1', committed: 12 }] },
        { ok: true, entries: { new: 6 } },
        { ok: true, entries: { new: 3 } },
      ],
    })
    expect(process.exitCode).toBeUndefined()
    expect(lines).toContain('a.parcel: 6 new entries, 0 known before')
    expect(receipts()).toEqual([
      ['box-1', 12],
      ['box-2', 3],
    ])
  })

  test('adds to the receipts that are on the stick already, the newest of each box', async () => {
    const { enrolled, write, run, receipts } = await setUp()
    const one = await enrolled('box-1', 12)
    const two = await enrolled('box-2', 3)
    await run([await write('a.parcel', one.batch(1, 6))])
    await run([await write('b.parcel', two.batch())])
    await run([await write('c.parcel', one.batch(7, 12))])
    expect(receipts()).toEqual([
      ['box-1', 12],
      ['box-2', 3],
    ])
  })

  test('never writes over a file that is something else, and takes nothing then', async () => {
    const { enrolled, write, run, stick, collector } = await setUp()
    const box = await enrolled('box-1', 2)
    writeFileSync(join(stick, 'chuangping-receipts.txt'), '会议纪要')
    const { fault } = await run([await write('a.parcel', box.batch())])
    expect(fault).toMatchObject({ code: 'file-exists', detail: expect.stringContaining('chuangping-receipts.txt') })
    expect(collector.receipts('box-1')).toEqual([])
    expect(readFileSync(join(stick, 'chuangping-receipts.txt'), 'utf8')).toBe('会议纪要')
  })

  test('takes a damaged file up to the damage, says where that is, and still gives the receipts', async () => {
    const { enrolled, write, run, receipts } = await setUp()
    const box = await enrolled('box-1', 300)
    const file = await write('a.parcel', box.batch(1, 60), box.batch(61, 300))
    writeFileSync(file, readFileSync(file).subarray(0, 70 + 16_400 + 500))
    const { value, lines } = await run([file], { language: 'zh_CN.UTF-8' })
    expect(value).toMatchObject({
      ok: false,
      files: [{ ok: false, problem: { code: 'parcel-cut' }, entries: { new: 60 }, fault: { code: 'parcel-cut' } }],
    })
    expect(process.exitCode).toBe(1)
    expect(lines).toMatch(/没有读完 parcel-cut: it ends inside chunk 2 \(bytes 16470 to 16969\)/)
    expect(receipts()).toEqual([['box-1', 60]])
  })

  test('leaves what is behind missing entries, until a person gives them up', async () => {
    const { enrolled, write, run, receipts } = await setUp()
    const box = await enrolled('box-1', 12)
    const file = await write('a.parcel', box.batch(5, 8), box.batch(9, 12))
    const waits = await run([file], { language: 'zh_CN.UTF-8' })
    expect(waits.value.files).toMatchObject([{ ok: false, problem: { code: 'missing-before' }, entries: { new: 0 } }])
    expect(waits.lines).toContain('缺第 1–4 条')
    expect(receipts()).toEqual([['box-1', 0]])
    process.exitCode = undefined
    const given = await run([file], { more: ['--give-up-missing'] })
    expect(given.value).toMatchObject({ ok: true, files: [{ entries: { new: 8 } }] })
    expect(receipts()).toEqual([['box-1', 12]])
  })

  test('with --give-up-missing gives nothing up that another file at hand has', async () => {
    const { enrolled, write, run, collector } = await setUp()
    const box = await enrolled('box-1', 12)
    const files = [await write('a.parcel', box.batch(7, 12)), await write('b.parcel', box.batch(1, 6))]
    expect((await run(files, { more: ['--give-up-missing'] })).value).toMatchObject({ ok: true })
    expect(await collector.core.verbs.listGaps()).toEqual([])
  })

  test('names the batches that were set aside, and the rest of the files is taken', async () => {
    const { enrolled, write, run, collector } = await setUp()
    const box = await enrolled('box-1', 2)
    const stranger = collector.box('box-9')
    stranger.write(boot)
    const { value, lines } = await run([
      await write('a.parcel', stranger.batch()),
      await write('b.parcel', box.batch()),
    ])
    expect(value.files).toMatchObject([
      { ok: false, problem: { code: 'batches-refused' }, refused: [{ box: 'box-9', code: 'not-enrolled' }] },
      { ok: true, entries: { new: 2 } },
    ])
    expect(lines).toContain('box-9 1–1 not taken, set aside, not-enrolled')
  })

  test.each([
    ['is not there', 'nowhere.parcel', undefined, 'file-not-readable'],
    ['holds receipts', 'r.txt', writeReceiptsFile([]), 'not-a-parcel'],
    ['is something else', 'x.pdf', '%PDF-1.7', 'not-a-parcel'],
    ['is empty', 'e.parcel', '', 'not-a-parcel'],
    ['is of a later version', 'v.parcel', 'chuangping parcel v2 0123456789abcdef\n', 'unknown-version'],
  ])('says of a file that %s what it is', async (_, name, content, code) => {
    const { run, stick } = await setUp()
    if (content !== undefined) writeFileSync(join(stick, name), content)
    const { value } = await run([join(stick, name)])
    expect(value).toMatchObject({ ok: false, files: [{ ok: false, problem: { code } }], receipts: { receipts: 0 } })
    expect(process.exitCode).toBe(1)
  })

  test('needs a key for it, and a collector that runs', async () => {
    const { enrolled, write, run, keyFor } = await setUp()
    const box = await enrolled('box-1', 400)
    const file = await write('a.parcel', box.batch())
    expect((await run([file], { key: keyFor('read') })).value.files).toMatchObject([
      { problem: { code: 'scope-missing' } },
    ])
    expect((await run([file], { key: '/nowhere.key' })).fault).toMatchObject({ code: 'file-not-readable' })
    const { value } = await run([file], { url: 'http://127.0.0.1:1' })
    expect(value.files).toMatchObject([{ problem: { code: 'collector-not-reachable' } }])
  })
})
