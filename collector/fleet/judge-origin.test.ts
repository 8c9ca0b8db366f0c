import { expect, test } from 'vitest'
import type { EntryBody } from '#protocol/entry.ts'
import { judgeOrigin } from './judge-origin.ts'

const epoch = new Uint8Array(16).fill(1)
const hash = new Uint8Array(32).fill(2)
const committed = { epoch, seq: 7, hash }

const cases: [name: string, origin: EntryBody<'boot'>['origin'], before: typeof committed | undefined, said: object][] =
  [
    ['the first journal of a box needs no words', undefined, undefined, { verdict: 'first', missing: 0 }],
    ['nor is it asked for any', { reason: 'first' }, undefined, { verdict: 'first', missing: 0 }],
    [
      'a journal of which nothing came is missed whole',
      { reason: 'quarantined', epoch, seq: 4, hash },
      undefined,
      { verdict: 'first', missing: 4 },
    ],
    [
      'but not one of another box',
      { reason: 're-enrolled', epoch, seq: 4, hash },
      undefined,
      { verdict: 'first', missing: 0 },
    ],
    [
      'exactly what is committed explains the end',
      { reason: 'quarantined', epoch, seq: 7, hash },
      committed,
      { verdict: 'explained', missing: 0 },
    ],
    [
      'more than that is a tail that was lost',
      { reason: 'replaced', epoch, seq: 9, hash: new Uint8Array(32) },
      committed,
      { verdict: 'explained', missing: 2 },
    ],
    ['nothing explains nothing', undefined, committed, { verdict: 'unexplained', missing: 0 }],
    ['a first journal that is not', { reason: 'first' }, committed, { verdict: 'unexplained', missing: 0 }],
    [
      'less than is committed',
      { reason: 'replaced', epoch, seq: 6, hash },
      committed,
      { verdict: 'unexplained', missing: 0 },
    ],
    [
      'another hash',
      { reason: 'replaced', epoch, seq: 7, hash: new Uint8Array(32) },
      committed,
      { verdict: 'unexplained', missing: 0 },
    ],
    [
      'another epoch',
      { reason: 'replaced', epoch: new Uint8Array(16), seq: 7, hash },
      committed,
      { verdict: 'unexplained', missing: 0 },
    ],
    [
      'an epoch without its end',
      { reason: 'replaced', epoch, seq: 9 },
      committed,
      { verdict: 'unexplained', missing: 0 },
    ],
  ]

test.each(cases)('%s', (_, origin, before, said) => {
  expect(judgeOrigin(origin, before)).toEqual(said)
})
