import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openJournal } from '#agent/journal/journal.ts'
import { openPastChain } from '#agent/journal/past-chain.ts'
import { writePastFile } from '#agent/journal/past-file.ts'
import type { EntryRow } from '#agent/journal/store.ts'
import { decodeBatch } from '#protocol/batch.ts'
import { CHAIN_START, entryHash } from '#protocol/chain.ts'
import { toHex } from '#protocol/codec.ts'
import { encodeEntry } from '#protocol/entry.ts'
import { signReceipt } from '#protocol/receipt.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createUplink } from './uplink.ts'

const BOX = 'box-1'
const AT = 1_790_000_000_000
const boxKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const collectorKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A salvaged chain of as many entries, without those of `lost`. */
function salvaged(folder: string, id: string, count: number, lost: number[] = []) {
  const epoch = randomBytes(16)
  const rows: EntryRow[] = []
  let previous = CHAIN_START
  for (let seq = 1; seq <= count; seq++) {
    const time = { boot: new Uint8Array(16), mono: seq, wall: AT, synced: false }
    const bytes = encodeEntry({ kind: 'boot', time, body: { agent: '1' } })
    const hash = entryHash({ box: BOX, epoch }, seq, previous, bytes)
    rows.push({ seq, bytes, hash, previous })
    previous = hash
  }
  const path = join(folder, id)
  writePastFile(path, { box: BOX, epoch, rows: rows.filter(({ seq }) => !lost.includes(seq)) })
  const chain = openPastChain(path)!
  onTestFinished(chain.close)
  const hashOf = (seq: number) => (seq === 0 ? CHAIN_START : rows[seq - 1]!.hash)
  return { epoch, chain, hashOf, path }
}

function setUp(make: (folder: string) => ReturnType<typeof salvaged>[]) {
  const clock = createFakeClock()
  const opened = openJournal({ directory: temporaryFolder(), box: BOX, clock, randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  const journal = opened.value
  onTestFinished(journal.close)
  const past = make(temporaryFolder())
  const sent: string[] = []
  let contradictions = 0
  const names = new Map([
    [toHex(journal.epoch), 'journal'],
    ...past.map(({ epoch }, i) => [toHex(epoch), `past ${i}`] as const),
  ])
  const uplink = createUplink({
    clock,
    journal,
    past: () => past.map(({ chain }) => chain),
    box: BOX,
    boxKey,
    receiptKey: collectorKeys.publicKey,
    sendBatch(bytes) {
      const batch = decodeBatch(bytes)
      if (!batch.ok) throw new Error(batch.error.detail)
      const { epoch, first, entries } = batch.value
      sent.push(`${names.get(toHex(epoch))} ${first}-${first + entries.length - 1}`)
    },
    onProgress() {},
    onCollectorTime() {},
    onResend() {},
    onContradicted: () => contradictions++,
  })
  journal.append('boot', { agent: '2' })
  const receive = (epoch: Uint8Array, seq: number, hash: Uint8Array) =>
    uplink.receiptArrived(signReceipt({ version: 1, box: BOX, epoch, seq, hash, at: AT }, collectorKeys.privateKey))
  const receivePast = (i: number, seq: number) => receive(past[i]!.epoch, seq, past[i]!.hashOf(seq))
  uplink.linkUp()
  return { clock, journal, past, uplink, sent, receive, receivePast, contradictions: () => contradictions }
}

test('what was salvaged is sent before the journal, oldest first, one batch in flight', () => {
  const { journal, sent, receive, receivePast, uplink } = setUp(folder => [
    salvaged(folder, '1', 600),
    salvaged(folder, '2', 3),
  ])
  expect(uplink.backlog()).toBe(604)
  uplink.wake()
  expect(sent).toEqual(['past 0 1-500'])
  receivePast(0, 500)
  receivePast(0, 600)
  receivePast(1, 3)
  expect(sent).toEqual(['past 0 1-500', 'past 0 501-600', 'past 1 1-3', 'journal 1-1'])
  receive(journal.epoch, 1, journal.newest().hash)
  expect(uplink.backlog()).toBe(0)
})

test('a collector that has it all already takes one batch to say so', () => {
  const { sent, receivePast } = setUp(folder => [salvaged(folder, '1', 2000)])
  receivePast(0, 2000)
  expect(sent).toEqual(['past 0 1-500', 'journal 1-1'])
})

test('behind a hole it is sent again at the pace of the watchdog, not as fast as the answers come, until it is taken', () => {
  const { clock, sent, receivePast } = setUp(folder => [salvaged(folder, '1', 9, [4, 5])])
  receivePast(0, 3)
  expect(sent).toEqual(['past 0 1-3', 'past 0 6-9'])
  for (const delayMs of [5_000, 10_000, 20_000]) {
    receivePast(0, 3)
    receivePast(0, 3)
    clock.advance(delayMs - 1)
    const before = sent.length
    clock.advance(1)
    expect(sent.length).toBe(before + 1)
  }
  receivePast(0, 9)
  expect(sent.at(-1)).toBe('journal 1-1')
})

test('a receipt for an entry that was lost here is believed, and one beyond the end', () => {
  const one = setUp(folder => [salvaged(folder, '1', 9, [4, 5])])
  one.receivePast(0, 5)
  expect(one.sent.at(-1)).toBe('past 0 6-9')
  one.receive(one.past[0]!.epoch, 40, randomBytes(32))
  expect(one.sent.at(-1)).toBe('journal 1-1')
})

test('what the collector answers without ever taking it does not keep the journal back for ever', () => {
  const { clock, sent, receivePast, uplink } = setUp(folder => [salvaged(folder, '1', 9, [4])])
  receivePast(0, 3)
  for (let times = 0; times < 12; times++) {
    receivePast(0, 3)
    clock.advance(300_000)
  }
  expect(sent.at(-1)).toBe('journal 1-1')
  expect(uplink.backlog()).toBe(6)
  // By the gap rule it would have been taken by then.
  expect(clock.monoMs()).toBeGreaterThan(20 * 60_000)
})

test('what contradicts the collector is passed over at once', () => {
  const { sent, receive, past, contradictions } = setUp(folder => [salvaged(folder, '1', 9)])
  expect(receive(past[0]!.epoch, 7, randomBytes(32))).toMatchObject({ ok: false, error: { code: 'receipt-differs' } })
  expect(sent).toEqual(['past 0 1-9', 'journal 1-1'])
  expect(contradictions()).toBe(0)
})

test.each([
  ['more', 9],
  ['another entry', 1],
])('a receipt for %s than the journal has is told: it must begin anew', (_, seq) => {
  const { journal, receive, contradictions } = setUp(() => [])
  expect(receive(journal.epoch, seq, randomBytes(32))).toMatchObject({ ok: false })
  expect(contradictions()).toBe(1)
})

test('a collector that comes back with less is offered what was salvaged again, and says how much it has of it', () => {
  const { journal, sent, receive, receivePast } = setUp(folder => [salvaged(folder, '1', 700)])
  receivePast(0, 700)
  receive(journal.epoch, 1, journal.newest().hash)
  receive(journal.epoch, 0, CHAIN_START)
  expect(sent.at(-1)).toBe('past 0 1-500')
  receivePast(0, 700)
  expect(sent.at(-1)).toBe('journal 1-1')
})

test('that everything has its receipt is known after a restart, and since when by the collector’s time', () => {
  const { past, receivePast } = setUp(folder => [salvaged(folder, '1', 9)])
  receivePast(0, 9)
  const again = openPastChain(past[0]!.path)!
  expect([again.backlog(), again.receiptedSeq(), again.doneAt()]).toEqual([0, 9, AT])
  again.close()
})
