import { expect, test } from 'vitest'
import { shipped } from '#agent/pad/fixtures/profiles.ts'
import { parseTrace } from '#pad-tools/trace.ts'
import { replayTrace } from './pad-replay.ts'

function replay(profile: string, text: string) {
  const lines = parseTrace(text)
  if (!lines.ok) throw new Error(lines.error.detail)
  return replayTrace(shipped(profile), lines.value)
}

test('a trace that a profile understands is kept, echoes and all', () => {
  expect(replay('generic-pj06', '0 > 55 AA 02 20 00 1A\n5 < 55 AA 02 20 00 1A 03\n900 < 01\n')).toEqual({
    frames: 2,
    presses: 2,
    garbageBytes: 0,
    problems: [],
  })
})

test('bytes that nobody understands are named with their time', () => {
  const { problems, garbageBytes } = replay('generic-pj06', '0 < 01\n700 < 77 78\n')
  expect(problems).toEqual(['700 ms: is not understood: garbage 2 no-start'])
  expect(garbageBytes).toBe(2)
})

test('a frame is cut by the silence of its profile, as on the line', () => {
  const { problems } = replay('generic-rs485-four-key', '0 < FF 68\n2000 < FF\n')
  expect(problems.map(text => text.split(':')[0])).toEqual(['0 ms', '0 ms', '2000 ms'])
})

test('an expectation is held against what the profile says', () => {
  const noisy = '0 < 77\n# = garbage 1 no-start\n5 < 02\n# = key satisfied\n'
  expect(replay('generic-pj06', noisy).problems).toEqual([])
  expect(replay('generic-pj06', noisy.replace('key satisfied', 'key dissatisfied')).problems).toEqual([
    '5 ms: expected "key dissatisfied", found "key satisfied"',
  ])
  expect(replay('generic-pj06', `${noisy}9 < 01\n`).problems).toEqual([
    '9 ms: nothing was expected, found "key very-satisfied"',
  ])
})

test('marks show a scale that runs the other way round', () => {
  expect(replay('generic-pj06', '# key 1\n0 < 01\n# key 5\n900 < 05\n# idle\n2000 < 03\n').problems).toEqual([])
  expect(replay('generic-pj06', '# key 1\n0 < 05\n').problems).toEqual([
    '0 ms: face 1 was asked for, very-satisfied; found very-dissatisfied',
  ])
})

test('the answer to a command that was sent is known as its answer', () => {
  // Writing the variable at 82 00 is confirmed with 4F 4B.
  const sent = '0 > 5A A5 07 82 00 84 5A 01 00 02\n3 < 5A A5 03 82 4F 4B\n'
  expect(replay('dwin-dgus2', `${sent}# = acknowledged, completes page\n`).problems).toEqual([])
})
