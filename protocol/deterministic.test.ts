import { decode, encode, rfc8949EncodeOptions } from 'cborg'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { disturbed } from '#test/helpers/protocol-arbitraries.ts'
import { fromHex, isEqual } from './codec.ts'
import { isDeterministic } from './deterministic.ts'

const texts = fc.string({ unit: fc.constantFrom('a', '窗', '\u{feff}', 'é', '😀'), maxLength: 30, size: 'max' })
const names = fc.constantFrom('a', 'b', 'aa', 'ab', '窗', 'x'.repeat(23), 'x'.repeat(24), 'y'.repeat(24))
const integers = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(...[23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32].flatMap(n => [n, -n - 1])),
)
const { item } = fc.letrec(tie => ({
  item: fc.oneof(
    { maxDepth: 4 },
    integers,
    fc.uint8Array({ maxLength: 30, size: 'max' }),
    texts,
    fc.boolean(),
    fc.array(tie('item'), { maxLength: 4 }),
    fc.dictionary(names, tie('item'), { maxKeys: 5, noNullPrototype: true }),
  ),
}))

const again = (value: unknown) => encode(value, rfc8949EncodeOptions)

/** Whether a value is of the kinds this protocol is made of. */
function isOurs(value: unknown): boolean {
  if (Array.isArray(value)) return value.every(isOurs)
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (value === null || value === undefined) return false
  return typeof value !== 'object' || value instanceof Uint8Array || Object.values(value).every(isOurs)
}

/** The long way: decode, encode again, compare. */
function isSameAgain(bytes: Uint8Array): boolean {
  try {
    const value: unknown = decode(bytes, { strict: true, allowIndefinite: false, rejectDuplicateMapKeys: true })
    return isOurs(value) && isEqual(again(value), bytes)
  } catch {
    return false // The library throws for whatever is no CBOR.
  }
}

test('what was encoded is deterministic, but for text that readers change', () => {
  fc.assert(
    fc.property(item, value => {
      const bytes = again(value)
      expect(isDeterministic(bytes)).toBe(isSameAgain(bytes))
    }),
  )
  expect(isDeterministic(again({ a: ['窗', true, -1, new Uint8Array(3)], b: {} }))).toBe(true)
})

test('disturbed bytes are, exactly when decoding and encoding gives them again', () => {
  const cases = item.chain(value => disturbed(again(value)))
  fc.assert(
    fc.property(cases, bytes => {
      expect(isDeterministic(bytes)).toBe(isSameAgain(bytes))
    }),
    { numRuns: 5000 },
  )
})

test.each([
  ['nothing', ''],
  ['two items', '0000'],
  ['a number in a longer form', '1817'],
  ['the same of eight bytes', '1b00000000ffffffff'],
  ['a length in a longer form', '580100'],
  ['a length that goes on beyond the end', '5bffffffffffffffff00'],
  ['a head that is reserved', `1c${'01'.repeat(16)}`],
  ['an array without a length', '9f00ff'],
  ['a name twice', 'a2616100616101'],
  ['names in another order', 'a2616200616101'],
  ['a number for a name', 'a10000'],
  ['a map that ends at a name', 'a16161'],
  ['text that is not UTF-8', '61ff'],
  ['text that begins with a byte order mark', '63efbbbf'],
  ['a tag', 'c000'],
  ['a float', 'f93c00'],
  ['null', 'f6'],
  ['false in two bytes', 'f814'],
  ['arrays without end', '81'.repeat(100_000)],
])('%s is not', (_, hex) => {
  expect(isDeterministic(fromHex(hex))).toBe(false)
})
