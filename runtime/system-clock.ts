import { readFileSync, statSync } from 'node:fs'
import { uptime } from 'node:os'
import type { Clock } from '#protocol/clock.ts'

/** The machine's clocks. Timers are Node's: they run on CLOCK_MONOTONIC and stand still while it sleeps. */
export function createSystemClock(): Clock {
  const monoMs = createUptime({
    wallMs: () => Date.now(),
    // CLOCK_MONOTONIC counts from boot, for every process of this boot alike.
    awakeMs: () => Number(process.hrtime.bigint() / 1_000_000n),
    // CLOCK_BOOTTIME, by /proc/uptime, in steps of 10 ms.
    uptimeMs: () => uptime() * 1000,
  })
  return {
    wallMs: () => Date.now(),
    monoMs,
    isSynced: askedSeldom(isSynced, monoMs),
    boot: bootId(),
    after,
  }
}

const ASKED_EVERY_MS = 1000

/** The answer of the last second, where it is asked with every entry and changes once a day: a file is looked at. */
export function askedSeldom(ask: () => boolean, monoMs: () => number): () => boolean {
  let askedMs = Number.NEGATIVE_INFINITY
  let answer = false
  return () => {
    const nowMs = monoMs()
    if (nowMs - askedMs >= ASKED_EVERY_MS) {
      askedMs = nowMs
      answer = ask()
    }
    return answer
  }
}

/** What the two clocks of the kernel may differ by for being read one after the other, and in steps. */
const SLEPT_MS_MIN = 50

/**
 * Milliseconds since boot, those included in which the machine slept: CLOCK_MONOTONIC leaves them out, and an
 * hour of the day that is counted from it would be wrong ever after. The kernel gives slept time to the wall
 * clock as well, so the dearer question is only asked when that has moved against the monotonic one.
 */
export function createUptime(kernel: { wallMs(): number; awakeMs(): number; uptimeMs(): number }): () => number {
  let sleptMs = 0
  let aheadMs: number | undefined

  return () => {
    const awakeMs = kernel.awakeMs()
    const nowAheadMs = kernel.wallMs() - awakeMs
    if (aheadMs === undefined || Math.abs(nowAheadMs - aheadMs) >= SLEPT_MS_MIN) {
      aheadMs = nowAheadMs
      const moreMs = Math.round(kernel.uptimeMs() - awakeMs) - sleptMs
      if (moreMs >= SLEPT_MS_MIN) sleptMs += moreMs
    }
    return awakeMs + sleptMs
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
