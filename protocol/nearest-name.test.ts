import { expect, test } from 'vitest'
import { nearestName } from './nearest-name.ts'

const KEYS = ['frames', 'events', 'commands', 'line', 'poll', 'port']

test.each([
  ['fraems', 'frames'],
  ['event', 'events'],
  ['Frames', 'frames'],
  ['comands', 'commands'],
  ['lien', 'line'],
])('%s is meant to be %s', (written, meant) => {
  expect(nearestName(written, KEYS)).toBe(meant)
})

test('what is near to nothing, or as near to two, is not guessed', () => {
  expect(nearestName('colour', KEYS)).toBeUndefined()
  expect(nearestName('pol', ['poll', 'pole'])).toBeUndefined()
  expect(nearestName('', KEYS)).toBeUndefined()
})
