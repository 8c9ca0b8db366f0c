import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, relative } from 'node:path'
import Database from 'better-sqlite3'
import { GRADE_LABELS, GRADES } from '#protocol/grades.ts'

/** What a run wrote and said, and what must not be readable in it. */
export interface Written {
  /** The folder of a counter: journal, collector's store, identities, configurations, whatever else lies there. */
  dir: string
  /** Everything the programs printed. */
  output: readonly string[]
  /** Everything that went between a panel and its clients, both ways. */
  traffic: Uint8Array
  /** Case numbers of the run: they belong in journal, store and traffic, never in a log. */
  cases: readonly string[]
  /** What the pad sent, frames of at least four bytes: a grade is readable in them. */
  frames?: readonly Uint8Array[]
}

/** One thing that should not be readable where it is. The place never repeats what was found there. */
export interface Finding {
  where: string
  what: string
}

/** Its projection is where the collector shows grades; the evidence beside it keeps them sealed. */
const OPENED_TABLES = ['ratings']
/** Words that every grade's name has in it, in both languages. */
const GRADE_WORDS = [...new Set([...GRADES, ...Object.values(GRADE_LABELS).flatMap(({ zh, en }) => [zh, en])])]
/** A grade as a number: {"grade":5}, level='1', score = "3". */
const GRADE_NUMBER =
  /["']?\b(?:grade|level|score|rating|evaluat\w*|satisf\w*|评价(?:等级|结果)?|满意度)["']?\s*[:=]\s*["']?[0-6]["']?(?![\w.-])/i

/**
 * Every readable grade in everything a counter wrote, printed and told the clerk; every case number and every
 * secret in what was printed. Database files are searched as bytes, so also their logs and free pages, and row by
 * row, so that a text split over two pages is found. Empty when the promise was kept.
 */
export function searchWritten({ dir, output, traffic, cases, frames = [] }: Written): Finding[] {
  const printed = Buffer.from(output.join('\n'))
  const files = filesBelow(dir)
  const found: Finding[] = []
  const look = (where: string, bytes: Buffer) => {
    for (const what of gradesIn(bytes, frames)) found.push({ where, what })
  }
  look('output', printed)
  look('traffic', Buffer.from(traffic))
  for (const file of files) {
    const name = relative(dir, file)
    if (isStore(name)) continue // Its projections hold grades by right, so it is searched by tables.
    look(name, readFileSync(file))
    if (isDatabase(file)) for (const [table, bytes] of rowsOf(file)) look(`${name}, table ${table}`, bytes)
  }
  for (const file of files.filter(path => isDatabase(path) && isStore(relative(dir, path)))) {
    for (const [table, bytes] of rowsOf(file)) {
      if (!OPENED_TABLES.includes(table)) look(`${relative(dir, file)}, table ${table}`, bytes)
    }
  }
  for (const number of cases) if (printed.includes(number)) found.push({ where: 'output', what: 'a case number' })
  for (const { file, secret } of secretsIn(files)) {
    for (const [where, bytes] of [
      ['output', printed],
      ['traffic', Buffer.from(traffic)],
    ] as const) {
      if (bytes.includes(secret)) found.push({ where, what: `the secret of ${relative(dir, file)}` })
    }
  }
  return found
}

function gradesIn(bytes: Buffer, frames: readonly Uint8Array[]): string[] {
  const found = GRADE_FORMS.filter(({ form }) => bytes.includes(form)).map(({ name }) => name)
  if (GRADE_NUMBER.test(bytes.toString('utf8'))) found.push('a grade as a number')
  const text = bytes.toString('latin1').toLowerCase().replaceAll(' ', '')
  for (const frame of frames) {
    const hex = Buffer.from(frame).toString('hex')
    if (bytes.includes(Buffer.from(frame)) || text.includes(hex)) found.push(`frame ${hex} of the pad`)
  }
  return found
}

const escaped = (word: string) =>
  [...word].map(char => (char > '\x7f' ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}` : char)).join('')

/** The base64 characters that depend on these bytes alone, when `offset` bytes of something else come before. */
function base64Core(bytes: Buffer, offset: number): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const unsafeEnd = (bytes.length + offset) % 3 === 0 ? 0 : 1
  return text.slice(offset === 0 ? 0 : offset + 1, text.length - unsafeEnd)
}

/** Keys of the folder: every private key, and the API keys kept in plain for the business system of a demo. */
function secretsIn(files: readonly string[]): { file: string; secret: string }[] {
  return files
    .filter(file => file.endsWith('.key'))
    .map(file => {
      const text = readFileSync(file, 'utf8')
      // One whole line of the key's own body, not the head that all keys share.
      const body = text.split('\n').filter(line => line && !line.startsWith('-----'))
      return { file, secret: body[0]!.slice(-40) }
    })
}

/** What every table holds, as one text each with byte strings in the raw; a copy is read, so nothing is locked. */
function rowsOf(file: string): [table: string, bytes: Buffer][] {
  const folder = mkdtempSync(join(tmpdir(), 'chuangping-search-'))
  try {
    for (const part of ['', '-wal']) {
      if (existsSync(file + part)) copyFileSync(file + part, join(folder, basename(file) + part))
    }
    const database = new Database(join(folder, basename(file)))
    try {
      const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").pluck().all() as string[]
      return tables.map(table => {
        const cells = (database.prepare(`SELECT * FROM "${table}"`).raw().all() as unknown[][]).flat()
        return [table, Buffer.concat(cells.map(cell => (cell instanceof Buffer ? cell : Buffer.from(`${cell}\n`))))]
      })
    } finally {
      database.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const isStore = (name: string) => /(^|\/)collector\.sqlite(-wal|-shm)?$/.test(name)

function isDatabase(file: string): boolean {
  return readFileSync(file).subarray(0, 15).toString('latin1') === 'SQLite format 3'
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .filter(file => statSync(file, { throwIfNoEntry: false })?.isFile())
}

/** Shorter ones occur in ciphertext by chance. */
const FORM_BYTES_MIN = 6

/** GB/T 2312 codes of the characters of the five grades; Node encodes to UTF only. */
const GBK: Record<string, string> = {
  满: 'c2fa',
  意: 'd2e2',
  非: 'b7c7',
  常: 'b3a3',
  基: 'bbf9',
  本: 'b1be',
  不: 'b2bb',
}

/** The ways a word can be readable: UTF-8, UTF-16, GBK, hex, percent and JSON escapes, and base64 at each offset. */
const GRADE_FORMS = GRADE_WORDS.flatMap(word => {
  const utf8 = Buffer.from(word)
  const forms: [string, Buffer][] = [
    ['', utf8],
    ['in capitals', Buffer.from(word.toUpperCase())],
    ['in UTF-16', Buffer.from(word, 'utf16le')],
    ['in hex', Buffer.from(utf8.toString('hex'))],
    ['in JSON escapes', Buffer.from(escaped(word))],
    ['in percent escapes', Buffer.from(encodeURIComponent(word))],
    ...[0, 1, 2].map((offset): [string, Buffer] => ['in base64', Buffer.from(base64Core(utf8, offset))]),
  ]
  if (word.includes('满意')) forms.push(['in GBK', Buffer.from([...word].map(char => GBK[char]).join(''), 'hex')])
  return forms
    .filter(([, form]) => form.length >= FORM_BYTES_MIN)
    .map(([how, form]) => ({ name: `${word} ${how}`.trim(), form }))
})
