import { expect, test } from 'vitest'
import { endedBetween, nextCountdown, type Stage, stageOf, timeLeft, type WindowState } from './stage.ts'

const slip = { case: '3301', service: 2 }
const quiet: WindowState = {
  window: 'A03',
  pad: { state: 'ready', profile: 'any' },
  session: { state: 'idle' },
  isListening: false,
  today: { prompts: 0, rated: 0, declined: 0, 'timed-out': 0, cancelled: 0, 'pad-unavailable': 0 },
}
const ended = (outcome: 'rated' | 'declined' | 'timed-out' | 'cancelled' | 'pad-unavailable', reason?: string) => ({
  ...quiet,
  last: {
    id: 'p1',
    window: 'A03',
    state: 'finished' as const,
    for: slip,
    outcome,
    openedAtMs: 0,
    closedAtMs: 0,
    ...(reason ? { reason } : {}),
  },
})
const waiting = (closesInMs: number, prompt = 'p1'): WindowState => ({
  ...quiet,
  session: { state: 'waiting', prompt, for: slip, closesInMs },
})

test.each<[string, WindowState, string | undefined, Stage]>([
  ['a quiet window', quiet, undefined, { kind: 'idle' }],
  ['a prompt', waiting(1), undefined, { kind: 'waiting', prompt: 'p1', for: slip }],
  [
    'a prompt whose pad is lost in the middle',
    { ...waiting(1), pad: { state: 'lost', profile: 'any' } },
    undefined,
    { kind: 'waiting', prompt: 'p1', for: slip },
  ],
  [
    'the thanks',
    { ...quiet, session: { state: 'thanked', prompt: 'p1', for: slip } },
    undefined,
    { kind: 'rated', for: slip },
  ],
  ['a rating just given', ended('rated'), 'p1', { kind: 'rated', for: slip }],
  ['a refusal to rate', ended('declined'), 'p1', { kind: 'declined', for: slip }],
  ['silence', ended('timed-out'), 'p1', { kind: 'timed-out', for: slip }],
  ['a cancelled prompt', ended('cancelled', 'training'), 'p1', { kind: 'cancelled', for: slip, reason: 'training' }],
  ['a pad that could not ask', ended('pad-unavailable'), 'p1', { kind: 'pad-unavailable', for: slip }],
  ['an outcome of long ago', ended('rated'), undefined, { kind: 'idle' }],
  ['an outcome of another prompt', ended('rated'), 'p2', { kind: 'idle' }],
  [
    'a stuck key',
    { ...quiet, pad: { state: 'stuck-key', profile: 'any' } },
    undefined,
    { kind: 'pad-fault', pad: 'stuck-key' },
  ],
  [
    'a full disk',
    { ...quiet, pad: { state: 'out-of-service', reason: 'no-room', profile: 'any' } },
    undefined,
    { kind: 'pad-fault', pad: 'out-of-service', reason: 'no-room' },
  ],
])('%s is shown as what it is', (_name, window, fresh, expected) => {
  expect(stageOf(window, fresh)).toEqual(expected)
})

test('an outcome is news only when the page saw it come in', () => {
  expect(endedBetween(undefined, ended('rated'))).toBeUndefined()
  expect(endedBetween(quiet, ended('rated'))).toBe('p1')
  expect(endedBetween(ended('rated'), ended('rated'))).toBeUndefined()
})

test('the ring runs on the page clock and begins full, also when a later state repeats the time left', () => {
  const first = nextCountdown(undefined, waiting(60_000), 1_000)!
  expect(timeLeft(first, 1_000)).toEqual({ share: 1, seconds: 60 })
  const again = nextCountdown(first, waiting(30_000), 31_000)!
  expect(timeLeft(again, 31_000)).toEqual({ share: 0.5, seconds: 30 })
  expect(timeLeft(again, 99_000)).toEqual({ share: 0, seconds: 0 })
  expect(timeLeft(nextCountdown(again, waiting(60_000, 'p2'), 99_000)!, 99_000).share).toBe(1)
  expect(nextCountdown(again, quiet, 99_000)).toBeUndefined()
})
