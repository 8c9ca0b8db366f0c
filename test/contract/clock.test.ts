import { describe, expect, test } from 'vitest'
import type { Clock } from '#protocol/clock.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'

/** One suite for the machine's clock and for the one that moves when told: what a test learns from the fake holds for the real. */
const makers: [string, () => { clock: Clock; pass(ms: number): Promise<void> }][] = [
  [
    'the machine’s clock',
    () => ({ clock: createSystemClock(), pass: ms => new Promise(resolve => setTimeout(resolve, ms)) }),
  ],
  [
    'the fake clock',
    () => {
      const clock = createFakeClock()
      return { clock, pass: async ms => clock.advance(ms) }
    },
  ],
]

describe.each(makers)('%s', (_, make) => {
  test('goes forward by what has passed, wall and monotonic alike', async () => {
    const { clock, pass } = make()
    const [wallMs, monoMs] = [clock.wallMs(), clock.monoMs()]
    await pass(30)
    expect(clock.monoMs() - monoMs).toBeGreaterThanOrEqual(29)
    expect(clock.wallMs() - wallMs).toBeGreaterThanOrEqual(29)
  })

  test('names its boot by 16 bytes that stay', () => {
    const { clock } = make()
    expect(clock.boot).toHaveLength(16)
    expect(clock.boot).toEqual(make().clock.boot)
  })

  test('fires timers once, in the order they are due, and a cancelled one never', async () => {
    const { clock, pass } = make()
    const fired: string[] = []
    clock.after(20, () => fired.push('later'))
    clock.after(1, () => fired.push('sooner'))
    const cancel = clock.after(5, () => fired.push('cancelled'))
    cancel()
    cancel()
    await pass(60)
    await pass(10)
    expect(fired).toEqual(['sooner', 'later'])
  })

  test('a timer made by a timer fires too', async () => {
    const { clock, pass } = make()
    const fired: number[] = []
    clock.after(1, () => {
      fired.push(1)
      clock.after(1, () => fired.push(2))
    })
    await pass(60)
    expect(fired).toEqual([1, 2])
  })
})
