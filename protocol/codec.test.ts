import { encode } from 'cborg'
import fc from 'fast-check'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { disturbed, valuesOf } from '#test/helpers/protocol-arbitraries.ts'
import { BatchSchema, decodeBatch, encodeBatch } from './batch.ts'
import { createWireForm, describeErrors, fromHex, isEqual, parseHex, toHex } from './codec.ts'
import { decodeEntry, EntrySchema, encodeEntry } from './entry.ts'
import { decodePresence, encodePresence, PresenceSchema } from './presence.ts'
import { decodePromptRequest, encodePromptRequest, PromptRequestSchema } from './prompt-request.ts'
import { ReceiptSchema } from './receipt.ts'
import { RatingTextSchema } from './sealing.ts'
import { decodeTimeAnswer, encodeTimeAnswer, TimeAnswerSchema } from './time-answer.ts'

const receipt = createWireForm('receipt', ReceiptSchema)
const ratingText = createWireForm('rating text', RatingTextSchema)
// A batch of the property tests stays small; its limits have tests of their own.
const SmallBatchSchema = Type.Object({
  ...BatchSchema.properties,
  first: Type.Integer({ minimum: 2, maximum: 2 ** 40 }),
  entries: Type.Array(BatchSchema.properties.entries.items, { minItems: 1, maxItems: 4 }),
})

// biome-ignore lint/suspicious/noExplicitAny: one table over message types that share nothing
const MESSAGES: [string, fc.Arbitrary<any>, (value: any) => Uint8Array, (bytes: Uint8Array) => any][] = [
  ['an entry', valuesOf(EntrySchema), encodeEntry, decodeEntry],
  ['a batch', valuesOf(SmallBatchSchema), encodeBatch, decodeBatch],
  ['a receipt', valuesOf(ReceiptSchema), receipt.encode, receipt.decode],
  ['a status', valuesOf(PresenceSchema), encodePresence, decodePresence],
  ['a prompt request', valuesOf(PromptRequestSchema), encodePromptRequest, decodePromptRequest],
  ['a time answer', valuesOf(TimeAnswerSchema), encodeTimeAnswer, decodeTimeAnswer],
  ['a rating text', valuesOf(RatingTextSchema), ratingText.encode, ratingText.decode],
]

describe.each(MESSAGES)('%s', (_, values, encode, decode) => {
  test('comes back as it was written', () => {
    fc.assert(
      fc.property(values, value => {
        expect(decode(encode(value))).toEqual({ ok: true, value })
      }),
    )
  })

  test('when disturbed is refused with a reason, or is another value with exactly these bytes', () => {
    const cases = values.chain(value => {
      const bytes = encode(value)
      return fc.tuple(fc.constant(bytes), disturbed(bytes))
    })
    fc.assert(
      fc.property(cases, ([bytes, changed]) => {
        const read = decode(changed)
        if (read.ok) {
          expect(toHex(encode(read.value))).toBe(toHex(changed))
          if (isEqual(bytes, changed)) return
          expect(read).not.toEqual(decode(bytes))
        } else {
          expect(read.error.code).toMatch(/^(not-decodable|not-valid|not-deterministic|unknown-version)$/)
          expect(read.error.detail.length).toBeGreaterThan(10)
        }
      }),
      { numRuns: 400 },
    )
  })

  test('is never made of noise, and noise never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
        expect(decode(bytes).ok).toBe(false)
      }),
    )
  })
})

const SmallSchema = Type.Object({ n: Type.Integer({ maximum: 2 ** 53 - 1 }), text: Type.Optional(Type.String()) })
const small = createWireForm('small', Type.Object(SmallSchema.properties, { additionalProperties: false }))

describe('one value has one encoding', () => {
  test.each([
    ['nothing', '', 'not-decodable'],
    ['a number in more bytes than it needs', 'a1616e1801', 'not-decodable'],
    ['a number as a float', 'a1616ef93c00', 'not-deterministic'],
    ['a map of indefinite length', 'bf616e01ff', 'not-decodable'],
    ['a text of indefinite length', 'a2616e0164746578747f6161ff', 'not-decodable'],
    ['a name twice', 'a2616e01616e01', 'not-decodable'],
    ['names in another order', 'a2647465787461 61616e01', 'not-deterministic'],
    ['something behind the end', 'a1616e0100', 'not-decodable'],
    ['a tag', 'c0a1616e01', 'not-decodable'],
    ['undefined', 'a2616e016474657874f7', 'not-decodable'],
    ['not a number', 'a1616ef97e00', 'not-valid'],
    ['a number beyond what JavaScript counts', 'a1616e1b0020000000000000', 'not-valid'],
    ['text that is not UTF-8', 'a2616e01647465787461ff', 'not-deterministic'],
    ['text with half a surrogate pair', 'a2616e01647465787463eda080', 'not-deterministic'],
    ['text behind a byte order mark', 'a2616e01647465787464efbbbf61', 'not-deterministic'],
    ['an unknown name', 'a2616e01617801', 'not-valid'],
    ['a name that would reach the prototype', 'a2616e01695f5f70726f746f5f5fa0', 'not-valid'],
    ['an array that claims four thousand million items', '9affffffff', 'not-decodable'],
    ['nesting without end', `${'81'.repeat(100_000)}00`, 'not-decodable'],
  ])('%s is refused', (_, hex, code) => {
    const read = small.decode(fromHex(hex.replaceAll(' ', '')))
    expect(read).toMatchObject({ ok: false, error: { code } })
  })

  test('the plain encoding of the same value is read', () => {
    expect(small.decode(fromHex('a2616e0164746578746161'))).toEqual({ ok: true, value: { n: 1, text: 'a' } })
  })
})

test('a property that is there but undefined is left out, so that what was written can be read', () => {
  const bytes = small.encode({ n: 1, text: undefined } as never)
  expect(small.decode(bytes)).toEqual({ ok: true, value: { n: 1 } })
})

test('a value that does not fit is our own mistake and throws, saying where', () => {
  expect(() => small.encode({ n: 'x' } as never)).toThrow('cannot encode small: /n must be integer')
})

test('a reason names places and what is allowed, never what was found, and stays one short line', () => {
  const hostile = { n: 'SECRET-VALUE', [`bad\n\u202e${'x'.repeat(1000)}`]: 1 }
  const bytes = encode(hostile)
  const read = small.decode(bytes)
  if (read.ok) throw new Error('must be refused')
  expect(read.error.detail).toContain('/n must be integer')
  expect(read.error.detail).not.toContain('SECRET')
  expect(read.error.detail).not.toMatch(/[\n\u202e]/)
  expect(read.error.detail.length).toBeLessThan(200)
})

test('a value with many unknown names is refused with a reason that has some of them', () => {
  const names = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`name${i}`, 1]))
  const read = small.decode(createWireForm('any', Type.Unknown()).encode({ n: 1, ...names }))
  expect(read).toMatchObject({
    ok: false,
    error: { detail: expect.stringMatching(/^small: \/name\d+ is not known here; /) },
  })
})

test('another version is told apart from rubbish for every message that has one', () => {
  for (const [name, decode] of [
    ['batch', decodeBatch],
    ['status', decodePresence],
    ['prompt request', decodePromptRequest],
    ['time answer', decodeTimeAnswer],
    ['receipt', receipt.decode],
  ] as const) {
    const next = createWireForm('next', Type.Unknown()).encode({ version: 2, anything: ['else'] })
    expect(decode(next)).toMatchObject({
      ok: false,
      error: { code: 'unknown-version', detail: `${name} has version 2, this program reads version 1` },
    })
    const rubbish = createWireForm('next', Type.Unknown()).encode({ version: 1, anything: ['else'] })
    expect(decode(rubbish)).toMatchObject({ ok: false, error: { code: 'not-valid' } })
  }
})

describe('hex', () => {
  test('comes back as the bytes it was made of', () => {
    fc.assert(fc.property(fc.uint8Array(), bytes => isEqual(fromHex(toHex(bytes)), bytes)))
  })

  test.each(['0', 'abc', 'zz', '0x', ' 00', '00\n', 'ａａ'])('%j is none', text => {
    expect(parseHex(text)).toBeUndefined()
    expect(() => fromHex(text)).toThrow('not a hex text')
  })

  test('the part of a larger buffer is only that part', () => {
    expect(toHex(new Uint8Array([1, 2, 3, 4]).subarray(1, 3))).toBe('0203')
  })
})

test('a choice between literals is one sentence', () => {
  const errors = [
    { keyword: 'const', instancePath: '/mode', message: '', params: { allowedValue: 'a' } },
    { keyword: 'const', instancePath: '/mode', message: '', params: { allowedValue: 'b' } },
    { keyword: 'anyOf', instancePath: '/mode', message: 'must match a schema in anyOf', params: {} },
  ]
  expect(describeErrors(errors)).toBe('/mode must be one of: a, b')
})
