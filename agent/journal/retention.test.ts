import { randomBytes } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { toHex } from '#protocol/codec.ts'
import { writeLongJournal } from '#scripts/bench/long-journal.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { JOURNAL_LIMITS, type Journal, type JournalLimits, openJournal } from './journal.ts'

const DAY_MS = 86_400_000
const START = 1_790_000_000_000

function open(directory: string, limits: Partial<JournalLimits> = {}): Journal {
  const opened = openJournal({
    directory,
    box: 'box-1',
    clock: createFakeClock(),
    randomBytes,
    limits: { ...JOURNAL_LIMITS, ballastBytes: 0, ...limits },
  })
  if (!opened.ok) throw new Error(opened.error.detail)
  onTestFinished(() => opened.value.close())
  return opened.value
}

const outcome = { outcome: 'cancelled', reason: 'other', note: '注'.repeat(60) } as const
const append = (journal: Journal) => journal.append('outcome', { prompt: randomBytes(16), ...outcome })

function appendMany(journal: Journal, count: number) {
  return Array.from({ length: count }, () => append(journal))
}

/** Everything that can wait. */
function tidy(journal: Journal) {
  for (let times = 1; journal.checkpoint(); times++) if (times > 1000) throw new Error('it never ends')
}

/** A receipt for the newest entry. */
function receive(journal: Journal, at: number, head = journal.newest()) {
  const taken = journal.receipt(head.seq, head.hash, at)
  if (!taken.ok) throw new Error(taken.error.detail)
}

const oldest = (journal: Journal) => journal.read(0, 1).first

describe('entries that have their receipt', () => {
  test('are forgotten ninety days later by the collector’s time; what came after is kept', () => {
    const journal = open(temporaryFolder())
    appendMany(journal, 30)
    receive(journal, START)
    appendMany(journal, 30)
    receive(journal, START + 89 * DAY_MS)
    tidy(journal)
    expect(oldest(journal)).toBe(1)
    receive(journal, START + 90 * DAY_MS)
    tidy(journal)
    expect(oldest(journal)).toBe(31)
    expect(journal.read(30, 500).entries).toHaveLength(30)
  })

  test('are kept for as long as the collector is not heard, whatever the box’s own clock says', () => {
    const clock = createFakeClock()
    const opened = openJournal({ directory: temporaryFolder(), box: 'box-1', clock, randomBytes })
    if (!opened.ok) throw new Error(opened.error.detail)
    const journal = opened.value
    appendMany(journal, 10)
    receive(journal, START)
    clock.jumpWall(4000 * DAY_MS)
    clock.advance(200 * DAY_MS)
    append(journal)
    tidy(journal)
    expect(oldest(journal)).toBe(1)
    journal.close()
  })

  test('go sooner, oldest first, when entries take more than they may', () => {
    const directory = temporaryFolder()
    writeLongJournal(directory, 'box-1', 6000)
    const journal = open(directory, { storeBytes: 600 * 1024 })
    receive(journal, START)
    tidy(journal)
    expect(oldest(journal)).toBeGreaterThan(3000)
    expect(oldest(journal)).toBeLessThan(5500)
    // And the file grows no more: what is new goes where the old was.
    const before = statSync(join(directory, 'journal.db')).size
    appendMany(journal, 200)
    tidy(journal)
    expect(statSync(join(directory, 'journal.db')).size).toBe(before)
  })

  test('never the newest, which the next one hangs on', () => {
    const directory = temporaryFolder()
    const journal = open(directory, { storeBytes: 0 })
    appendMany(journal, 20)
    receive(journal, START)
    tidy(journal)
    expect(oldest(journal)).toBe(20)
    journal.close()
    const again = open(directory, { storeBytes: 0 })
    expect(again.newest().seq).toBe(20)
    expect(append(again).seq).toBe(21)
    expect(toHex(again.read(20, 1).previous)).toBe(toHex(journal.newest().hash))
  })

  test('a thousand at a time, so that a press waits for one piece of work at most', () => {
    const directory = temporaryFolder()
    writeLongJournal(directory, 'box-1', 2100)
    const journal = open(directory, { storeBytes: 0 })
    receive(journal, START)
    expect(journal.checkpoint()).toBe(true)
    expect(oldest(journal)).toBe(1001)
    expect(journal.checkpoint()).toBe(true)
    expect(journal.checkpoint()).toBe(false)
    expect(oldest(journal)).toBe(2100)
  })
})

test('entries without a receipt are never forgotten, whatever they take', () => {
  const journal = open(temporaryFolder(), { storeBytes: 0, receiptedMs: 0 })
  const heads = appendMany(journal, 100)
  receive(journal, START, heads[39]!)
  receive(journal, START + 1000 * DAY_MS, heads[39]!)
  tidy(journal)
  expect(oldest(journal)).toBe(41)
  expect(journal.read(0, 500).entries).toHaveLength(60)
})

test('a collector that comes back from a backup older than what is kept gets all that is kept', () => {
  const journal = open(temporaryFolder(), { storeBytes: 0 })
  const heads = appendMany(journal, 50)
  receive(journal, START)
  tidy(journal)
  const later = appendMany(journal, 3)
  receive(journal, START)
  expect(journal.receipt(10, heads[9]!.hash, START)).toEqual({ ok: true })
  expect(journal.receiptedSeq()).toBe(49)
  expect(journal.read(journal.receiptedSeq(), 9)).toMatchObject({ first: 50, last: Buffer.from(later[2]!.hash) })
})

test('wherever the power goes between forgetting and the next entry, the cursor is behind nothing that is gone', () => {
  const step = fc.constantFrom('append', 'append', 'append', 'receipt', 'tidy', 'cut' as const)
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), steps => {
      let directory = temporaryFolder()
      let journal = open(directory, { storeBytes: 0 })
      let at = START
      for (const one of steps) {
        if (one === 'append') append(journal)
        else if (one === 'tidy') tidy(journal)
        else if (one === 'receipt' && journal.newest().seq > 0) {
          at += DAY_MS
          receive(journal, at)
        } else if (one === 'cut') {
          // The files as they are, without the closing.
          const next = temporaryFolder()
          for (const name of ['journal.db', 'journal.db-wal', 'previous.json']) {
            if (existsSync(join(directory, name))) copyFileSync(join(directory, name), join(next, name))
          }
          const { seq } = journal.newest()
          journal.close()
          directory = next
          journal = open(directory, { storeBytes: 0 })
          expect(journal.newest().seq).toBe(seq)
          expect(journal.past()).toEqual([])
        }
        const { first, entries } = journal.read(journal.receiptedSeq(), 500)
        if (entries.length > 0) expect(first).toBe(journal.receiptedSeq() + 1)
        expect(entries).toHaveLength(journal.backlog())
      }
      journal.close()
    }),
    { numRuns: 20 },
  )
})

test('a journal of a month without a link is opened without reading it all', () => {
  const directory = temporaryFolder()
  writeLongJournal(directory, 'box-1', 20_000)
  const size = statSync(join(directory, 'journal.db')).size
  const readBytes = () => Number(/^rchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))![1])
  const before = readBytes()
  const journal = open(directory)
  let remembered = 0
  for (const _entry of journal.newestFirst()) if (++remembered === 1000) break
  append(journal)
  expect(readBytes() - before).toBeLessThan(size / 8)
  expect(journal.backlog()).toBe(20_001)
  journal.close()
  expect(new Database(join(directory, 'journal.db')).pragma('quick_check(1)', { simple: true })).toBe('ok')
})
