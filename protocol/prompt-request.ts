import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { ServiceRefSchema } from './entry.ts'
import {
  BoxIdSchema,
  ClerkIdSchema,
  InstantMsSchema,
  PromptIdSchema,
  SignatureSchema,
  WindowIdSchema,
} from './names.ts'
import { createSignedForm } from './signed-form.ts'

const fields = {
  version: Type.Literal(1),
  box: BoxIdSchema,
  prompt: PromptIdSchema,
  window: WindowIdSchema,
  for: ServiceRefSchema,
  clerk: Type.Optional(ClerkIdSchema),
  /** The collector's time when it asked: an old request means nothing any more. */
  at: InstantMsSchema,
}

/**
 * A prompt from a business system, on its way from the collector to a window's box, signed like a receipt:
 * a broker must not be able to make a citizen rate another case. It is not kept for a box that is away: the
 * answer is the prompt's entry, and without one the collector says it did not happen.
 */
export const PromptRequestSchema = Type.Object(
  { ...fields, signature: SignatureSchema },
  { additionalProperties: false, title: '邀评请求 Prompt request' },
)
export type PromptRequest = Type.Static<typeof PromptRequestSchema>

const wireForm = createWireForm('prompt request', PromptRequestSchema)
const unsignedForm = createWireForm('prompt request', Type.Object(fields, { additionalProperties: false }))
const form = createSignedForm('prompt', 'the prompt request', { signed: wireForm, unsigned: unsignedForm })

export const signPromptRequest = form.sign
export const isPromptRequestSigned = form.isSigned
/** Reads a prompt request and believes it only when the collector's key signed it. */
export const readPromptRequest = form.read

export const encodePromptRequest = wireForm.encode
export const decodePromptRequest = wireForm.decode
