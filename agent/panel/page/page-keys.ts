import { CLERK_REASONS, type ClerkReason } from './panel-api.ts'

export type PageCommand =
  | { kind: 'step-service'; step: 1 | -1 }
  | { kind: 'step-window'; step: 1 | -1 }
  | { kind: 'open-reasons' }
  | { kind: 'close-reasons' }
  | { kind: 'choose-reason'; reason: ClerkReason }
  | { kind: 'edit-clerk' }
  | { kind: 'ask-without-case' }
  | { kind: 'type' }

export interface PageMoment {
  isWaiting: boolean
  areReasonsOpen: boolean
  /** The case number field holds nothing yet. */
  isEntryEmpty: boolean
  /** The key goes to a text field that is not the case number's: note, clerk, pairing code. */
  isInOtherField: boolean
}

type Key = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'metaKey'>

/** What a key means at this moment; undefined leaves it to the browser. */
export function commandOfKey(key: Key, moment: PageMoment): PageCommand | undefined {
  if (key.ctrlKey || key.altKey || key.metaKey) return undefined
  if (moment.areReasonsOpen) return commandInReasons(key, moment)
  if (moment.isInOtherField) return undefined
  switch (key.key) {
    case 'Escape':
      return moment.isWaiting ? { kind: 'open-reasons' } : undefined
    case 'ArrowUp':
      return { kind: 'step-service', step: 1 }
    case 'ArrowDown':
      return { kind: 'step-service', step: -1 }
    case 'PageDown':
      return { kind: 'step-window', step: 1 }
    case 'PageUp':
      return { kind: 'step-window', step: -1 }
    case 'F2':
      return { kind: 'edit-clerk' }
    case 'F4':
      return { kind: 'ask-without-case' }
  }
  return stepByPlusMinus(key, moment) ?? (isCharacter(key.key) ? { kind: 'type' } : undefined)
}

// A case number may contain a hyphen, so the main row's keys count only before the first character.
function stepByPlusMinus(key: Key, moment: PageMoment): PageCommand | undefined {
  const isFree = moment.isEntryEmpty || key.code.startsWith('Numpad')
  if (isFree && key.key === '+') return { kind: 'step-service', step: 1 }
  if (isFree && key.key === '-') return { kind: 'step-service', step: -1 }
  return undefined
}

function commandInReasons(key: Key, moment: PageMoment): PageCommand | undefined {
  if (key.key === 'Escape') return { kind: 'close-reasons' }
  if (moment.isInOtherField) return undefined
  const reason = /^[1-9]$/.test(key.key) ? CLERK_REASONS[Number(key.key) - 1] : undefined
  if (reason) return { kind: 'choose-reason', reason }
  return isCharacter(key.key) ? { kind: 'type' } : undefined
}

function isCharacter(key: string): boolean {
  return [...key].length === 1 && key !== ' '
}
