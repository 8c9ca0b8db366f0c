import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { BoxIdSchema, CountSchema, EpochSchema, HashSchema, InstantMsSchema, SignatureSchema } from './names.ts'
import { createSignedForm } from './signed-form.ts'

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
const form = createSignedForm('receipt', 'the receipt', { signed: wireForm, unsigned: unsignedForm })

export const makeReceipt = form.make
export const signReceipt = form.sign
export const isReceiptSigned = form.isSigned
/** Reads a receipt and believes it only when the collector's key signed it. */
export const readReceipt = form.read

export const encodeReceipt = wireForm.encode
/** Reads a receipt without believing it: see `readReceipt`. */
export const decodeReceipt = wireForm.decode
