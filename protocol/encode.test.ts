import { encode, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { valuesOf } from '#test/helpers/protocol-arbitraries.ts'
import { BatchSchema } from './batch.ts'
import { isDeterministic } from './deterministic.ts'
import { encodeDeterministic } from './encode.ts'
import { EntrySchema } from './entry.ts'

const byLibrary = (value: unknown) => encode(value, { ...rfc8949EncodeOptions, ignoreUndefinedProperties: true })

const edges = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]
const numbers = fc.oneof(fc.constantFrom(...edges, ...edges.map(edge => -edge), -(2 ** 32) - 1), fc.maxSafeInteger())
const lengths = fc.constantFrom(0, 1, 23, 24, 255, 256, 65_536)
const { value: anything } = fc.letrec(tie => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.boolean(),
    numbers,
    fc.string({ unit: 'binary' }),
    lengths.map(length => '办'.repeat(length)),
    lengths.map(length => new Uint8Array(length).fill(7)),
    fc.array(tie('value'), { maxLength: 30 }),
    fc.dictionary(
      fc.string({ unit: 'grapheme-ascii', maxLength: 30 }),
      fc.oneof(tie('value'), fc.constant(undefined)),
      { maxKeys: 30, noNullPrototype: true },
    ),
  ),
}))

describe('one encoding for everything', () => {
  test.each([
    ['anything this protocol could be made of', anything],
    ['an entry', valuesOf(EntrySchema)],
    ['a batch', valuesOf(BatchSchema)],
  ])('%s is encoded as the library does', (_, values: fc.Arbitrary<unknown>) => {
    fc.assert(
      fc.property(values, value => {
        const bytes = encodeDeterministic(value)
        expect(Buffer.compare(bytes, byLibrary(value))).toBe(0)
        expect(isDeterministic(bytes)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  test.each([
    ['half a number', 1.5],
    ['no number', Number.NaN],
    ['a number that is not exact', 2 ** 53],
    ['nothing', null],
    ['undefined in a list', [undefined]],
    ['a big integer', 10n],
    ['a function', { name: () => 1 }],
    ['a name that is not ASCII', { 办件: 1 }],
  ])('%s has none', (_, value) => {
    expect(() => encodeDeterministic(value)).toThrow(/no encoding here|no whole number/)
  })
})
