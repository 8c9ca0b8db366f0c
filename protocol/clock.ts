/** Time as a dependency, wall and monotonic apart (design: a box has no clock battery and often no time server). */
export interface Clock {
  /** The wall clock's opinion, Unix ms. May jump; only stamped, never subtracted. */
  wallMs(): number
  /** Milliseconds since the machine booted. Never jumps; only compared within one boot. */
  monoMs(): number
  /** Whether the operating system says the wall clock was set from a time source since boot. */
  isSynced(): boolean
  /** Identifies this boot of the machine, 16 bytes; the scope in which `monoMs` may be compared. */
  readonly boot: Uint8Array
  /** Calls `then` once after `delayMs` of monotonic time. Returns a function that cancels at once and for good. */
  after(delayMs: number, then: () => void): () => void
}

/** Randomness as a dependency: `length` unpredictable bytes. */
export type RandomBytes = (length: number) => Uint8Array

/** No entry of this format is older. A clock that says so was not set, whatever anybody says of it. */
export const FORMAT_BEGAN_MS: number = Date.UTC(2026, 0, 1)
