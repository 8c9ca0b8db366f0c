import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createContactWatch } from './contact-watch.ts'

function watch(times: { settleMs?: number; debounceMs?: number } = {}) {
  const clock = createFakeClock()
  const said: string[] = []
  const contacts = createContactWatch({
    clock,
    settleMs: times.settleMs ?? 500,
    debounceMs: times.debounceMs ?? 15,
    stuckMs: 8_000,
    onSettled: () => said.push('settled'),
    onPressed: raw => said.push(`pressed ${raw}`),
    onSeveral: () => said.push('several'),
    onHeld: isHeld => said.push(isHeld ? 'held' : 'free'),
  })
  return {
    contacts,
    clock,
    said,
    /** These keys are down for so long. */
    down(keys: number[], ms: number) {
      contacts.seen(keys)
      clock.advance(ms)
    },
    look: () => said.splice(0),
  }
}

describe('keys that tell their state', () => {
  test('a key that goes down is one press, however long it stays and however its contact bounces', () => {
    const { down, look } = watch()
    down([], 500)
    for (let i = 0; i < 10; i++) {
      down([3], 1)
      down([], 1)
    }
    down([3], 900)
    for (let i = 0; i < 10; i++) {
      down([], 1)
      down([3], 1)
    }
    down([], 100)
    expect(look()).toEqual(['settled', 'pressed 3'])
  })

  test('what a board reports before its pull-ups hold is no press', () => {
    const { down, look } = watch()
    down([1, 2, 4], 5)
    down([2, 4], 100)
    down([4], 200)
    down([], 499)
    expect(look()).toEqual([])
    down([], 1)
    down([4], 15)
    expect(look()).toEqual(['settled', 'pressed 4'])
  })

  test('a key that is down when the pad is plugged in is stuck, not a rating; released and pressed, it is one', () => {
    const { down, look } = watch()
    down([2], 500)
    down([2], 60_000)
    expect(look()).toEqual(['held', 'settled'])
    down([], 15)
    down([2], 15)
    expect(look()).toEqual(['free', 'pressed 2'])
  })

  test('two keys together are neither, and nothing counts until both are up', () => {
    const { down, look } = watch()
    down([], 500)
    down([1], 10)
    down([1, 5], 15)
    down([5], 100)
    expect(look()).toEqual(['settled', 'several'])
    down([], 15)
    down([5], 15)
    expect(look()).toEqual(['pressed 5'])
  })

  test('a second key while the first is down is not counted', () => {
    const { down, look } = watch()
    down([], 500)
    down([1], 100)
    down([1, 5], 100)
    down([5], 100)
    expect(look()).toEqual(['settled', 'pressed 1', 'several'])
  })

  test('a key that stays down is stuck, and free when it is up', () => {
    const { down, look } = watch()
    down([], 500)
    down([1], 8_015)
    down([], 15)
    expect(look()).toEqual(['settled', 'pressed 1', 'held', 'free'])
  })

  test('after a reconnect the first state is a baseline again', () => {
    const { down, look, contacts } = watch()
    down([], 500)
    contacts.reset()
    down([1], 500)
    expect(look()).toEqual(['settled', 'held', 'settled'])
    contacts.reset()
    expect(look()).toEqual(['free'])
  })

  test('of a polled pad every answer counts at once, and the first is no press', () => {
    const { contacts, look } = watch({ settleMs: 0, debounceMs: 0 })
    contacts.seen([])
    contacts.seen([2])
    contacts.seen([2])
    contacts.seen([])
    contacts.seen([2])
    expect(look()).toEqual(['settled', 'pressed 2', 'pressed 2'])
  })
})

test('whatever is reported, a press follows a time with all keys up, and held and free take turns', () => {
  const step = fc.record({
    keys: fc.oneof(
      fc.constant<number[]>([]),
      fc.constantFrom(1, 2, 3).map(key => [key]),
      fc.uniqueArray(fc.constantFrom(1, 2, 3), { maxLength: 3 }),
    ),
    ms: fc.constantFrom(1, 5, 15, 20, 500, 9_000),
    isReset: fc.boolean(),
  })
  void fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), steps => {
      const { contacts, down, said } = watch()
      let wereAllUp = false
      let isHeld = false
      for (const { keys, ms, isReset } of steps) {
        if (isReset && ms === 1) {
          contacts.reset()
          wereAllUp = false
        }
        down(keys, ms)
        for (const one of said.splice(0)) {
          if (one === 'held' || one === 'free') {
            expect(isHeld).toBe(one === 'free')
            isHeld = !isHeld
          }
          if (!one.startsWith('pressed')) continue
          expect(wereAllUp).toBe(true)
          wereAllUp = false
        }
        if (keys.length === 0 && ms >= 15) wereAllUp = true
      }
    }),
  )
})
