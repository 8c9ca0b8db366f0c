import type { EntryOf } from '#protocol/entry.ts'
import { dayOf } from './day.ts'
import { type ProjectedEntry, touchService } from './projected.ts'
import { endPrompt, unknownPrompt } from './prompt-rows.ts'
import { type Slice, touchPlace } from './slice.ts'

/** An opened prompt. Its end may already be known: then the row waits for this one. */
export function applyPrompt(slice: Slice, item: ProjectedEntry, { body, time }: EntryOf<'prompt'>): void {
  if (!item.instant) throw new Error(`entry ${item.position} is a prompt and no box wrote it`)
  const known = slice.findPrompt(item.box, body.prompt)
  if (known && known.position !== null) {
    slice.noteOddity(item, 'prompt-repeated')
    return
  }
  const opened = {
    position: item.position,
    window: body.window,
    origin: body.origin,
    case_number: body.for?.case ?? null,
    service: body.for?.service ?? null,
    clerk: body.clerk ?? null,
    opened_at: time.wall,
    ...dayOf(item.instant),
  }
  slice.savePrompt({ ...(known ?? unknownPrompt(item.box, body.prompt)), ...opened })
  if (known) slice.restand({ ...known, ...opened })
  if (body.for) touchService(slice.touched, body.for.case, body.for.service)
}

/** Every end but `rated`. The first end of a prompt is its outcome; what contradicts it is only noted. */
export function applyOutcome(slice: Slice, item: ProjectedEntry, { body, time }: EntryOf<'outcome'>): void {
  const prompt = slice.findPrompt(item.box, body.prompt) ?? unknownPrompt(item.box, body.prompt)
  if (prompt.position === null) slice.noteOddity(item, 'outcome-without-prompt')
  if (prompt.outcome !== null) {
    slice.noteOddity(item, 'second-outcome')
    return
  }
  endPrompt(slice, prompt, item.position, time.wall, body.outcome, body.reason)
  touchPlace(slice.touched, prompt)
}
