import type { RatingRow, Standing } from '#collector/store/tables.ts'

export interface Press {
  position: number
  /** Names the prompt among all boxes. */
  prompt: string
  kind: RatingRow['kind']
  isPromptKnown: boolean
  isPromptRated: boolean
  hasCase: boolean
}

/**
 * One effective rating per service (一次一评): the first rating of the first rated prompt, replaced by its
 * own corrections. `presses` are all of one (case, service), or of one prompt without a case, in position order.
 */
export function standings(presses: readonly Press[], isRegistered: boolean): Map<number, Standing> {
  const decided = new Map<number, Standing>()
  const current = new Map<string, number>()
  let effectivePrompt: string | undefined
  for (const press of presses) {
    const counts = press.isPromptKnown && press.isPromptRated
    if (counts) effectivePrompt ??= press.prompt
    const earlier = current.get(press.prompt)
    const isSecondRating = press.kind === 'rating' && earlier !== undefined
    decided.set(press.position, counts && isSecondRating ? 'duplicate' : worth(press, effectivePrompt, isRegistered))
    if (!counts || isSecondRating) continue
    if (earlier !== undefined) decided.set(earlier, 'replaced')
    current.set(press.prompt, press.position)
  }
  return decided
}

function worth(press: Press, effectivePrompt: string | undefined, isRegistered: boolean): Standing {
  if (!press.isPromptKnown) return 'no-prompt'
  if (!press.isPromptRated) return 'prompt-ended'
  if (!press.hasCase) return 'pool'
  if (press.prompt !== effectivePrompt) return 'duplicate'
  return isRegistered ? 'effective' : 'not-registered'
}
