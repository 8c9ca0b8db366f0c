import type { KeyObject } from 'node:crypto'
import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { BoxIdSchema, CountSchema, EpochSchema, HashSchema, InstantMsSchema, SignatureSchema } from './names.ts'
import { fail, ok, type Result } from './result.ts'
import { isSignedBy, signTagged } from './signature.ts'

const fields = {
  version: Type.Literal(1),
  box: BoxIdSchema,
  epoch: EpochSchema,
  /** Everything up to this number is committed at the collector; 0, with the chain's start as hash, when nothing is. */
  seq: CountSchema('最大序号 Committed up to'),
  hash: HashSchema,
  /** The collector's time of the commit. */
  at: InstantMsSchema,
}

/** 回执: the collector's signed word that it has committed the entries of an epoch up to `seq`. */
export const ReceiptSchema = Type.Object(
  { ...fields, signature: SignatureSchema },
  { additionalProperties: false, title: '回执 Receipt' },
)
export type Receipt = Type.Static<typeof ReceiptSchema>

const wireForm = createWireForm('receipt', ReceiptSchema)
const unsignedForm = createWireForm('receipt', Type.Object(fields, { additionalProperties: false }))

export const encodeReceipt = wireForm.encode
/** Reads a receipt without believing it: see `readReceipt`. */
export const decodeReceipt = wireForm.decode

export function makeReceipt(unsigned: Omit<Receipt, 'signature'>, privateKey: KeyObject): Receipt {
  return { ...unsigned, signature: signTagged('receipt', unsignedForm.encode(unsigned), privateKey) }
}

export function signReceipt(unsigned: Omit<Receipt, 'signature'>, privateKey: KeyObject): Uint8Array {
  return encodeReceipt(makeReceipt(unsigned, privateKey))
}

export function isReceiptSigned({ signature, ...unsigned }: Receipt, publicKey: KeyObject): boolean {
  return isSignedBy('receipt', unsignedForm.encode(unsigned), signature, publicKey)
}

/** Reads a receipt and believes it only when the collector's key signed it. */
export function readReceipt(bytes: Uint8Array, publicKey: KeyObject): Result<Receipt> {
  const decoded = wireForm.decode(bytes)
  if (!decoded.ok) return decoded
  if (!isReceiptSigned(decoded.value, publicKey)) {
    return fail('bad-signature', 'the receipt was not signed by the collector this box was enrolled with')
  }
  return ok(decoded.value)
}
