import Type from 'typebox'
import { createWireForm } from './codec.ts'
import { ServiceRefSchema } from './entry.ts'
import { ClerkIdSchema, PromptIdSchema, WindowIdSchema } from './names.ts'

/**
 * A prompt from a business system, on its way from the collector to a window's box. It is not kept for
 * a box that is away: the answer is the prompt's entry, and without one the collector says it did not happen.
 */
export const PromptRequestSchema = Type.Object(
  {
    version: Type.Literal(1),
    prompt: PromptIdSchema,
    window: WindowIdSchema,
    for: ServiceRefSchema,
    clerk: Type.Optional(ClerkIdSchema),
  },
  { additionalProperties: false, title: '邀评请求 Prompt request' },
)
export type PromptRequest = Type.Static<typeof PromptRequestSchema>

const wireForm = createWireForm('prompt request', PromptRequestSchema)
export const encodePromptRequest = wireForm.encode
export const decodePromptRequest = wireForm.decode
