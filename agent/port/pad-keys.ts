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
 * keys stand, or which one is down. Of those that are asked, the first answer is where they stand and no press, and
 * a key that is reported at every question is one press.
 */
export function createPadKeys(deps: {
  clock: Clock
  profile: Pick<Profile, 'poll'> & {
    behaviour: Pick<Profile['behaviour'], 'stuckAfterMs'>
    events: readonly Pick<Profile['events'][number], 'gives'>[]
  }
  /** What a key of this raw value means, for pads that tell where their keys stand. */
  keyEvent(raw: number): PadEvent
  onEvent(event: PadEvent): void
  onHeld(isHeld: boolean): void
  onSeveral(): void
}): PadKeys {
  const { clock, onHeld } = deps
  const { behaviour, events, poll } = deps.profile
  const tellsRelease = events.some(({ gives }) => gives === 'released')
  /** What the key means that was reported by its value just now. */
  let reported: PadEvent | undefined
  /** The key whose release is awaited; timed from its first report, however often it repeats itself. */
  let down: number | undefined
  let isHeld = false
  let cancelHold = () => {}

  const contacts = createContactWatch({
    clock,
    settleMs: 0,
    debounceMs: 0,
    stuckMs: behaviour.stuckAfterMs,
    onSettled() {},
    onPressed: raw => deps.onEvent(reported ?? deps.keyEvent(raw)),
    onSeveral: deps.onSeveral,
    onHeld,
  })

  function pressed(raw: number) {
    if (raw === down) return
    down = raw
    cancelHold()
    cancelHold = clock.after(behaviour.stuckAfterMs, () => {
      if (!isHeld) onHeld(true)
      isHeld = true
    })
  }

  function released() {
    down = undefined
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
      if (!tellsRelease) return event
      const raw = rawOf(event)
      if (poll && raw !== undefined) {
        reported = event
        contacts.seen([raw])
        reported = undefined
        return undefined
      }
      if (raw !== undefined) pressed(raw)
      if (event.kind === 'released') {
        released()
        if (poll) contacts.seen([])
      }
      return event
    },
    reset() {
      contacts.reset()
      released()
    },
  }
}

/** What no raw value is: the key that declines has none in its event. */
const DECLINED = -1

function rawOf(event: PadEvent): number | undefined {
  if (event.kind === 'key' || event.kind === 'key-unmapped') return event.raw
  return event.kind === 'declined' ? DECLINED : undefined
}
