/**
 * How wrong the length of a stretch of monotonic time may be, in parts per million. Linux steers that clock by
 * at most 500 ppm (adjtimex(2): ±32768000 of scaled ppm; RFC 5905 appendix A.1.1, MAXFREQ); a crystal that
 * nobody steers is off by less than 100 ppm.
 */
export const DRIFT_PPM = 500

/**
 * The most that so much monotonic time may differ from the true one, in whole milliseconds. One of them because
 * both are stamped in whole ones. The rate is of monotonic to true time, hence the divisor.
 */
export function driftMs(elapsedMs: number): number {
  return Math.ceil((elapsedMs * DRIFT_PPM) / (1_000_000 - DRIFT_PPM)) + 1
}

/** The least true time that passes while the monotonic clock counts so much. Never goes down as that goes up. */
export const minElapsedMs = (elapsedMs: number): number => Math.max(0, elapsedMs - driftMs(elapsedMs))
/** The most true time that passes meanwhile, if the machine was never stopped without its kernel counting it. */
export const maxElapsedMs = (elapsedMs: number): number => elapsedMs + driftMs(elapsedMs)
