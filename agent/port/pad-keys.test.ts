import { expect, test } from 'vitest'
import type { PadEvent } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createPadKeys } from './pad-keys.ts'

const SATISFIED: PadEvent = { kind: 'key', grade: 'satisfied', raw: 2 }
const DISSATISFIED: PadEvent = { kind: 'key', grade: 'dissatisfied', raw: 4 }
const DECLINED: PadEvent = { kind: 'declined' }
const NONE: PadEvent = { kind: 'released', raw: null }
const STUCK_MS = 8_000

/** The keys of a pad that tells when none is pressed; `seen` is what is made of it. */
function keysOf(poll: Profile['poll']) {
  const clock = createFakeClock()
  const seen: string[] = []
  const tell = (event: PadEvent) => seen.push(event.kind === 'key' ? event.grade : event.kind)
  const keys = createPadKeys({
    clock,
    profile: {
      poll,
      behaviour: { stuckAfterMs: STUCK_MS },
      events: [{ gives: 'key' }, { gives: 'released' }],
    },
    keyEvent: raw => ({ kind: 'key-unmapped', raw }),
    onEvent: tell,
    onHeld: isHeld => void seen.push(isHeld ? 'held' : 'free'),
    onSeveral: () => void seen.push('several'),
  })
  return {
    seen,
    reset: keys.reset,
    /** The pad says so, at this interval for so long. */
    says(event: PadEvent, forMs = 0, everyMs = 500) {
      for (let passedMs = 0; passedMs <= forMs; passedMs += everyMs) {
        const left = keys.take(event)
        if (left && left.kind !== 'released') tell(left)
        clock.advance(everyMs)
      }
    },
  }
}

const asked = () => keysOf({ command: 'read', idleMs: 500, armedMs: 60, failuresMax: 3 })

test('a key that a polled pad reports at every question is one press, and stuck when it stays', () => {
  const { seen, says } = asked()
  says(NONE)
  says(SATISFIED, STUCK_MS - 1_000)
  expect(seen).toEqual(['satisfied'])
  says(SATISFIED, 1_000)
  expect(seen).toEqual(['satisfied', 'held'])
  says(NONE)
  says(DISSATISFIED)
  expect(seen).toEqual(['satisfied', 'held', 'free', 'dissatisfied'])
})

test('a key that is down at the first answer of a polled pad is held, and no press', () => {
  const { seen, says, reset } = asked()
  says(SATISFIED, 2_000)
  says(NONE)
  says(DECLINED)
  expect(seen).toEqual(['held', 'free', 'declined'])
  reset()
  says(DECLINED)
  expect(seen).toEqual(['held', 'free', 'declined', 'held'])
})

test('a polled pad that reports another key before none has two keys down, and no second press', () => {
  const { seen, says } = asked()
  says(NONE)
  says(SATISFIED)
  says(DISSATISFIED)
  expect(seen).toEqual(['satisfied', 'several'])
})

test('a key that repeats itself until it is let go is stuck as long after its first report as one that is silent', () => {
  const { seen, says } = keysOf(null)
  says(SATISFIED, STUCK_MS, 600)
  expect(seen.at(-1)).toBe('held')
  says(NONE)
  expect(seen.at(-1)).toBe('free')
})
