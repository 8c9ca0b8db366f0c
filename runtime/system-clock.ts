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
    after,
  }
}

/** The longest delay of `setTimeout`; a longer one would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

function after(delayMs: number, then: () => void): () => void {
  let timer: NodeJS.Timeout
  const wait = (restMs: number) => {
    const stepMs = Math.min(restMs, TIMER_MS_MAX)
    timer = setTimeout(() => (restMs > stepMs ? wait(restMs - stepMs) : then()), stepMs)
  }
  wait(delayMs)
  return () => clearTimeout(timer)
}

function bootId(): Uint8Array {
  const text = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')
  return new Uint8Array(Buffer.from(text.replaceAll('-', '').trim(), 'hex'))
}

/** systemd-timesyncd touches this file when it has set the clock (systemd-timesyncd.service(8)). */
function isSynced(): boolean {
  return statSync('/run/systemd/timesync/synchronized', { throwIfNoEntry: false }) !== undefined
}
