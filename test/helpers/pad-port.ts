import { createLineQueue } from '#agent/port/line-queue.ts'
import type { PadDriverEvents, PadPort } from '#agent/port/pad-driver.ts'
import type { Clock } from '#protocol/clock.ts'

/** A line of one pad without a line: what is written goes to `write`. */
export function createTestPort(clock: Clock, write: (bytes: Uint8Array) => void): PadPort {
  const queue = createLineQueue({ clock, gapMs: 0 })
  return { write, submit: queue.submit }
}

/** For drivers of which only some events matter. */
export const NO_PAD_EVENTS: PadDriverEvents = {
  onReady() {},
  onFault() {},
  onAlive() {},
  onListening() {},
  onEvent() {},
  onHeld() {},
  onSeveral() {},
  onGarbage() {},
  onCounted() {},
}
