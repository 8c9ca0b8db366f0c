import type { Clock } from '#protocol/clock.ts'
import type { Journal } from './journal.ts'

/** The journal's log is moved into its file after this long without an entry: never while somebody waits. */
const CHECKPOINT_IDLE_MS = 5_000

/** Checkpoints the journal when it has been quiet for a while. */
export function createIdleCheckpoint(clock: Clock, journal: Pick<Journal, 'checkpoint'>) {
  let cancel = () => {}
  return {
    touched() {
      cancel()
      cancel = clock.after(CHECKPOINT_IDLE_MS, journal.checkpoint)
    },
    stop: () => cancel(),
  }
}
