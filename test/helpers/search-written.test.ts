import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { GRADE_LABELS, GRADES } from '#protocol/grades.ts'
import { searchWritten, type Written } from './search-written.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { openingKeys } from './test-keys.ts'

const NOTHING = new Uint8Array()
const FRAME = Buffer.from('ff680303680111031516', 'hex')

function search(more: Partial<Written> & { dir: string }) {
  return searchWritten({ output: [], traffic: NOTHING, cases: ['MARKED-1'], frames: [FRAME], ...more })
}

/** A journal that holds only what may be in one. */
function journalIn(dir: string) {
  mkdirSync(join(dir, 'journal'), { recursive: true })
  const database = new Database(join(dir, 'journal', 'journal.db'))
  database.pragma('page_size = 1024')
  database.pragma('journal_mode = WAL')
  database.exec('CREATE TABLE entry (seq INTEGER PRIMARY KEY, bytes)')
  const insert = database.prepare('INSERT INTO entry (bytes) VALUES (?)')
  insert.run(Buffer.from('sealed MARKED-1'))
  return { database, insert }
}

test('a run that wrote nothing readable is found clean, with its case numbers where they belong', () => {
  const dir = temporaryFolder()
  const { database } = journalIn(dir)
  const output = ['{"level":30,"msg":"agent-started","rated":3}', '{"ratings":2,"evaluator":"pj06"}']
  expect(search({ dir, output, traffic: Buffer.from('{"case":"MARKED-1","today":{"rated":1}}') })).toEqual([])
  database.close()
})

describe('a readable grade is found', () => {
  test.each(GRADES)('as the words for %s, in the log of programs, in traffic, in any file', grade => {
    for (const word of [grade, GRADE_LABELS[grade].zh, GRADE_LABELS[grade].en]) {
      const dir = temporaryFolder()
      writeFileSync(join(dir, 'left-over.tmp'), `x${word}y`)
      const where = new Set(search({ dir, output: [word], traffic: Buffer.from(word) }).map(found => found.where))
      expect(where).toEqual(new Set(['output', 'traffic', 'left-over.tmp']))
    }
  })

  test.each([
    ['{"grade":4}'],
    ["level: '2',"],
    ['score = "5"'],
    [Buffer.from('very-dissatisfied').toString('hex')],
    [encodeURIComponent('不满意')],
    ['\\u4e0d\\u6ee1\\u610f'],
    [Buffer.from('{"g":"dissatisfied"}').toString('base64')],
    [Buffer.from('{"gr":"dissatisfied"}').toString('base64')],
    [Buffer.from('{"gra":"dissatisfied"}').toString('base64')],
    ['FF 68 03 03 68 01 11 03 15 16'],
  ])('as %s', line => {
    expect(search({ dir: temporaryFolder(), output: [line] })).not.toEqual([])
  })

  test('in other encodings of a file', () => {
    for (const bytes of [Buffer.from('satisfied', 'utf16le'), Buffer.from('b2bbc2fad2e2', 'hex'), FRAME]) {
      const dir = temporaryFolder()
      writeFileSync(join(dir, 'file'), bytes)
      expect(search({ dir })).not.toEqual([])
    }
  })

  test('in the write-ahead log, and in a free page after the row was deleted and the log moved into the file', () => {
    const dir = temporaryFolder()
    const { database, insert } = journalIn(dir)
    insert.run('satisfied')
    expect(search({ dir }).map(found => found.where)).toContain('journal/journal.db-wal')
    database.exec('DELETE FROM entry WHERE seq = 2')
    database.pragma('wal_checkpoint(TRUNCATE)')
    expect(search({ dir })).toContainEqual({ where: 'journal/journal.db', what: 'satisfied' })
    database.close()
  })

  test('in a row that is split over pages at that very word', () => {
    const dir = temporaryFolder()
    const { database, insert } = journalIn(dir)
    const filler = 'x'.repeat(5)
    insert.run(`${'z'.repeat(900)}${`不满意${filler}`.repeat(400)}`)
    expect(search({ dir }).map(found => found.where)).toContain('journal/journal.db, table entry')
    database.close()
  })

  test('in any table of the collector but the one that shows opened ratings', () => {
    const dir = temporaryFolder()
    const store = new Database(join(dir, 'collector.sqlite'))
    store.exec("CREATE TABLE ratings (grade TEXT); INSERT INTO ratings VALUES ('satisfied')")
    expect(search({ dir })).toEqual([])
    store.exec("CREATE TABLE evidence (bytes TEXT); INSERT INTO evidence VALUES ('satisfied')")
    expect(new Set(search({ dir }).map(found => found.where))).toEqual(new Set(['collector.sqlite, table evidence']))
    store.close()
  })
})

test('a case number in a log, and a private or API key in a log or on the way to the clerk, are found', () => {
  const dir = temporaryFolder()
  const pem = openingKeys().privateKey.export({ format: 'pem', type: 'pkcs8' }) as string
  writeFileSync(join(dir, 'box.key'), pem)
  writeFileSync(join(dir, 'business-system.key'), 'cp_0123456789abcdef0123456789abcdef')
  expect(search({ dir, output: ['asked for MARKED-1'] })).toEqual([{ where: 'output', what: 'a case number' }])
  expect(search({ dir, output: [JSON.stringify(pem)] })).toEqual([{ where: 'output', what: 'the secret of box.key' }])
  expect(search({ dir, traffic: Buffer.from('Bearer cp_0123456789abcdef0123456789abcdef') })).toEqual([
    { where: 'traffic', what: 'the secret of business-system.key' },
  ])
})
