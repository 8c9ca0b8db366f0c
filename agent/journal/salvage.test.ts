import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { entryHash } from '#protocol/chain.ts'
import { toHex } from '#protocol/codec.ts'
import { writeLongJournal } from '#scripts/bench/long-journal.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { type Journal, openJournal } from './journal.ts'
import { type EntryRow, StoreDamaged } from './store.ts'

const BOX = 'box-1'
const PAGE = 1024

function open(directory: string): Journal {
  const opened = openJournal({ directory, box: BOX, clock: createFakeClock(), randomBytes })
  if (!opened.ok) throw new Error(`${opened.error.code}: ${opened.error.detail}`)
  return opened.value
}

/** Entries of every size: a screen's rating goes over three pages. */
function fill(journal: Journal, count: number) {
  const hashes: string[] = []
  for (let n = 0; n < count; n++) {
    const prompt = randomBytes(16)
    hashes.push(toHex(journal.append('prompt', { prompt, window: 'A01', origin: 'panel' }).hash))
    const text = randomBytes(n % 5 === 0 ? 2065 : 64)
    const sealed = { key: randomBytes(8), enc: randomBytes(32), text }
    hashes.push(toHex(journal.append('rating', { prompt, provenance: 'screen', sealed }).hash))
  }
  return hashes
}

/** A folder as a power cut leaves it: `inFile` sessions were moved into the file, the rest is in the log. */
function written(directory: string, inFile: number, inLog: number) {
  const first = open(directory)
  const epoch = toHex(first.epoch)
  const hashes = fill(first, inFile)
  first.close()
  const journal = open(directory)
  hashes.push(...fill(journal, inLog))
  const files = filesIn(directory)
  const rows = rowsOf(journal)
  journal.close()
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(directory, name), bytes)
  return { epoch, hashes, rows }
}

function filesIn(directory: string): Files {
  const [database, log] = ['journal.db', 'journal.db-wal'].map(name => readFileSync(join(directory, name)))
  return { 'journal.db': database!, 'journal.db-wal': log! }
}

function rowsOf(journal: Journal): EntryRow[] {
  const rows: EntryRow[] = []
  while (rows.length < journal.newest().seq) {
    const { first, previous, entries, last } = journal.read(rows.length, 1)
    rows.push({ seq: first, bytes: entries[0]!, hash: last, previous })
  }
  return rows
}

/** Everything that is offered to the collector: hash by epoch and number, each proven from the bytes alone. */
function offered(journal: Journal) {
  const found = new Map<string, Map<number, string>>()
  for (const chain of [...journal.past(), journal]) {
    const own = found.get(toHex(chain.epoch)) ?? new Map<number, string>()
    found.set(toHex(chain.epoch), own)
    for (let at = 0; ; ) {
      const { first, entries, previous } = chain.read(at, 500)
      if (entries.length === 0) break
      let before = previous
      for (const [i, bytes] of entries.entries()) {
        before = entryHash({ box: BOX, epoch: chain.epoch }, first + i, before, bytes)
        own.set(first + i, toHex(before))
      }
      at = first + entries.length - 1
    }
  }
  return found
}

type Files = Record<'journal.db' | 'journal.db-wal', Buffer>
type Damage =
  | { kind: 'zero' | 'noise'; file: keyof Files; at: number; pages: number }
  | { kind: 'flip'; file: keyof Files; at: number; bit: number }
  | { kind: 'cut'; file: keyof Files; at: number }
  | { kind: 'header' }
  | { kind: 'no-file' }

function apply(files: Files, damage: Damage): Files {
  const changed = {
    ...files,
    'journal.db': Buffer.from(files['journal.db']),
    'journal.db-wal': Buffer.from(files['journal.db-wal']),
  }
  if (damage.kind === 'header') changed['journal.db'].subarray(0, 100).fill(0)
  else if (damage.kind === 'no-file') changed['journal.db'] = Buffer.alloc(0)
  else {
    const bytes = changed[damage.file]
    const at = Math.floor(damage.at * bytes.length)
    if (damage.kind === 'cut') changed[damage.file] = bytes.subarray(0, at)
    else if (damage.kind === 'flip') bytes[at]! ^= bytes.length > 0 ? 1 << damage.bit : 0
    else if (damage.kind === 'zero')
      bytes
        .subarray(at - (at % 512))
        .subarray(0, damage.pages * 512)
        .fill(0)
    else randomBytes(damage.pages * 512).copy(bytes, at - (at % 512))
  }
  return changed
}

/** Pages with what tells which they are: a page of the file by its place, one of the log by the header before it. */
function regionsOf(files: Files): [file: keyof Files, from: number, to: number][] {
  const regions: ReturnType<typeof regionsOf> = []
  for (let at = 0; at < files['journal.db'].length; at += PAGE) regions.push(['journal.db', at, at + PAGE])
  for (let at = 32; at < files['journal.db-wal'].length; at += PAGE + 24)
    regions.push(['journal.db-wal', at, at + PAGE + 24])
  return regions
}

/** The entries all of whose bytes lie in pages that the damage did not touch, wherever a piece of them was found. */
function intactEntries(before: Files, after: Files, pieces: Map<number, Buffer[]>): Set<number> {
  const touched = regionsOf(before)
    .map(([file, from, to]) => [before[file].subarray(from, to), after[file].subarray(from, to)] as const)
    .filter(([was, is]) => Buffer.compare(was, is) !== 0)
    .map(([was]) => was)
  const isTouched = (piece: Buffer) => touched.some(region => region.includes(piece))
  return new Set([...pieces].filter(([, own]) => !own.some(isTouched)).map(([seq]) => seq))
}

/** Pieces that only this entry has, and its hash with it the next; one that lies across two pages is found in none. */
function piecesOf(rows: readonly EntryRow[]): Map<number, Buffer[]> {
  const wholes = rows.map(({ bytes, hash, previous }) => Buffer.concat([bytes, hash, previous]))
  const isOwn = (piece: Buffer) => wholes.filter(other => other.includes(piece)).length <= 2
  const cut = (whole: Buffer) =>
    Array.from({ length: Math.floor(whole.length / 16) }, (_, i) => whole.subarray(i * 16, i * 16 + 16))
  return new Map(rows.map(({ seq }, i) => [seq, cut(wholes[i]!).filter(isOwn)]))
}

const place = fc.double({ min: 0, max: 0.999, noNaN: true })
const file = fc.constantFrom('journal.db' as const, 'journal.db-wal' as const)
const damages = fc.oneof(
  fc.record({
    kind: fc.constantFrom('zero' as const, 'noise' as const),
    file,
    at: place,
    pages: fc.integer({ min: 1, max: 12 }),
  }),
  fc.record({ kind: fc.constant('flip' as const), file, at: place, bit: fc.integer({ min: 0, max: 7 }) }),
  fc.record({ kind: fc.constant('cut' as const), file, at: place }),
  fc.constantFrom({ kind: 'header' as const }, { kind: 'no-file' as const }),
)

/** As the service manager does: a journal that finds itself damaged while it is read is opened anew. */
function openUntilReadable(directory: string) {
  for (let times = 0; times < 3; times++) {
    const journal = open(directory)
    try {
      const found = offered(journal)
      return { journal, found }
    } catch (error) {
      expect(error).toBeInstanceOf(StoreDamaged)
    }
  }
  throw new Error('damaged again and again')
}

describe('a damaged journal', () => {
  test('always opens, gives every entry whose bytes are whole, and nothing else', () => {
    const original = temporaryFolder()
    const { epoch, hashes, rows } = written(original, 12, 14)
    const before = filesIn(original)
    const pieces = piecesOf(rows)
    let [intact, salvaged] = [0, 0]
    fc.assert(
      fc.property(fc.array(damages, { minLength: 1, maxLength: 3 }), list => {
        const directory = temporaryFolder()
        const after = list.reduce(apply, before)
        for (const [name, bytes] of Object.entries(after)) writeFileSync(join(directory, name), bytes)
        copyFileSync(join(original, 'previous.json'), join(directory, 'previous.json'))
        const { journal, found } = openUntilReadable(directory)
        const kept = found.get(epoch) ?? new Map<number, string>()
        const whole = intactEntries(before, after, pieces)
        intact += whole.size
        salvaged += kept.size
        for (const seq of whole) expect(kept.get(seq), `entry ${seq}`).toBe(hashes[seq - 1])
        for (const [seq, hash] of kept) expect(hash).toBe(hashes[seq - 1])
        expect(journal.append('boot', { agent: '1' }).seq).toBeGreaterThan(0)
        journal.close()
      }),
      { numRuns: 100 },
    )
    // The damage leaves most of it, so this says something; and half a page of rows around it is given up.
    expect(intact).toBeGreaterThan(100 * rows.length * 0.4)
    expect(salvaged).toBeGreaterThanOrEqual(intact)
  })

  test('whose file is gone, header and all, gives what the log holds', () => {
    const directory = temporaryFolder()
    const { epoch, hashes } = written(directory, 10, 20)
    rmSync(join(directory, 'journal.db'))
    const journal = open(directory)
    const kept = offered(journal).get(epoch)!
    for (let seq = 21; seq <= 60; seq++) expect(kept.get(seq)).toBe(hashes[seq - 1])
    journal.close()
  })

  test.each([
    ['what is sent', 0.3, (journal: Journal) => void offered(journal)],
    ['what is known again after a restart', 0.98, (journal: Journal) => void [...journal.newestFirst()]],
  ])(
    'that is too big to be looked through at a start is found by reading %s, and salvaged at the next',
    (_, at, read) => {
      const directory = temporaryFolder()
      writeLongJournal(directory, BOX, 16_000)
      open(directory).close()
      const path = join(directory, 'journal.db')
      const bytes = readFileSync(path)
      bytes
        .subarray(PAGE * Math.floor((at * bytes.length) / PAGE))
        .subarray(0, PAGE)
        .fill(0)
      writeFileSync(path, bytes)
      const before = open(directory)
      expect(before.past()).toEqual([])
      expect(() => read(before)).toThrow()
      expect(() => before.append('boot', { agent: '1' })).toThrow()
      const journal = open(directory)
      expect(journal.origin).toMatchObject({ reason: 'quarantined', seq: 16_000 })
      expect(journal.past().map(chain => chain.backlog())).toEqual([
        expect.toSatisfy(held => held > 15_990 && held < 16_000),
      ])
      expect([...journal.newestFirst()].length).toBeGreaterThan(15_990)
      journal.close()
    },
  )
})
