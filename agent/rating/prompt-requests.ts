import type { KeyObject } from 'node:crypto'
import { readPromptRequest } from '#protocol/prompt-request.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { PromptOrder } from './desk.ts'

/** How old a request may be when it arrives: what a broker kept back and sends later means nothing any more. */
const AGE_MS_MAX = 60_000

/**
 * Believes a business system's prompt only when the collector signed it, for this box, just now. The age is
 * taken from the collector's own time, so a box with a wrong clock is not fooled; before the collector has been
 * heard in this run there is no such time, and the request is refused.
 */
export function readPromptOrder(
  bytes: Uint8Array,
  deps: { box: string; collectorKey: KeyObject; nowWallMs: number | undefined },
): Result<PromptOrder> {
  const request = readPromptRequest(bytes, deps.collectorKey)
  if (!request.ok) return request
  const { version: _version, signature: _signature, box, prompt: id, at, ...order } = request.value
  if (box !== deps.box) return fail('prompt-of-another', `the request is for box ${box}`)
  if (deps.nowWallMs === undefined) return fail('prompt-too-early', 'the collector’s time is not known yet')
  if (deps.nowWallMs - at > AGE_MS_MAX) return fail('prompt-too-old', `the request is ${deps.nowWallMs - at} ms old`)
  return ok({ ...order, id, origin: 'collector' })
}
