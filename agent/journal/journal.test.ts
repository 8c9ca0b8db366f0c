import { randomBytes } from 'node:crypto'
import { cpSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CHAIN_START, chainHashes } from '#protocol/chain.ts'
import { decodeEntry, type EntryBody } from '#protocol/entry.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { type Journal, openJournal } from './journal.ts'

const clock = createFakeClock()
const AT = 1_790_000_000_000

function open(directory: string, box = 'box-1'): Journal {
  const opened = openJournal({ directory, box, clock, randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  onTestFinished(() => opened.value.close())
  return opened.value
}

const prompt = (n: number): EntryBody<'prompt'> => ({
  prompt: new Uint8Array(16).fill(n),
  window: 'A01',
  origin: 'panel',
})
const timedOut = (n: number): EntryBody<'outcome'> => ({ prompt: new Uint8Array(16).fill(n), outcome: 'timed-out' })

describe('the journal', () => {
  test('numbers its entries from 1 and links each to the one before', () => {
    const journal = open(temporaryFolder())
    const heads = [1, 2, 3].map(n => journal.append('prompt', prompt(n)))
    expect(heads.map(head => head.seq)).toEqual([1, 2, 3])
    const { previous, entries } = journal.read(0, 10)
    expect(new Uint8Array(previous)).toEqual(CHAIN_START)
    const hashes = chainHashes({ box: 'box-1', epoch: journal.epoch }, 1, previous, entries)
    expect(hashes.map(h => Buffer.from(h))).toEqual(heads.map(head => Buffer.from(head.hash)))
    expect(decodeEntry(entries[1]!)).toMatchObject({ ok: true, value: { kind: 'prompt', body: { window: 'A01' } } })
  })

  test('goes on where it stopped, in the same epoch, with its cursor', () => {
    const directory = temporaryFolder()
    const before = open(directory)
    expect(before.origin).toEqual({ reason: 'first' })
    const head = before.append('prompt', prompt(1))
    expect(before.receipt(head.seq, head.hash, AT)).toEqual({ ok: true })
    before.append('outcome', timedOut(1))
    before.close()
    const after = open(directory)
    expect(after.epoch).toEqual(before.epoch)
    expect(after.origin).toBeUndefined()
    expect(after.receiptedSeq()).toBe(1)
    expect(after.append('prompt', prompt(2)).seq).toBe(3)
    expect(after.read(2, 9).previous).toEqual(Buffer.from(before.newest().hash))
  })

  test('knows after a restart which prompts were left open', () => {
    const directory = temporaryFolder()
    const before = open(directory)
    before.append('prompt', prompt(1))
    before.append('prompt', prompt(2))
    before.append('outcome', timedOut(1))
    before.close()
    expect(open(directory).openPrompts).toEqual([{ prompt: new Uint8Array(16).fill(2), window: 'A01' }])
  })

  test('after a power cut knows which prompts were open, and of receipts all but the last hundred', () => {
    const directory = temporaryFolder()
    const before = open(directory)
    let head = before.append('prompt', prompt(1))
    before.append('prompt', prompt(2))
    for (let i = 0; i < 150; i++) {
      head = before.append('outcome', timedOut(1))
      before.receipt(head.seq, head.hash, AT)
    }
    const cut = join(temporaryFolder(), 'journal')
    cpSync(directory, cut, { recursive: true })
    const after = open(cut)
    expect(after.openPrompts).toEqual([{ prompt: new Uint8Array(16).fill(2), window: 'A01' }])
    expect(after.receiptedSeq()).toBeGreaterThan(before.receiptedSeq() - 101)
    expect(after.receiptedSeq()).toBeLessThan(before.receiptedSeq())
  })

  test('keeps a receipt that was the last thing before a clean end', () => {
    const directory = temporaryFolder()
    const before = open(directory)
    const head = before.append('prompt', prompt(1))
    before.receipt(1, head.hash, AT)
    before.close()
    expect(open(directory).receiptedSeq()).toBe(1)
  })

  test('refuses a receipt for an entry it has not, or has with another hash, and keeps its cursor', () => {
    const journal = open(temporaryFolder())
    const head = journal.append('prompt', prompt(1))
    expect(journal.receipt(2, head.hash, AT)).toMatchObject({ ok: false, error: { code: 'receipt-unknown' } })
    expect(journal.receipt(1, new Uint8Array(32), AT)).toMatchObject({ ok: false, error: { code: 'receipt-differs' } })
    expect(journal.receiptedSeq()).toBe(0)
  })

  test('goes back when a receipt says less: the collector came from an old backup', () => {
    const journal = open(temporaryFolder())
    const heads = [1, 2, 3].map(n => journal.append('prompt', prompt(n)))
    journal.receipt(3, heads[2]!.hash, AT)
    journal.receipt(1, heads[0]!.hash, AT)
    expect(journal.read(journal.receiptedSeq(), 10).entries).toHaveLength(2)
  })

  test('reports WAL and synchronous=FULL, the condition of every thanks', () => {
    const directory = temporaryFolder()
    open(directory).close()
    const database = new Database(join(directory, 'journal.db'))
    expect(database.pragma('journal_mode', { simple: true })).toBe('wal')
    database.close()
  })

  test('is refused to a second agent while the first has it', () => {
    const directory = temporaryFolder()
    open(directory)
    expect(openJournal({ directory, box: 'box-1', clock, randomBytes })).toMatchObject({
      ok: false,
      error: { code: 'journal-busy' },
    })
  })

  test('is refused to another box', () => {
    const directory = temporaryFolder()
    open(directory).close()
    expect(openJournal({ directory, box: 'box-2', clock, randomBytes })).toMatchObject({
      ok: false,
      error: { code: 'journal-of-another-box' },
    })
  })

  test('a damaged store is set aside whole and a new epoch says why it began', () => {
    const directory = temporaryFolder()
    const before = open(directory)
    before.append('prompt', prompt(1))
    before.close()
    writeFileSync(join(directory, 'journal.db'), 'not a database at all, but long enough to be read as one'.repeat(40))
    const after = open(directory)
    expect(after.origin).toMatchObject({ reason: 'quarantined', seq: 1 })
    expect(after.epoch).not.toEqual(before.epoch)
    expect(readdirSync(join(directory, 'quarantine')).some(name => name.endsWith('.db'))).toBe(true)
  })

  test('a disk that refuses makes the append throw, and nothing counts as written', () => {
    const directory = temporaryFolder()
    const journal = open(directory)
    journal.append('prompt', prompt(1))
    journal.close()
    expect(() => journal.append('prompt', prompt(2))).toThrow()
    expect(journal.newest().seq).toBe(1)
  })

  test('the first quiet time makes room in the log, and entries written before and after are all there', () => {
    const directory = temporaryFolder()
    const journal = open(directory)
    journal.append('prompt', prompt(1))
    journal.checkpoint()
    expect(statSync(join(directory, 'journal.db-wal')).size).toBeGreaterThan(512 * 1024)
    for (let n = 2; n <= 60; n++) journal.append('prompt', prompt(n))
    const before = statSync(join(directory, 'journal.db-wal')).size
    journal.checkpoint()
    journal.append('prompt', prompt(61))
    expect(statSync(join(directory, 'journal.db-wal')).size).toBe(before)
    expect(journal.read(0, 100).entries).toHaveLength(61)
  })

  test('a read is cut at the entries asked for and at what a batch can carry', () => {
    const journal = open(temporaryFolder())
    const note = '注'.repeat(200)
    for (let n = 0; n < 250; n++) {
      journal.append('outcome', { prompt: new Uint8Array(16), outcome: 'cancelled', reason: 'other', note })
    }
    expect(journal.read(0, 7).entries).toHaveLength(7)
    const bytes = journal.read(0, 500).entries.reduce((sum, entry) => sum + entry.length, 0)
    expect(bytes).toBeLessThanOrEqual(128 * 1024)
    expect(bytes).toBeGreaterThan(120 * 1024)
  })

  test('numbers have no holes and no entry is lost, however it is closed and opened', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof({ weight: 4, arbitrary: fc.constant('append') }, { weight: 1, arbitrary: fc.constant('reopen') }),
          { maxLength: 25, size: 'max' },
        ),
        steps => {
          const directory = temporaryFolder()
          let journal = open(directory)
          let appended = 0
          for (const one of steps) {
            if (one === 'append') {
              expect(journal.append('prompt', { ...prompt(1), prompt: randomBytes(16) }).seq).toBe(++appended)
            } else {
              journal.close()
              journal = open(directory)
            }
          }
          expect(journal.read(0, 500).entries).toHaveLength(appended)
          expect([...journal.newestFirst()]).toHaveLength(appended)
          journal.close()
        },
      ),
      { numRuns: 20 },
    )
  })
})
