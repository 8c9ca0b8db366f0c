import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createChainHasher, entryHash } from './chain.ts'
import { toHex } from './codec.ts'
import { makeReceipt } from './receipt.ts'
import { receiptMessage } from './receipt-message.ts'
import { isSignedBy } from './signature.ts'

/** What is made for speed must be what the plain form gives, to the byte. */

const box = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,31}$/)
const seq = fc.oneof(
  fc.nat(30),
  fc.nat(70_000),
  fc.maxSafeNat().map(n => Math.max(1, n)),
)
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const epoch = fc.uint8Array({ minLength: 16, maxLength: 16 })

test('the lean hash of an entry is its hash, wherever its bytes lie and however long they are', () => {
  const entry = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.nat(9000).map(length => randomBytes(length)),
  )
  fc.assert(
    fc.property(box, epoch, seq, bytes32, entry, fc.nat(20), (name, id, number, previous, bytes, before) => {
      const around = Buffer.concat([Buffer.alloc(before, 0xaa), bytes, Buffer.alloc(9, 0xbb)])
      const hasher = createChainHasher({ box: name, epoch: id })
      const lean = hasher.hashOf(
        number,
        Buffer.from(previous).toString('latin1'),
        around,
        before,
        before + bytes.length,
      )
      const plain = entryHash({ box: name, epoch: id }, number, previous, bytes)
      expect(toHex(Buffer.from(lean, 'latin1'))).toBe(toHex(plain))
    }),
  )
})

test('the lean form of a receipt is what its signature is over', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const at = fc.oneof(fc.nat(300), fc.nat(), fc.integer({ min: 0, max: 8_640_000_000_000_000 }))
  fc.assert(
    fc.property(box, epoch, seq, bytes32, at, (name, id, number, hash, atMs) => {
      const said = { box: name, epoch: id, seq: number, hash, at: atMs }
      const { signature } = makeReceipt({ version: 1, ...said }, privateKey)
      expect(isSignedBy('receipt', receiptMessage(said), signature, publicKey)).toBe(true)
      expect(isSignedBy('receipt', receiptMessage({ ...said, at: atMs + 1 }), signature, publicKey)).toBe(false)
    }),
    { numRuns: 60 },
  )
})
