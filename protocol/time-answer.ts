import type { KeyObject } from 'node:crypto'
import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { BoxIdSchema, InstantMsSchema, SignatureSchema, TimeQuestionSchema } from './names.ts'
import { fail, ok, type Result } from './result.ts'
import { isSignedBy, signTagged } from './signature.ts'

const fields = {
  version: Type.Literal(1),
  box: BoxIdSchema,
  /** The question in the box's status, so that an answer to an earlier one is of no use. */
  question: TimeQuestionSchema,
  /** The collector's time when it answered. */
  at: InstantMsSchema,
}

/**
 * What time it is at the collector, for a box that has just connected and asked in its status. A box without
 * a clock learns the time from it before anything it holds has gone out.
 */
export const TimeAnswerSchema = Type.Object(
  { ...fields, signature: SignatureSchema },
  { additionalProperties: false, title: '授时 Time answer' },
)
export type TimeAnswer = Type.Static<typeof TimeAnswerSchema>

const wireForm = createWireForm('time answer', TimeAnswerSchema)
const unsignedForm = createWireForm('time answer', Type.Object(fields, { additionalProperties: false }))

export const encodeTimeAnswer = wireForm.encode
export const decodeTimeAnswer = wireForm.decode

export function signTimeAnswer(unsigned: Omit<TimeAnswer, 'signature'>, privateKey: KeyObject): Uint8Array {
  return wireForm.encode({ ...unsigned, signature: signTagged('time', unsignedForm.encode(unsigned), privateKey) })
}

export function isTimeAnswerSigned({ signature, ...unsigned }: TimeAnswer, publicKey: KeyObject): boolean {
  return isSignedBy('time', unsignedForm.encode(unsigned), signature, publicKey)
}

/** Reads a time answer and believes it only when the collector's key signed it. */
export function readTimeAnswer(bytes: Uint8Array, publicKey: KeyObject): Result<TimeAnswer> {
  const decoded = wireForm.decode(bytes)
  if (!decoded.ok) return decoded
  if (!isTimeAnswerSigned(decoded.value, publicKey)) {
    return fail('bad-signature', 'the time was not signed by the collector this box was enrolled with')
  }
  return ok(decoded.value)
}
