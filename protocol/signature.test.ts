import fc from 'fast-check'
import { expect, test } from 'vitest'
import { signingKeys } from '#test/helpers/test-keys.ts'
import { isSignedBy, signTagged } from './signature.ts'

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
