import { type Batch, decodeBatch } from './batch.ts'
import { decodeEntry, type Entry } from './entry.ts'
import { decodePresence, type Presence } from './presence.ts'
import { decodePromptRequest, type PromptRequest } from './prompt-request.ts'
import { decodeReceipt, type Receipt } from './receipt.ts'
import { fail, ok, type Result } from './result.ts'
import { decodeTimeAnswer, type TimeAnswer } from './time-answer.ts'

/** Bytes of this protocol, told apart by what they are. */
export type Message =
  | { message: 'entry'; value: Entry }
  | { message: 'batch'; value: Batch }
  | { message: 'receipt'; value: Receipt }
  | { message: 'status'; value: Presence }
  | { message: 'prompt-request'; value: PromptRequest }
  | { message: 'time-answer'; value: TimeAnswer }

/** Says what bytes are, whatever they came from. No two kinds have a form in common. Verifies nothing. */
export function recognise(bytes: Uint8Array): Result<Message, { code: 'not-recognised'; detail: string }> {
  const entry = decodeEntry(bytes)
  if (entry.ok) return ok({ message: 'entry', value: entry.value })
  const batch = decodeBatch(bytes)
  if (batch.ok) return ok({ message: 'batch', value: batch.value })
  const receipt = decodeReceipt(bytes)
  if (receipt.ok) return ok({ message: 'receipt', value: receipt.value })
  const status = decodePresence(bytes)
  if (status.ok) return ok({ message: 'status', value: status.value })
  const request = decodePromptRequest(bytes)
  if (request.ok) return ok({ message: 'prompt-request', value: request.value })
  const answer = decodeTimeAnswer(bytes)
  if (answer.ok) return ok({ message: 'time-answer', value: answer.value })
  const reasons = { entry, batch, receipt, status, 'prompt request': request, 'time answer': answer }
  const detail = Object.entries(reasons)
    .map(([name, read]) => `as ${name}: ${read.error.detail}`)
    .join('; ')
  return fail('not-recognised', `these ${bytes.length} bytes are nothing of this protocol: ${detail}`)
}
