import fc from 'fast-check'
import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { valuesOf } from '#test/helpers/protocol-arbitraries.ts'
import { ENTRY_BYTES_MAX } from './batch.ts'
import { BOX_KINDS, CANCEL_REASONS, decodeEntry, ENTRY_KINDS, type Entry, EntrySchema, encodeEntry } from './entry.ts'
import { OUTCOMES, PROVENANCES } from './grades.ts'
import { CodeSchema } from './names.ts'

const TIME = { boot: new Uint8Array(16), mono: 1, wall: 1_767_225_600_000, synced: false }
const PROMPT = new Uint8Array(16).fill(4)
const SEALED = { key: new Uint8Array(8), enc: new Uint8Array(32), text: new Uint8Array(64) }

const problemOf = (entry: unknown): string => {
  try {
    encodeEntry(entry as Entry)
    return 'taken'
  } catch (error) {
    return (error as Error).message
  }
}

test('every kind of entry comes up among the valid ones, and none is bigger than a batch can carry', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(valuesOf(EntrySchema), entry => {
      seen.add(entry.kind)
      expect(encodeEntry(entry).length).toBeLessThanOrEqual(ENTRY_BYTES_MAX)
    }),
    { numRuns: 300 },
  )
  expect([...seen].sort()).toEqual([...ENTRY_KINDS].sort())
})

test('the biggest entry there can be fits', () => {
  const wide = (length: number) => '𠮷'.repeat(length)
  const reference = { case: wide(50), service: 99 }
  const biggest: Entry[] = [
    {
      kind: 'case',
      time: TIME,
      body: {
        ...reference,
        source: wide(64),
        item: wide(200),
        window: 'W'.repeat(32),
        clerk: wide(32),
        servedAt: 8.64e15,
      },
    },
    {
      kind: 'rating',
      time: TIME,
      body: { prompt: PROMPT, provenance: 'screen', sealed: { ...SEALED, text: new Uint8Array(4096) } },
    },
    {
      kind: 'outcome',
      time: TIME,
      body: { prompt: PROMPT, outcome: 'pad-unavailable', reason: 'r'.repeat(40), note: wide(200) },
    },
  ]
  for (const entry of biggest) expect(encodeEntry(entry).length).toBeLessThan(ENTRY_BYTES_MAX)
})

test('what is wrong is said of the kind the entry claims to be, and of no other', () => {
  expect(
    problemOf({ kind: 'prompt', time: TIME, body: { prompt: new Uint8Array(15), window: 'W 1', origin: 'panel' } }),
  ).toMatch(/^cannot encode entry: \/body\/prompt must be 16 bytes; \/body\/window must match pattern [^;]+$/)
  expect(problemOf({ kind: 'pad', time: TIME, body: { window: 'W1' } })).toBe(
    'cannot encode entry: /body/state is required',
  )
  expect(problemOf({ kind: 'grade', time: TIME, body: {} })).toMatch(
    /^cannot encode entry: \/kind must be one of: boot, .*case, gap, finding, refused, revocation, acceptance/,
  )
  expect(problemOf('rating')).toMatch(/^cannot encode entry: /)
})

describe('a rating', () => {
  const rating = { kind: 'rating', time: TIME, body: { prompt: PROMPT, provenance: 'pad', sealed: SEALED } }
  test('is sealed, and has no place for a readable grade', () => {
    expect(problemOf(rating)).toBe('taken')
    expect(problemOf({ ...rating, body: { ...rating.body, grade: 'satisfied' } })).toContain(
      '/body/grade is not known here',
    )
  })

  test('made by a box comes from its pad or its screen; a default one cannot be written', () => {
    for (const provenance of PROVENANCES) {
      const isTaken = problemOf({ ...rating, body: { ...rating.body, provenance } }) === 'taken'
      expect(isTaken).toBe(provenance === 'pad' || provenance === 'screen')
    }
  })
})

describe('an outcome', () => {
  const outcome = (body: object) => problemOf({ kind: 'outcome', time: TIME, body: { prompt: PROMPT, ...body } })
  test('is every end but rated, which is the rating itself', () => {
    for (const name of OUTCOMES) {
      expect(outcome({ outcome: name, reason: 'other' }) === 'taken').toBe(name !== 'rated')
    }
  })

  test('that is a cancellation says why', () => {
    expect(outcome({ outcome: 'cancelled' })).toContain('/body must have a reason')
    for (const reason of CANCEL_REASONS) expect(outcome({ outcome: 'cancelled', reason })).toBe('taken')
    expect(outcome({ outcome: 'timed-out' })).toBe('taken')
  })
})

test('a prompt without a case number is a prompt; a service without its case is not', () => {
  const prompt = (body: object) =>
    problemOf({ kind: 'prompt', time: TIME, body: { prompt: PROMPT, window: 'W1', origin: 'panel', ...body } })
  expect(prompt({})).toBe('taken')
  expect(prompt({ for: { case: 'A1', service: 1 } })).toBe('taken')
  expect(prompt({ for: { service: 1 } })).toContain('/body/for/case is required')
  expect(prompt({ for: { case: 'A1' } })).toContain('/body/for/service is required')
})

test('what a box may write is part of what there is, and the collector’s own kinds are not in it', () => {
  expect(ENTRY_KINDS).toEqual(expect.arrayContaining([...BOX_KINDS]))
  expect(ENTRY_KINDS.filter(kind => !BOX_KINDS.includes(kind))).toEqual([
    'enrolment',
    'case',
    'gap',
    'finding',
    'refused',
    'revocation',
    'acceptance',
    'digest',
    'quarantined',
  ])
})

test('reasons of the product are codes', () => {
  for (const reason of CANCEL_REASONS) expect(Compile(CodeSchema).Check(reason)).toBe(true)
})

test('bytes of one kind never read as another', () => {
  const read = decodeEntry(encodeEntry({ kind: 'outcome', time: TIME, body: { prompt: PROMPT, outcome: 'declined' } }))
  expect(read).toMatchObject({ ok: true, value: { kind: 'outcome', body: { outcome: 'declined' } } })
})
