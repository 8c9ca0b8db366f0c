import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fromHex } from './codec.ts'
import { recognise } from './recognise.ts'

const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../test/vectors/${name}.json`, import.meta.url), 'utf8'))

const known: [string, string][] = [
  ...vectors<{ entries: { bytes: string }[] }[]>('chains')
    .flatMap(({ entries }) => entries)
    .map(({ bytes }): [string, string] => ['entry', bytes]),
  ...(['batches', 'receipts', 'presences', 'prompt-requests', 'time-answers'] as const).flatMap(name =>
    vectors<{ bytes: string }[]>(name).map(({ bytes }): [string, string] => [
      {
        batches: 'batch',
        receipts: 'receipt',
        presences: 'status',
        'prompt-requests': 'prompt-request',
        'time-answers': 'time-answer',
      }[name],
      bytes,
    ]),
  ),
]

test.each(known)('a vector of a %s is recognised as one', (message, bytes) => {
  expect(recognise(fromHex(bytes))).toMatchObject({ ok: true, value: { message } })
})

test('what is nothing of this protocol is refused, with why it is none of each', () => {
  const refused = recognise(fromHex('a0'))
  expect(refused).toMatchObject({ ok: false, error: { code: 'not-recognised' } })
  expect(!refused.ok && refused.error.detail).toMatch(
    /as entry: .*as batch: .*as receipt: .*as status: .*as prompt request: .*as time answer: /,
  )
})
