import { verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disturbed } from '#test/helpers/protocol-arbitraries.ts'
import { signingKeys } from '#test/helpers/test-keys.ts'
import { isSignedBy, isSignedByAside, signTagged } from './signature.ts'

const keys = signingKeys()
const BYTES = new Uint8Array([1, 2, 3])

test('a signature fits its purpose, its bytes and its key, and nothing else', () => {
  const signature = signTagged('head', BYTES, keys.privateKey)
  expect(signature.length).toBe(64)
  expect(isSignedBy('head', BYTES, signature, keys.publicKey)).toBe(true)
  expect(isSignedBy('receipt', BYTES, signature, keys.publicKey)).toBe(false)
  expect(isSignedBy('head', new Uint8Array([1, 2]), signature, keys.publicKey)).toBe(false)
  expect(isSignedBy('head', BYTES, signature, signingKeys().publicKey)).toBe(false)
})

test('whatever stands in place of a signature is refused and does not throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), signature => {
      expect(isSignedBy('head', BYTES, signature, keys.publicKey)).toBe(false)
    }),
  )
})

describe('the two forms of a signature', () => {
  const TAG = Buffer.from('chuangping head v1\n')
  const p1363 = { key: keys.publicKey, dsaEncoding: 'ieee-p1363' } as const
  const number = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    // With zeros in front, which one form has and the other has not.
    fc.tuple(fc.integer({ min: 0, max: 32 }), fc.uint8Array({ minLength: 32, maxLength: 32 })).map(([zeros, bytes]) => {
      return bytes.fill(0, 0, zeros)
    }),
  )

  test('signatures of every length are the pair of numbers that the protocol says', async () => {
    let short = 0
    for (let i = 0; i < 2000; i++) {
      const message = Buffer.of(i >> 8, i & 0xff)
      const signature = signTagged('head', message, keys.privateKey)
      if (signature[0] === 0 || signature[32] === 0) short += 1
      expect(verify('sha256', Buffer.concat([TAG, message]), p1363, signature)).toBe(true)
      expect(isSignedBy('head', message, signature, keys.publicKey)).toBe(true)
      if (signature[32] === 0) {
        const shorter = Buffer.concat([signature.subarray(0, 32), signature.subarray(33)])
        expect(isSignedBy('head', message, shorter, keys.publicKey)).toBe(false)
        expect(await isSignedByAside('head', message, shorter, keys.publicKey)).toBe(false)
      }
    }
    // About one in 128 has a number with a zero in front.
    expect(short).toBeGreaterThan(0)
  })

  test('whatever the numbers, it holds for us, here and aside, exactly when it holds for node:crypto', async () => {
    const message = Buffer.from('message')
    const good = signTagged('head', message, keys.privateKey)
    const pairs = fc.oneof(
      fc.tuple(number, number).map(parts => Buffer.concat(parts)),
      fc.constant(good),
      disturbed(good),
    )
    await fc.assert(
      fc.asyncProperty(pairs, async pair => {
        const isGood = verify('sha256', Buffer.concat([TAG, message]), p1363, pair)
        expect(isSignedBy('head', message, pair, keys.publicKey)).toBe(isGood)
        expect(await isSignedByAside('head', message, pair, keys.publicKey)).toBe(isGood)
      }),
      { numRuns: 500 },
    )
  })
})
