import type { KeyObject } from 'node:crypto'
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
import { fail, ok, type Result } from './result.ts'
import { isSignedBy, signTagged } from './signature.ts'

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

export const encodePromptRequest = wireForm.encode
export const decodePromptRequest = wireForm.decode

export function signPromptRequest(unsigned: Omit<PromptRequest, 'signature'>, privateKey: KeyObject): Uint8Array {
  return wireForm.encode({ ...unsigned, signature: signTagged('prompt', unsignedForm.encode(unsigned), privateKey) })
}

export function isPromptRequestSigned({ signature, ...unsigned }: PromptRequest, publicKey: KeyObject): boolean {
  return isSignedBy('prompt', unsignedForm.encode(unsigned), signature, publicKey)
}

/** Reads a prompt request and believes it only when the collector's key signed it. */
export function readPromptRequest(bytes: Uint8Array, publicKey: KeyObject): Result<PromptRequest> {
  const decoded = wireForm.decode(bytes)
  if (!decoded.ok) return decoded
  if (!isPromptRequestSigned(decoded.value, publicKey)) {
    return fail('bad-signature', 'the prompt request was not signed by the collector this box was enrolled with')
  }
  return ok(decoded.value)
}
