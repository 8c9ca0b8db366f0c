import { describe, expect, test } from 'vitest'
import { createPadCodec } from './codec.ts'
import { createEchoFilter } from './echo-filter.ts'
import { copiedBytes } from './fixtures/copied-bytes.ts'
import { shipped } from './fixtures/profiles.ts'

const BURST_BYTES = 4096
/** Into the framer, out of it, and into the output; joining anew with each byte would be two thousand times. */
const COPIES_MAX = 5

describe('a burst costs no more than its length', () => {
  test('of keys of a pad of bare bytes that nobody asked for', () => {
    const codec = createPadCodec(shipped('generic-pj06'))
    const burst = new Uint8Array(BURST_BYTES).fill(1)
    const copied = copiedBytes(() => {
      expect(codec.receive(burst, false)).toEqual([{ kind: 'garbage', bytes: burst, reason: 'unsolicited' }])
    })
    expect(copied).toBeLessThanOrEqual(COPIES_MAX * BURST_BYTES)
  })

  test.each([
    { name: 'that is no echo', canTrustBytes: true, kind: 'bytes' },
    { name: 'behind a damaged echo', canTrustBytes: false, kind: 'broken-echo' },
  ])('while an echo is awaited, $name', ({ canTrustBytes, kind }) => {
    const filter = createEchoFilter({ isRemoving: true, canTrustBytes })
    filter.sent(Uint8Array.of(1, 2, 3))
    const burst = Uint8Array.of(1, ...new Uint8Array(BURST_BYTES - 1))
    const copied = copiedBytes(() => expect(filter.receive(burst)).toEqual([{ kind, bytes: burst }]))
    expect(copied).toBeLessThanOrEqual(COPIES_MAX * BURST_BYTES)
  })
})

test('garbage of several reasons in one burst is told in order, each joined on its own', () => {
  const codec = createPadCodec(shipped('generic-pj06'))
  const told = codec.receive(Uint8Array.of(1, 2, 0x55, 0xaa, 3, 4), false)
  expect(told.map(({ kind, bytes }) => [kind, [...bytes]])).toEqual([
    ['garbage', [1, 2]],
    ['garbage', [0x55, 0xaa]],
    ['garbage', [3, 4]],
  ])
})
