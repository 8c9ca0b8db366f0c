import { expect, test } from 'vitest'
import { type Press, standings } from './standing.ts'

const press = (position: number, prompt: string, kind: Press['kind'] = 'rating', more: Partial<Press> = {}): Press => ({
  position,
  prompt,
  kind,
  isPromptKnown: true,
  isPromptRated: true,
  hasCase: true,
  ...more,
})

const ended = { isPromptRated: false }
const unknown = { isPromptKnown: false }
const caseless = { hasCase: false }

test.each<[what: string, presses: Press[], expected: string[]]>([
  ['one rating is effective', [press(1, 'a')], ['effective']],
  ['a correction replaces its rating', [press(1, 'a'), press(2, 'a', 'correction')], ['replaced', 'effective']],
  [
    'the last of several corrections stands',
    [press(1, 'a'), press(2, 'a', 'correction'), press(3, 'a', 'correction')],
    ['replaced', 'replaced', 'effective'],
  ],
  ['a later prompt does not count', [press(1, 'a'), press(2, 'b')], ['effective', 'duplicate']],
  [
    'a correction of the first prompt after a later one still counts',
    [press(1, 'a'), press(2, 'b'), press(3, 'a', 'correction')],
    ['replaced', 'duplicate', 'effective'],
  ],
  [
    'a correction of a later prompt leaves one duplicate',
    [press(1, 'a'), press(2, 'b'), press(3, 'b', 'correction')],
    ['effective', 'replaced', 'duplicate'],
  ],
  ['a second rating of one prompt does not count', [press(1, 'a'), press(2, 'a')], ['effective', 'duplicate']],
  [
    'a press after its prompt ended otherwise neither counts nor stands in the way',
    [press(1, 'a', 'rating', ended), press(2, 'b')],
    ['prompt-ended', 'effective'],
  ],
  [
    'a press of an unknown prompt neither counts nor stands in the way',
    [press(1, 'a', 'rating', unknown), press(2, 'b')],
    ['no-prompt', 'effective'],
  ],
  [
    'a correction of a prompt without a case replaces in the pool',
    [press(1, 'a', 'rating', caseless), press(2, 'a', 'correction', caseless)],
    ['replaced', 'pool'],
  ],
])('%s', (_, presses, expected) => {
  expect([...standings(presses, true).values()]).toEqual(expected)
})

test('what would be effective waits for its service to be registered', () => {
  expect([...standings([press(1, 'a'), press(2, 'b')], false).values()]).toEqual(['not-registered', 'duplicate'])
})
