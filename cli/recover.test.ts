import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openJournal } from '#agent/journal/journal.ts'
import { toHex } from '#protocol/codec.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { startTestCollector } from '#test/helpers/collector.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { addRecoverCommands } from './recover.ts'
import { createTerminal, type Terminal } from './terminal.ts'

afterEach(() => {
  process.exitCode = undefined
  vi.restoreAllMocks()
})

/** A card with `entries` in its journal, and the command as people give it. */
async function setUp(entries = 20) {
  const dir = temporaryFolder()
  const made = await createDevelopmentIdentities({ dir, boxes: ['box-1'], brokerHosts: ['localhost', '127.0.0.1'] })
  if (!made.ok) throw new Error(made.error.detail)
  const card = join(dir, 'card')
  mkdirSync(card)
  renameSync(join(dir, 'boxes/box-1'), join(card, 'identity'))
  const journal = open(card)
  for (let n = 0; n < entries / 2; n++) {
    const prompt = randomBytes(16)
    const service = { case: `MARKED-${n}`, service: 1 }
    journal.append('prompt', { prompt, window: 'A01', origin: 'panel', for: service })
    journal.append('outcome', { prompt, outcome: 'timed-out' })
  }
  const epoch = journal.epoch
  journal.close()

  async function run(args: string[], language = 'C') {
    // biome-ignore lint/suspicious/noExplicitAny: one JSON value of the command
    const said: { value?: any; lines: string; fault?: { code: string; detail: string } } = { lines: '' }
    const terminal: Terminal = {
      ...createTerminal({ LANG: language }),
      print: (_options, value, lines) => Object.assign(said, { value, lines: said.lines + lines() }),
      fail: (_options, fault) => Object.assign(said, { fault }),
    }
    vi.spyOn(process.stdout, 'write').mockImplementation(text => {
      said.lines += text
      return true
    })
    const program = new Command('chuangping')
    addRecoverCommands(program, terminal)
    await program.parseAsync(['recover', card, ...args], { from: 'user' })
    vi.restoreAllMocks()
    return { ...said, exitCode: process.exitCode }
  }
  return { dir, card, run, epoch }
}

function open(card: string) {
  const opened = openJournal({ directory: join(card, 'journal'), box: 'box-1', clock: createFakeClock(), randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  return opened.value
}

function spoil(card: string, from: number, to: number) {
  const path = join(card, 'journal/journal.db')
  const bytes = readFileSync(path)
  bytes.subarray(from, to).fill(0)
  writeFileSync(path, bytes)
}

/** Every file of a folder, with its bytes. */
function filesBelow(folder: string) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => [
      join(entry.parentPath, entry.name),
      readFileSync(join(entry.parentPath, entry.name)).toString('base64'),
    ])
    .sort()
}

describe('chuangping recover', () => {
  test('says what a card holds, of no case and no grade, and writes nothing to it', async () => {
    const { card, run, epoch } = await setUp()
    const before = filesBelow(card)
    const { lines, value, exitCode } = await run(['--show', '--json'], 'zh_CN.UTF-8')
    expect(value).toMatchObject({
      ok: true,
      box: 'box-1',
      entries: 20,
      epochs: [{ epoch: toHex(epoch), from: 'journal', first: 1, last: 20, entries: 20, receiptedUpTo: 0, holes: [] }],
      unreadable: [],
    })
    expect(exitCode).toBeUndefined()
    const said = await run(['--show'], 'zh_CN.UTF-8')
    expect(said.lines).toContain('盒子 box-1：20 条，1 段日志链')
    expect(lines + said.lines + JSON.stringify(value)).not.toContain('MARKED')
    expect(filesBelow(card)).toEqual(before)
  })

  test('tells a card whose pages are gone from a whole one', async () => {
    const { card, run } = await setUp(60)
    const at = readFileSync(join(card, 'journal/journal.db')).indexOf('MARKED-15')
    spoil(card, at - (at % 1024), at - (at % 1024) + 1024)
    const { value, exitCode } = await run(['--show', '--json'])
    expect(value.epochs[0].holes).toHaveLength(1)
    expect(value.entries).toBeGreaterThan(50)
    expect(exitCode).toBe(3)
  })

  test('delivers it over the network, also one that SQLite reads no more, and twice changes nothing', async () => {
    const { dir, card, run, epoch } = await setUp(600)
    spoil(card, 0, 100)
    const collector = await startTestCollector(dir)
    const broker = ['--broker', collector.brokerUrl!]
    const { value, exitCode } = await run([...broker, '--json'])
    expect(value).toMatchObject({ ok: true, entries: 600, delivered: 600, left: 0, why: 'delivered' })
    expect(exitCode).toBeUndefined()
    const again = await run(broker)
    expect(again.lines).toContain('Every entry has the receipt of the collector.')
    // The page follows the evidence.
    const view = async () => ((await collector.get('/v1/boxes')) as object[])[0]
    await expect
      .poll(view, { timeout: 5_000 })
      .toMatchObject({ committed: { seq: 600, epoch: toHex(epoch) }, findings: [] })
  })

  test('ends with 4 when nothing moves, and says so', async () => {
    const { run } = await setUp()
    vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const { value, exitCode } = await run(['--broker', 'mqtts://127.0.0.1:1', '--timeout', '200ms', '--json'])
    expect(value).toMatchObject({ ok: false, left: 20, why: 'no-progress' })
    expect(exitCode).toBe(4)
  })

  test('writes a parcel where there is no network', async () => {
    const { dir, run } = await setUp()
    const file = join(dir, 'box.parcel')
    const { value } = await run(['--to', file, '--json'])
    expect(value).toMatchObject({ ok: true, entries: 20, file })
    expect(readFileSync(file).length).toBe(value.bytes)
  })

  test('says what is missing of a folder that is no card', async () => {
    const { card, run } = await setUp()
    expect((await run(['--journal', join(card, 'nowhere')])).fault).toMatchObject({ code: 'no-journal' })
    expect((await run(['--identity', join(card, 'nowhere')])).fault).toMatchObject({ code: 'file-not-readable' })
    expect((await run(['--timeout', 'soon'])).fault).toMatchObject({ code: 'bad-duration' })
  })
})
