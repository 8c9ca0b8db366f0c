import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { disturbed, valuesOf } from '#test/helpers/protocol-arbitraries.ts'
import { signingKeys } from '#test/helpers/test-keys.ts'
import { createWireForm, isEqual } from './codec.ts'
import { type Receipt, ReceiptSchema, readReceipt, signReceipt } from './receipt.ts'
import { signTagged } from './signature.ts'

const collector = signingKeys()
const RECEIPT: Omit<Receipt, 'signature'> = {
  version: 1,
  box: 'box-1',
  epoch: new Uint8Array(16).fill(1),
  seq: 42,
  hash: new Uint8Array(32).fill(3),
  at: 1_767_225_600_000,
}
const wireForm = createWireForm('receipt', ReceiptSchema)

test('a receipt of the collector is believed and says what was committed', () => {
  fc.assert(
    fc.property(valuesOf(ReceiptSchema), ({ signature: _, ...unsigned }) => {
      expect(readReceipt(signReceipt(unsigned, collector.privateKey), collector.publicKey)).toMatchObject({
        ok: true,
        value: unsigned,
      })
    }),
    { numRuns: 30 },
  )
})

describe('a receipt is not believed when', () => {
  const good = wireForm.decode(signReceipt(RECEIPT, collector.privateKey))
  if (!good.ok) throw new Error(good.error.detail)
  const receipt = good.value

  test.each<[string, Partial<Receipt>]>([
    ['it speaks for another box', { box: 'box-2' }],
    ['it speaks for another epoch', { epoch: new Uint8Array(16) }],
    ['it frees more than was committed', { seq: 43 }],
    ['it names another entry', { hash: new Uint8Array(32) }],
    ['its time is moved', { at: RECEIPT.at + 1 }],
    ['its signature is all zeros', { signature: new Uint8Array(64) }],
  ])('%s', (_, changes) => {
    const forged = wireForm.encode({ ...receipt, ...changes })
    expect(readReceipt(forged, collector.publicKey)).toMatchObject({ ok: false, error: { code: 'bad-signature' } })
  })

  test('another key signed it', () => {
    const forged = signReceipt(RECEIPT, signingKeys().privateKey)
    expect(readReceipt(forged, collector.publicKey)).toMatchObject({ ok: false, error: { code: 'bad-signature' } })
  })

  test('the right key signed the same bytes for another purpose', () => {
    const { signature: _, ...fields } = receipt
    const { signature: __, ...properties } = ReceiptSchema.properties
    const unsigned = createWireForm('receipt', {
      ...ReceiptSchema,
      properties,
      required: Object.keys(properties),
    }).encode(fields as never)
    const asReceipt = wireForm.encode({ ...receipt, signature: signTagged('receipt', unsigned, collector.privateKey) })
    expect(readReceipt(asReceipt, collector.publicKey).ok).toBe(true)
    const asHead = wireForm.encode({ ...receipt, signature: signTagged('head', unsigned, collector.privateKey) })
    expect(readReceipt(asHead, collector.publicKey)).toMatchObject({ ok: false, error: { code: 'bad-signature' } })
  })

  test('anything of its bytes was disturbed', () => {
    const bytes = signReceipt(RECEIPT, collector.privateKey)
    fc.assert(
      fc.property(disturbed(bytes), changed => {
        if (!isEqual(bytes, changed)) expect(readReceipt(changed, collector.publicKey).ok).toBe(false)
      }),
      { numRuns: 500 },
    )
  })
})
