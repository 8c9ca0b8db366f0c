import type { PromptRow } from '#collector/store/tables.ts'
import type { Outcome } from '#protocol/grades.ts'
import type { Slice } from './slice.ts'

export function endPrompt(
  slice: Slice,
  prompt: PromptRow,
  position: number,
  atWallMs: number,
  outcome: Outcome,
  reason?: string,
): void {
  slice.savePrompt({ ...prompt, outcome, reason: reason ?? null, ended_position: position, ended_at: atWallMs })
}

export function unknownPrompt(box: string, prompt: Uint8Array): PromptRow {
  return {
    box,
    prompt,
    position: null,
    window: null,
    origin: null,
    case_number: null,
    service: null,
    clerk: null,
    opened_at: null,
    outcome: null,
    reason: null,
    ended_position: null,
    ended_at: null,
    day: null,
    day_sure: null,
  }
}
