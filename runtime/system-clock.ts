import { readFileSync, statSync } from 'node:fs'
import type { Clock } from '#protocol/clock.ts'

/** The machine's clocks. Timers are Node's, which run on monotonic time. */
export function createSystemClock(): Clock {
  return {
    wallMs: () => Date.now(),
    // CLOCK_MONOTONIC counts from boot, for every process of this boot alike.
    monoMs: () => Number(process.hrtime.bigint() / 1_000_000n),
    isSynced,
    boot: bootId(),
    after(delayMs, then) {
      const timer = setTimeout(then, delayMs)
      return () => clearTimeout(timer)
    },
  }
}

function bootId(): Uint8Array {
  const text = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
  return new Uint8Array(Buffer.from(text.replaceAll('-', '').trim(), 'hex'))
}

/** systemd-timesyncd touches this file when it has set the clock (systemd-timesyncd.service(8)). */
function isSynced(): boolean {
  return statSync('/run/systemd/timesync/synchronized', { throwIfNoEntry: false }) !== undefined
}
