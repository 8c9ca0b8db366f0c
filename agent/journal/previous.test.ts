import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { type Journal, openJournal } from './journal.ts'

function open(directory: string, box = 'box-1'): Journal {
  const opened = openJournal({ directory, box, clock: createFakeClock(), randomBytes })
  if (!opened.ok) throw new Error(opened.error.detail)
  onTestFinished(() => opened.value.close())
  return opened.value
}

const boot = (journal: Journal) => journal.append('boot', { agent: '1' })

function endOf(journal: Journal) {
  const { seq, hash } = journal.newest()
  return { epoch: new Uint8Array(journal.epoch), seq, hash: new Uint8Array(hash) }
}

function plain(origin: Journal['origin']) {
  const { epoch, seq, hash } = origin ?? {}
  return { epoch: epoch && new Uint8Array(epoch), seq, hash: hash && new Uint8Array(hash) }
}

/** Three entries, closed cleanly, so that all of it is in the file. */
function written(directory: string) {
  const journal = open(directory)
  for (let i = 0; i < 3; i++) boot(journal)
  const end = endOf(journal)
  journal.close()
  return end
}

const removeJournal = (directory: string) => {
  for (const part of ['', '-wal', '-shm']) rmSync(join(directory, `journal.db${part}`), { force: true })
}

describe('a new journal says how the one before ended', () => {
  test('nothing, on a box that never had one', () => {
    expect(open(temporaryFolder()).origin).toEqual({ reason: 'first' })
  })

  test('a journal that is gone was replaced, and is named with its last entry at the stop', () => {
    const directory = temporaryFolder()
    const end = written(directory)
    removeJournal(directory)
    const next = open(directory)
    expect(next.origin?.reason).toBe('replaced')
    expect(plain(next.origin)).toEqual(end)
  })

  test('a journal that is gone after a power cut is named as it was at the last start: never more than there was', () => {
    const directory = temporaryFolder()
    written(directory)
    const journal = open(directory)
    const atStart = endOf(journal)
    boot(journal)
    const previous = readFileSync(join(directory, 'previous.json'))
    journal.close()
    writeFileSync(join(directory, 'previous.json'), previous)
    removeJournal(directory)
    expect(plain(open(directory).origin)).toEqual(atStart)
  })

  test('a damaged one is named by what can still be read of it, which is more than was remembered', () => {
    const directory = temporaryFolder()
    const end = written(directory)
    const older = { box: 'box-1', epoch: Buffer.from(end.epoch).toString('hex'), seq: 1, hash: '00'.repeat(32) }
    writeFileSync(join(directory, 'previous.json'), JSON.stringify(older))
    damageIndex(join(directory, 'journal.db'))
    const next = open(directory)
    expect(next.origin?.reason).toBe('quarantined')
    expect(plain(next.origin)).toEqual(end)
  })

  test('one damaged beyond reading is named from memory, and set aside to the byte', () => {
    const directory = temporaryFolder()
    const end = written(directory)
    const rubbish = randomBytes(statSync(join(directory, 'journal.db')).size)
    writeFileSync(join(directory, 'journal.db'), rubbish)
    const next = open(directory)
    expect(next.origin?.reason).toBe('quarantined')
    expect(plain(next.origin)).toEqual(end)
    const [aside] = readdirSync(join(directory, 'quarantine'))
    expect(readFileSync(join(directory, 'quarantine', aside!))).toEqual(rubbish)
  })

  test('also when the agent was stopped before its first entry', () => {
    const directory = temporaryFolder()
    const end = written(directory)
    removeJournal(directory)
    open(directory).close()
    const again = open(directory)
    expect(again.origin?.reason).toBe('replaced')
    expect(plain(again.origin)).toEqual(end)
    boot(again)
    const own = endOf(again)
    again.close()
    expect(open(directory).origin).toBeUndefined()
    removeJournal(directory)
    expect(plain(open(directory).origin).epoch).toEqual(own.epoch)
  })

  test('under another name it is another enrolment', () => {
    const directory = temporaryFolder()
    written(directory)
    removeJournal(directory)
    expect(open(directory, 'box-2').origin?.reason).toBe('re-enrolled')
  })

  test.each([
    ['rubbish', '{'],
    ['another form', '{"seq":0}'],
    ['nothing', ''],
  ])('a memory that holds %s is none, and keeps no box from starting', (_, content) => {
    const directory = temporaryFolder()
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'previous.json'), content)
    expect(open(directory).origin).toEqual({ reason: 'first' })
  })

  test('a folder that takes no memory does not keep the box from starting either', () => {
    const directory = temporaryFolder()
    mkdirSync(join(directory, 'previous.json'), { recursive: true })
    const journal = open(directory)
    boot(journal)
    expect(journal.newest().seq).toBe(1)
    expect(existsSync(join(directory, 'previous.json.new'))).toBe(false)
  })
})

test('where a journal ends is remembered from its first entry on, and again at every start', () => {
  const remembered = (directory: string) => JSON.parse(readFileSync(join(directory, 'previous.json'), 'utf8'))
  const directory = temporaryFolder()
  const journal = open(directory)
  boot(journal)
  const first = { box: 'box-1', epoch: Buffer.from(journal.epoch).toString('hex'), seq: 1 }
  expect(remembered(directory)).toMatchObject(first)
  boot(journal)
  journal.close()
  // As a power cut leaves it: the second entry is in the journal and not in the memory.
  writeFileSync(join(directory, 'previous.json'), JSON.stringify({ ...first, hash: '00'.repeat(32) }))
  open(directory)
  expect(remembered(directory)).toMatchObject({ ...first, seq: 2 })
})

/** Breaks the page of a table that the journal checks and its end does not need. */
function damageIndex(path: string) {
  const database = new Database(path)
  const { rootpage } = database.prepare("SELECT rootpage FROM sqlite_master WHERE name = 'mark'").get() as {
    rootpage: number
  }
  const size = database.pragma('page_size', { simple: true }) as number
  database.close()
  const bytes = readFileSync(path)
  bytes.fill(0xff, (rootpage - 1) * size, rootpage * size)
  writeFileSync(path, bytes)
}
