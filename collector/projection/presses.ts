import type { RatingRow } from '#collector/store/tables.ts'
import { endPrompt, unknownPrompt } from './prompt-rows.ts'
import type { Slice } from './slice.ts'

/** A citizen's press: kept whatever it turns out to be worth. */
export function applyPress(slice: Slice, press: Omit<RatingRow, 'standing'>): void {
  const prompt = slice.findPrompt(press.box, press.prompt) ?? unknownPrompt(press.box, press.prompt)
  if (prompt.position === null) slice.noteOddity(press, `${press.kind}-without-prompt`)
  if (press.fault !== null) slice.noteOddity(press, press.fault)
  slice.addPress(press)
  if (prompt.outcome === null) endPrompt(slice, prompt, press.position, press.at, 'rated')
  else if (prompt.outcome !== 'rated') slice.noteOddity(press, `${press.kind}-after-end`)
  else if (press.kind === 'rating') slice.noteOddity(press, 'second-rating')
  slice.restand(prompt)
}
