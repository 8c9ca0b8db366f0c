import { describe, expect, test } from 'vitest'
import { createSystemClock } from '#runtime/system-clock.ts'
import { useCounter } from '#test/helpers/counter.ts'
import { fakeTime } from '#test/helpers/fake-time.ts'

/** Why a box cannot be put into another year here; undefined where it can. */
function obstacle(): string | undefined {
  if (!fakeTime('1970-01-01 00:00:00')) return 'faketime is not installed: boxes of another year were NOT tested'
  // Then the box believes it, and the year it is put into.
  return createSystemClock().isSynced() ? 'the clock of this machine says it was set: NOT tested' : undefined
}

const skipped = obstacle()
test('boxes of another year can be tried here', context => context.skip(skipped !== undefined, skipped))

describe.skipIf(skipped).each([
  ['1970', '1970-01-01 00:01:40', 'CERT_NOT_YET_VALID'],
  ['2050', '2050-06-01 08:00:00', 'CERT_HAS_EXPIRED'],
])('a box whose clock says %s', (year, start) => {
  const counter = useCounter({ agentEnv: fakeTime(start) ?? {} })
  const service = { case: `37000020261124${year}`, service: 1 }

  test('delivers to a broker whose certificate its clock cannot judge, and the centre knows when', async () => {
    const beforeMs = Date.now()
    await counter.rate(service, 'satisfied')
    const rating = (await counter.client.tied(service)) as unknown as Record<string, number> & { grade: string }
    expect(rating.grade).toBe('satisfied')
    expect(new Date(rating['wallMs']!).getUTCFullYear()).toBe(Number(year))
    expect(rating['latestMs']).toBeGreaterThanOrEqual(beforeMs)
    expect(rating['earliestMs']).toBeLessThanOrEqual(Date.now())
    expect(rating['latestMs']! - rating['earliestMs']!).toBeLessThan(5_000)
    expect(rating['atMs']).toBeGreaterThanOrEqual(rating['earliestMs']!)
    expect(counter.lines.some(line => line.includes('broker-taken-without-a-date'))).toBe(true)
    expect(counter.lines.some(line => line.includes('link-down'))).toBe(false)
  })

  test('takes a prompt of a business system, whose age only the collector’s time tells', async () => {
    const ordered = { case: `37000020261125${year}`, service: 1 }
    await counter.client.register(ordered)
    const prompt = await counter.client.order(counter.counter.window, ordered)
    await counter.client.listening()
    await counter.client.press('dissatisfied')
    expect(await counter.client.ended(prompt)).toBe('rated')
    expect(await counter.client.tied(ordered)).toMatchObject({ grade: 'dissatisfied' })
  })
})
