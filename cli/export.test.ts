import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { openJournal } from '#agent/journal/journal.ts'
import { createParcels } from '#agent/uplink/parcels.ts'
import { openStaffSocket, staffSocketPath } from '#agent/uplink/staff-socket.ts'
import { readParcel } from '#protocol/parcel.ts'
import { signReceipt } from '#protocol/receipt.ts'
import { writeReceiptsFile } from '#protocol/receipts-file.ts'
import { createOpener } from '#protocol/sealing.ts'
import { createDevelopmentIdentities } from '#provisioning/development.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { addExportCommands } from './export.ts'
import { createTerminal, type Terminal } from './terminal.ts'

afterEach(() => {
  process.exitCode = undefined
})

const strangers = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A box that has written some entries, its stick, and the commands as people give them. */
async function setUp(entries = 5) {
  const dir = temporaryFolder()
  const made = await createDevelopmentIdentities({ dir, boxes: ['box-1'], brokerHosts: ['localhost'] })
  if (!made.ok) throw new Error(made.error.detail)
  const stick = join(dir, 'stick')
  mkdirSync(stick)
  const config = join(dir, 'agent.yaml')
  // A profile that is nowhere: the agent would not start, and what it wrote must get out all the same.
  const windows = [{ window: 'A01', profile: 'no-such-pad', port: '/dev/null' }]
  writeFileSync(config, stringify({ identity: 'boxes/box-1', journal: 'journal', windows }))

  function journal() {
    const opened = openJournal({ directory: join(dir, 'journal'), box: 'box-1', clock: createFakeClock(), randomBytes })
    if (!opened.ok) throw new Error(opened.error.detail)
    onTestFinished(() => opened.value.close())
    return opened.value
  }
  const first = journal()
  for (let n = 0; n < entries; n++) first.append('boot', { agent: 'test' })
  const [epoch, newest] = [first.epoch, first.newest()]
  first.close()

  async function run(args: string[], language = 'C') {
    // biome-ignore lint/suspicious/noExplicitAny: one JSON value of the command
    const said: { value?: any; lines?: string; fault?: { code: string; detail: string } } = {}
    const terminal: Terminal = {
      ...createTerminal({ LANG: language }),
      print: (_options, value, lines) => Object.assign(said, { value, lines: lines() }),
      fail: (_options, fault) => Object.assign(said, { fault }),
    }
    const program = new Command('chuangping')
    addExportCommands(program, terminal)
    await program.parseAsync([...args, '--config', config], { from: 'user' })
    return said
  }

  const signingKey = readFileSync(join(dir, 'collector/signing.key'))
  const receiptFor = (seq: number, hash: Uint8Array, key: Buffer | typeof strangers.privateKey = signingKey) =>
    signReceipt({ version: 1, box: 'box-1', epoch, seq, hash, at: 1_790_000_000_000 }, key as never)
  const receipts = join(stick, 'back.txt')
  const carryBack = (...all: Uint8Array[]) => writeFileSync(receipts, writeReceiptsFile(all))
  return { dir, stick, config, run, journal, epoch, newest, receiptFor, receipts, carryBack }
}

async function items(dir: string, file: string): Promise<number> {
  const folder = join(dir, 'collector/opening')
  const { createPrivateKey } = await import('node:crypto')
  const [name] = readdirSync(folder).filter(one => one.endsWith('.key'))
  const { keyOf } = await createOpener([createPrivateKey(readFileSync(join(folder, name!)))])
  let count = 0
  async function* source() {
    yield await Promise.resolve(readFileSync(file))
  }
  for await (const item of readParcel(source(), keyOf)) {
    if (!item.ok) throw new Error(item.error.detail)
    count += 1
  }
  return count
}

describe('chuangping export', () => {
  test('of a stopped box opens the journal itself, also where its agent would not start', async () => {
    const { dir, stick, run, epoch } = await setUp()
    const { value, lines } = await run(['export', '--to', stick], 'zh_CN.UTF-8')
    const [name] = readdirSync(stick)
    expect(name).toMatch(/^chuangping-[0-9a-f]{8}\.parcel$/)
    expect(value).toMatchObject({
      ok: true,
      file: join(stick, name!),
      entries: 5,
      parts: [{ epoch: Buffer.from(epoch).toString('hex'), after: 0, to: 5 }],
    })
    expect(lines).toContain('已导出 5 条')
    expect(await items(dir, join(stick, name!))).toBe(1)
  })

  test('writes to the name it is given, never over another file', async () => {
    const { stick, run } = await setUp()
    const file = join(stick, 'one.parcel')
    await run(['export', '--to', file])
    const before = readFileSync(file)
    expect((await run(['export', '--to', file])).fault).toMatchObject({ code: 'file-exists' })
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  test('writes no file when there is nothing to carry', async () => {
    const { stick, run } = await setUp(0)
    expect((await run(['export', '--to', stick])).value).toEqual({ ok: true, entries: 0, parts: [] })
    expect(readdirSync(stick)).toEqual([])
  })

  test('leaves nothing behind where it cannot write', async () => {
    const { stick, run } = await setUp()
    expect((await run(['export', '--to', join(stick, 'no-such-folder/one.parcel')])).fault).toMatchObject({
      code: 'file-not-writable',
      detail: expect.stringContaining('ENOENT'),
    })
    expect(readdirSync(stick)).toEqual([])
  })

  test('of a box that never ran makes no journal', async () => {
    const { dir, stick, run, config } = await setUp()
    writeFileSync(config, readFileSync(config, 'utf8').replace('journal: journal', 'journal: elsewhere'))
    expect((await run(['export', '--to', stick])).fault).toMatchObject({ code: 'no-journal' })
    expect(readdirSync(dir)).not.toContain('elsewhere')
  })

  test('of a journal that some agent holds without answering says so', async () => {
    const { stick, run, journal } = await setUp()
    journal()
    expect((await run(['export', '--to', stick])).fault).toMatchObject({ code: 'journal-busy' })
  })

  test('of an agent that ends in the middle leaves no file that looks whole', async () => {
    const { dir, stick, run, journal } = await setUp()
    const held = journal()
    async function* broken() {
      yield await Promise.resolve(Buffer.alloc(100_000))
      throw new Error('the journal broke off')
    }
    const parcels = createParcels({
      box: 'box-1',
      boxKey: strangers.privateKey,
      openingKey: generateKeyPairSync('x25519').publicKey,
      receiptKey: strangers.publicKey,
      chains: () => [held],
      receiptBrought: () => expect.unreachable(),
      onFailure() {},
    })
    const breaking = { ...parcels, pack: () => ({ parts: parcels.pack().parts, bytes: broken() }) }
    const socket = await openStaffSocket(staffSocketPath(join(dir, 'journal')), breaking)
    if (!socket.ok) throw new Error(socket.error.detail)
    onTestFinished(socket.value.close)
    expect((await run(['export', '--to', stick])).fault).toMatchObject({ code: 'agent-broke-off' })
    expect(readdirSync(stick)).toEqual([])
  })
})

describe('chuangping receipts take', () => {
  test('at a stopped box stays taken: nothing is exported after it', async () => {
    const { stick, run, newest, receiptFor, receipts, carryBack } = await setUp()
    carryBack(receiptFor(newest.seq, newest.hash))
    const { value, lines } = await run(['receipts', 'take', receipts], 'zh_CN.UTF-8')
    expect(value).toMatchObject({ ok: true, taken: [{ seq: 5 }], refused: [], backlog: 0 })
    expect(lines).toContain('回执到第 5 条')
    expect((await run(['receipts', 'take', receipts])).value).toMatchObject({ ok: true, backlog: 0 })
    expect((await run(['export', '--to', stick])).value).toMatchObject({ entries: 0 })
  })

  test('says which receipts do not fit, and ends with 1', async () => {
    const { run, receiptFor, receipts, carryBack } = await setUp()
    carryBack(receiptFor(3, new Uint8Array(32).fill(1)))
    const { value, lines } = await run(['receipts', 'take', receipts])
    expect(value).toMatchObject({ ok: false, taken: [], refused: [{ line: 2, code: 'receipt-differs' }], backlog: 5 })
    expect(lines).toContain('line 2 not taken, receipt-differs')
    expect(process.exitCode).toBe(1)
  })

  test('takes nothing of a file that is forged, cut, a parcel, or not there', async () => {
    const { stick, run, newest, receiptFor, receipts, carryBack } = await setUp()
    carryBack(receiptFor(newest.seq, newest.hash, strangers.privateKey))
    expect((await run(['receipts', 'take', receipts])).fault).toMatchObject({ code: 'bad-signature' })
    carryBack(receiptFor(newest.seq, newest.hash))
    writeFileSync(receipts, readFileSync(receipts, 'utf8').replace(/end 1\n$/, ''))
    expect((await run(['receipts', 'take', receipts])).fault).toMatchObject({ code: 'receipts-cut' })
    const { value } = await run(['export', '--to', stick])
    expect((await run(['receipts', 'take', value.file])).fault).toMatchObject({
      code: 'not-receipts',
      detail: expect.stringContaining('is a parcel'),
    })
    expect((await run(['receipts', 'take', join(stick, 'nowhere.txt')])).fault).toMatchObject({
      code: 'file-not-readable',
    })
    expect(value).toMatchObject({ entries: 5 })
  })
})
