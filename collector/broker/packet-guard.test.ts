import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createPacketGuard } from './packet-guard.ts'

const MAX = 5000

/** Around the limit, and where the length takes one byte more. */
const bodyBytes = fc.oneof(fc.constantFrom(0, 100, 127, 128, MAX - 1, MAX, MAX + 1, 16_383, 16_384), fc.nat(MAX))

/** A packet whose body has that many bytes: type, remaining length (MQTT 3.1.1 section 2.2.3), body. */
function packet(bodyBytes: number): Buffer {
  const length: number[] = []
  let left = bodyBytes
  do {
    length.push((left & 0x7f) | (left > 0x7f ? 0x80 : 0))
    left >>= 7
  } while (left > 0)
  return Buffer.concat([Buffer.from([0x30, ...length]), Buffer.alloc(bodyBytes, 0x31)])
}

test('a stream is cut at the first packet that announces too much, however it is split', () => {
  fc.assert(
    fc.property(
      fc.array(bodyBytes, { minLength: 1, maxLength: 5 }),
      fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }),
      (sizes, cuts) => {
        const stream = Buffer.concat(sizes.map(packet))
        const isTooBig = createPacketGuard(MAX)
        let wasCut = false
        for (let at = 0, i = 0; at < stream.length && !wasCut; i++) {
          const end = at + cuts[i % cuts.length]!
          wasCut = isTooBig(stream.subarray(at, end))
          at = end
        }
        expect(wasCut).toBe(Math.max(...sizes) > MAX)
      },
    ),
  )
})

test('a length that never ends is none', () => {
  expect(createPacketGuard(MAX)(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80]))).toBe(true)
})
