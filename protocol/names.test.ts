import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { describe, expect, test } from 'vitest'
import { BatchSchema } from './batch.ts'
import { EntrySchema } from './entry.ts'
import {
  BoxIdSchema,
  Bytes,
  BytesBetween,
  CaseNumberSchema,
  ClerkIdSchema,
  CodeSchema,
  InstantMsSchema,
  ItemSchema,
  isBoxId,
  NoteSchema,
  SeqSchema,
  ServiceNumberSchema,
  WindowIdSchema,
} from './names.ts'
import { PresenceSchema } from './presence.ts'
import { PromptRequestSchema } from './prompt-request.ts'
import { ReceiptSchema } from './receipt.ts'
import { RatingTextSchema } from './sealing.ts'
import { TimeAnswerSchema } from './time-answer.ts'

const accepts = (schema: TSchema, value: unknown) => Compile(schema).Check(value)

describe('a case number', () => {
  test.each([
    'A',
    '110105202601010001',
    '京朝〔2026〕0001号',
    '11-0105/2026.01_01#1',
    '办'.repeat(50),
    '𠮷'.repeat(50),
  ])('%s is taken', text => {
    expect(accepts(CaseNumberSchema, text)).toBe(true)
  })

  test.each([
    ['nothing', ''],
    ['51 characters', '办'.repeat(51)],
    ['51 characters beyond the first plane', '𠮷'.repeat(51)],
    ['a space', 'A 1'],
    ['a space in front', ' A1'],
    ['an ideographic space', 'A\u30001'],
    ['a no-break space', 'A\u00a01'],
    ['a line break', 'A1\n'],
    ['a tab', 'A\t1'],
    ['a NUL', 'A\0'],
    ['an escape', '\u001b[31mA'],
    ['DEL', 'A\u007f'],
    ['a next-line character', 'A\u0085'],
    ['a line separator', 'A\u20281'],
    ['a zero-width space', 'A\u200b1'],
    ['a zero-width joiner', 'A\u200d1'],
    ['a byte order mark', '\ufeffA1'],
    ['a soft hyphen', 'A\u00ad1'],
    ['a change of direction', 'A\u202e1'],
    ['an isolate', 'A\u2066\u20691'],
    ['a tag character', 'A\u{e0041}'],
    ['a variation selector', 'A\ufe0f'],
    ['an ideographic variation selector', '葛\u{e0100}'],
    ['a Hangul filler', 'A\u31641'],
    ['a braille blank', 'A\u28001'],
    ['a private character', 'A\ue000'],
    ['half a surrogate pair', 'A\ud800'],
    ['the other half', '\udc00A'],
    ['a number', 7],
    ['null', null],
  ])('with %s is refused', (_, text) => {
    expect(accepts(CaseNumberSchema, text)).toBe(false)
  })

  test('is refused whatever control or invisible character is put anywhere into a good one', () => {
    const bad = fc.constantFrom('\0', '\r', '\u009f', '\u061c', '\u200e', '\u2060', '\u3000', '\ufff9', '\udfff')
    const cases = fc.tuple(fc.stringMatching(/^[A-Z0-9]{1,20}$/), bad, fc.nat(20))
    fc.assert(
      fc.property(cases, ([good, character, at]) => {
        expect(accepts(CaseNumberSchema, good)).toBe(true)
        expect(accepts(CaseNumberSchema, good.slice(0, at) + character + good.slice(at))).toBe(false)
      }),
    )
  })
})

describe.each([
  ['a clerk id', ClerkIdSchema, 32],
  ['an item', ItemSchema, 200],
  ['a note', NoteSchema, 200],
] as const)('%s', (_, schema, charactersMax) => {
  test('may hold spaces and Chinese, up to its length and no further', () => {
    expect(accepts(schema, '王 芳')).toBe(true)
    expect(accepts(schema, '𠮷'.repeat(charactersMax))).toBe(true)
    expect(accepts(schema, '𠮷'.repeat(charactersMax + 1))).toBe(false)
    expect(accepts(schema, '')).toBe(false)
  })

  test.each(['a\nb', 'a\u202eb', 'a\u200bb', 'a\ud800b', 'a\u2028b', 'a\u2029b', 'a\u0000b', 'a\uf8ffb'])(
    '%j is refused',
    text => {
      expect(accepts(schema, text)).toBe(false)
    },
  )
})

describe('names with a narrow alphabet', () => {
  test.each([
    [BoxIdSchema, 'box-1', true],
    [BoxIdSchema, '0', true],
    [BoxIdSchema, 'b'.repeat(32), true],
    [BoxIdSchema, 'b'.repeat(33), false],
    [BoxIdSchema, '-box', false],
    [BoxIdSchema, 'Box', false],
    [BoxIdSchema, 'a/b', false],
    [BoxIdSchema, '+', false],
    [BoxIdSchema, '#', false],
    [BoxIdSchema, 'box\n', false],
    [BoxIdSchema, '', false],
    [WindowIdSchema, 'A01.2_b-c', true],
    [WindowIdSchema, 'W'.repeat(32), true],
    [WindowIdSchema, 'W'.repeat(33), false],
    [WindowIdSchema, '窗口1', false],
    [WindowIdSchema, '.hidden', false],
    [WindowIdSchema, 'W1\n', false],
    [CodeSchema, 'wrong-case', true],
    [CodeSchema, 'c'.repeat(40), true],
    [CodeSchema, 'c'.repeat(41), false],
    [CodeSchema, 'Wrong', false],
    [CodeSchema, '1st', false],
    [CodeSchema, 'two words', false],
  ] as const)('%#', (schema, text, isGood) => {
    expect(accepts(schema, text)).toBe(isGood)
  })

  test('the question whether a text is a box id has the answer of the schema', () => {
    fc.assert(
      fc.property(fc.oneof(fc.stringMatching(/^[a-z0-9-]{0,34}$/), fc.string()), text => {
        expect(isBoxId(text)).toBe(accepts(BoxIdSchema, text))
      }),
    )
  })
})

describe('numbers', () => {
  test.each([
    [ServiceNumberSchema, 0, false],
    [ServiceNumberSchema, 1, true],
    [ServiceNumberSchema, 99, true],
    [ServiceNumberSchema, 100, false],
    [ServiceNumberSchema, 1.5, false],
    [ServiceNumberSchema, '1', false],
    [SeqSchema, 0, false],
    [SeqSchema, 1, true],
    [SeqSchema, Number.MAX_SAFE_INTEGER, true],
    [SeqSchema, Number.MAX_SAFE_INTEGER + 1, false],
    [InstantMsSchema, 8_640_000_000_000_000, true],
    [InstantMsSchema, 8_640_000_000_000_001, false],
    [InstantMsSchema, -8_640_000_000_000_000, true],
    [InstantMsSchema, Number.NaN, false],
  ] as const)('%# %s %s', (schema, value, isGood) => {
    expect(accepts(schema, value)).toBe(isGood)
  })
})

describe('byte strings', () => {
  test('have exactly their length, or are within their bounds', () => {
    for (const length of [0, 2, 3, 4]) expect(accepts(Bytes(3, 'x'), new Uint8Array(length))).toBe(length === 3)
    for (const length of [1, 2, 4, 5]) {
      expect(accepts(BytesBetween(2, 4, 'x'), new Uint8Array(length))).toBe(length >= 2 && length <= 4)
    }
  })

  test('are bytes and nothing that looks like them', () => {
    for (const impostor of ['abc', [1, 2, 3], { length: 3 }, new Uint16Array(3), null]) {
      expect(accepts(Bytes(3, 'x'), impostor)).toBe(false)
    }
  })
})

test('nothing that crosses the boundary is without bounds, and no message takes a name it does not know', () => {
  const unbounded: string[] = []
  const walk = (schema: Record<string, unknown>, at: string) => {
    const { type, properties, items, anyOf } = schema as { [key: string]: never }
    if (type === 'string' && !('maxLength' in schema || 'pattern' in schema || 'const' in schema)) unbounded.push(at)
    if (type === 'string' && /(?<!\\)[*+]/.test(String(schema['pattern'] ?? ''))) unbounded.push(at)
    if (type === 'array' && !('maxItems' in schema)) unbounded.push(at)
    if (type === 'object' && schema['additionalProperties'] !== false) unbounded.push(at)
    if (type === 'number') unbounded.push(at)
    // An integer that is not a safe one would travel as a float.
    if (type === 'integer' && !(Number.isSafeInteger(schema['minimum']) && Number.isSafeInteger(schema['maximum']))) {
      unbounded.push(at)
    }
    for (const [name, child] of Object.entries((properties ?? {}) as Record<string, never>))
      walk(child, `${at}/${name}`)
    if (items) walk(items, `${at}/-`)
    for (const member of (anyOf ?? []) as never[]) walk(member, `${at}|${(member as { title?: string }).title}`)
  }
  const messages = {
    BatchSchema,
    EntrySchema,
    PresenceSchema,
    PromptRequestSchema,
    ReceiptSchema,
    RatingTextSchema,
    TimeAnswerSchema,
  }
  for (const [name, schema] of Object.entries(messages)) walk(schema as never, name)
  // `version` is one constant, which is bound enough.
  expect(unbounded.filter(at => !at.endsWith('/version'))).toEqual([])
})
