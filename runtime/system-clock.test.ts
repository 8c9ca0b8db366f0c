import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { askedSeldom, createSystemClock, createUptime } from './system-clock.ts'

const clock = createSystemClock()

test('the boot is the kernel’s own id of it, the same for every process', () => {
  const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().replaceAll('-', '')
  expect(Buffer.from(clock.boot).toString('hex')).toBe(id)
  expect(clock.boot.length).toBe(16)
})

test('monotonic time counts from boot and never goes back', () => {
  const uptimeMs = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000
  expect(Math.abs(clock.monoMs() - uptimeMs)).toBeLessThan(5000)
  const before = clock.monoMs()
  expect(clock.monoMs()).toBeGreaterThanOrEqual(before)
  expect(Number.isSafeInteger(before)).toBe(true)
})

test('monotonic time counts what the machine slept, also before this process, and asks the kernel only when the clocks moved', () => {
  const now = { wallMs: 1_790_000_000_000, awakeMs: 5_000, uptimeMs: 5_000 }
  let asked = 0
  const monoMs = () =>
    createUptime({
      wallMs: () => now.wallMs,
      awakeMs: () => now.awakeMs,
      uptimeMs() {
        asked++
        return Math.floor(now.uptimeMs / 10) * 10
      },
    })
  const pass = (ms: number, isAsleep = false) => {
    now.wallMs += ms
    now.uptimeMs += ms
    if (!isAsleep) now.awakeMs += ms
  }
  const first = monoMs()
  for (let i = 0; i < 100; i++) {
    pass(7)
    expect(first()).toBe(now.awakeMs)
  }
  expect(asked).toBe(1)
  pass(3_600_000, true)
  expect(Math.abs(first() - now.uptimeMs)).toBeLessThanOrEqual(10)
  expect(Math.abs(monoMs()() - now.uptimeMs)).toBeLessThanOrEqual(10)
  // A clock that is set has nothing to do with it.
  now.wallMs -= 40 * 365 * 86_400_000
  pass(10)
  expect(Math.abs(first() - now.uptimeMs)).toBeLessThanOrEqual(10)
})

test('a timer fires once, and a cancelled one never', () => {
  vi.useFakeTimers()
  try {
    const fired: string[] = []
    clock.after(10, () => fired.push('kept'))
    const cancel = clock.after(10, () => fired.push('cancelled'))
    cancel()
    vi.advanceTimersByTime(9)
    expect(fired).toEqual([])
    vi.advanceTimersByTime(1000)
    expect(fired).toEqual(['kept'])
    cancel()
  } finally {
    vi.useRealTimers()
  }
})

test('a delay longer than the platform’s timers is waited out, and can be cancelled on the way', () => {
  vi.useFakeTimers()
  try {
    const dayMs = 86_400_000
    let fired = 0
    clock.after(60 * dayMs, () => fired++)
    const cancel = clock.after(60 * dayMs, () => (fired += 100))
    vi.advanceTimersByTime(59 * dayMs)
    expect(fired).toBe(0)
    cancel()
    vi.advanceTimersByTime(dayMs)
    expect(fired).toBe(1)
  } finally {
    vi.useRealTimers()
  }
})

test('whether the clock was set is asked once a second, and the answer is never older', () => {
  const now = { ms: 0 }
  const asked: number[] = []
  const isSynced = askedSeldom(
    () => asked.push(now.ms) > 1,
    () => now.ms,
  )
  const answers = [0, 10, 999, 1000, 1500, 2000].map(ms => {
    now.ms = ms
    return isSynced()
  })
  expect(answers).toEqual([false, false, false, true, true, true])
  expect(asked).toEqual([0, 1000, 2000])
})
