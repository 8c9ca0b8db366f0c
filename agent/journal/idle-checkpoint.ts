import type { Clock } from '#protocol/clock.ts'
import type { Journal } from './journal.ts'

/** The journal's quiet time begins after this long without an entry: never while somebody waits. */
const CHECKPOINT_IDLE_MS = 5_000
/** Between two pieces of work, so that a press that comes waits for one of them at most. */
const PAUSE_MS = 200

/** Lets the journal do what can wait when it has been quiet for a while. `onFailure`: it cannot be used any more. */
export function createIdleCheckpoint(
  clock: Clock,
  journal: Pick<Journal, 'checkpoint'>,
  onFailure: (error: unknown) => void,
) {
  let cancel = () => {}

  function work() {
    try {
      if (journal.checkpoint()) cancel = clock.after(PAUSE_MS, work)
    } catch (error) {
      // Whatever the disk said: the journal has taken itself out of use.
      onFailure(error)
    }
  }

  return {
    touched() {
      cancel()
      cancel = clock.after(CHECKPOINT_IDLE_MS, work)
    },
    stop: () => cancel(),
  }
}
