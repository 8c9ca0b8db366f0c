import type { PadEvent } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { Clock } from '#protocol/clock.ts'
import { createContactWatch } from './contact-watch.ts'

/** Makes presses of what a pad tells of its keys, and tells a key that stays down. */
export interface PadKeys {
  /** Takes an event of the pad; gives back what is left to be told of it. */
  take(event: PadEvent): PadEvent | undefined
  /** Where the keys stand is not known any more. */
  reset(): void
}

/**
 * Some pads say that a key was pressed; some say that it was pressed and let go; some say, when asked, where all
 * keys stand. Of the last, the first answer is where they stand and no press.
 */
export function createPadKeys(deps: {
  clock: Clock
  profile: Pick<Profile, 'behaviour' | 'events'>
  /** What a key of this raw value means, for pads that tell where their keys stand. */
  keyEvent(raw: number): PadEvent
  onEvent(event: PadEvent): void
  onHeld(isHeld: boolean): void
  onSeveral(): void
}): PadKeys {
  const { clock, onHeld } = deps
  const { behaviour, events } = deps.profile
  const tellsRelease = events.some(({ gives }) => gives === 'released')
  let isHeld = false
  let cancelHold = () => {}

  const contacts = createContactWatch({
    clock,
    settleMs: 0,
    debounceMs: 0,
    stuckMs: behaviour.stuckAfterMs,
    onSettled() {},
    onPressed: raw => deps.onEvent(deps.keyEvent(raw)),
    onSeveral: deps.onSeveral,
    onHeld,
  })

  function pressed() {
    cancelHold()
    cancelHold = clock.after(behaviour.stuckAfterMs, () => {
      if (!isHeld) onHeld(true)
      isHeld = true
    })
  }

  function released() {
    cancelHold()
    if (isHeld) onHeld(false)
    isHeld = false
  }

  return {
    take(event) {
      if (event.kind === 'keys') {
        contacts.seen(event.down)
        return undefined
      }
      if (tellsRelease && (event.kind === 'key' || event.kind === 'key-unmapped')) pressed()
      if (event.kind === 'released') released()
      return event
    },
    reset() {
      contacts.reset()
      released()
    },
  }
}
