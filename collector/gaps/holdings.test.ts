import { expect, test } from 'vitest'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createHoldings, STALLED_MS_MIN } from './holdings.ts'

const MINUTE_MS = 60_000

function setUp() {
  const clock = createFakeClock()
  const changed: string[] = []
  const holdings = createHoldings({ clock, onChanged: box => changed.push(box) })
  return { clock, changed, holdings }
}

test('a box that holds entries which do not arrive is stalled after a quarter of an hour, since it said so', () => {
  const { clock, changed, holdings } = setUp()
  const since = clock.wallMs()
  holdings.said('box-1', 3)
  clock.advance(STALLED_MS_MIN - 1)
  expect(holdings.stalledSinceMs('box-1')).toBeUndefined()
  clock.advance(1)
  expect(holdings.stalledSinceMs('box-1')).toBe(since)
  clock.advance(MINUTE_MS)
  expect(changed).toEqual(['box-1'])
})

test('saying it again is no progress; an entry that arrives is', () => {
  const { clock, changed, holdings } = setUp()
  holdings.said('box-1', 3)
  clock.advance(10 * MINUTE_MS)
  holdings.said('box-1', 4)
  clock.advance(10 * MINUTE_MS)
  expect(holdings.stalled()).toEqual(['box-1'])
  holdings.arrived('box-1', 2, true)
  expect(holdings.stalled()).toEqual([])
  expect(changed).toEqual(['box-1', 'box-1'])
})

test('a batch that is refused leaves the box where it was', () => {
  const { clock, holdings } = setUp()
  holdings.arrived('box-1', 5, false)
  clock.advance(10 * MINUTE_MS)
  holdings.arrived('box-1', 5, false)
  clock.advance(5 * MINUTE_MS)
  expect(holdings.stalled()).toEqual(['box-1'])
})

test('a box that holds nothing, or of which nothing is expected any more, is not stalled', () => {
  const { clock, holdings } = setUp()
  holdings.said('box-1', 1)
  holdings.said('box-2', 1)
  holdings.arrived('box-1', 0, true)
  holdings.forget('box-2')
  clock.advance(2 * STALLED_MS_MIN)
  expect(holdings.stalled()).toEqual([])
})

test('a wall clock that jumps changes nothing', () => {
  const { clock, holdings } = setUp()
  holdings.said('box-1', 1)
  clock.jumpWall(24 * 60 * MINUTE_MS)
  clock.advance(MINUTE_MS)
  expect(holdings.stalled()).toEqual([])
})
