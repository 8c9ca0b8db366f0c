import type { Clock } from '#protocol/clock.ts'

/** Notices when there is no room for another prompt, and when there is again. */
export interface RoomWatch {
  /** Looks, and says whether a prompt may be opened. Throws when the journal cannot be used any more. */
  hasRoom(): boolean
  stop(): void
}

/** While there is no room: whoever makes some has not to wait long, and nothing else is to be done meanwhile. */
const LOOK_MS = 10_000

export function createRoomWatch(deps: {
  clock: Clock
  hasRoom(): boolean
  onChange(isShort: boolean): void
  onFailure(error: unknown): void
}): RoomWatch {
  let isShort = false
  let cancel = () => {}

  function look(): boolean {
    cancel()
    const hasRoom = deps.hasRoom()
    if (!hasRoom) cancel = deps.clock.after(LOOK_MS, lookAgain)
    if (hasRoom === isShort) {
      isShort = !hasRoom
      deps.onChange(isShort)
    }
    return hasRoom
  }

  function lookAgain() {
    try {
      look()
    } catch (error) {
      // Whatever the disk said: the journal has taken itself out of use.
      deps.onFailure(error)
    }
  }

  return { hasRoom: look, stop: () => cancel() }
}
