import { expect, test } from 'vitest'
import { plainRating, publishBytes } from './wire.ts'

test.each([
  [1, 127],
  [2, 128],
  [2, 16_383],
  [3, 16_384],
  [3, 131_072],
])('a PUBLISH packet announces its rest in %i bytes when it has %i (MQTT 3.1.1, table 2.4)', (lengthBytes, rest) => {
  const topic = 'a/b'
  const payloadBytes = rest - (2 + topic.length) - 2
  expect(publishBytes(topic, payloadBytes)).toBe(1 + lengthBytes + rest)
})

test('the plain rating held against an entry has the 304 bytes it is said to have', () => {
  expect(Buffer.byteLength(plainRating())).toBe(304)
  expect(Object.keys(JSON.parse(plainRating()))).toHaveLength(15)
})
