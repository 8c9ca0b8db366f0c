import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { BoxIdSchema, InstantMsSchema, SignatureSchema, TimeQuestionSchema } from './names.ts'
import { createSignedForm } from './signed-form.ts'

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
const form = createSignedForm('time', 'the time', { signed: wireForm, unsigned: unsignedForm })

export const signTimeAnswer = form.sign
export const isTimeAnswerSigned = form.isSigned
/** Reads a time answer and believes it only when the collector's key signed it. */
export const readTimeAnswer = form.read

export const encodeTimeAnswer = wireForm.encode
export const decodeTimeAnswer = wireForm.decode
