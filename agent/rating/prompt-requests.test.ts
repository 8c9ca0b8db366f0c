import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { signPromptRequest } from '#protocol/prompt-request.ts'
import { readPromptOrder } from './prompt-requests.ts'

const collector = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const nowWallMs = Date.UTC(2026, 10, 24)
const unsigned = {
  version: 1,
  box: 'box-1',
  prompt: new Uint8Array(16).fill(5),
  window: 'A01',
  for: { case: '370000-1', service: 1 },
  at: nowWallMs,
} as const
const read = (changes: object, key = collector.privateKey, now: number | undefined = nowWallMs) =>
  readPromptOrder(signPromptRequest({ ...unsigned, ...changes }, key), {
    box: 'box-1',
    collectorKey: collector.publicKey,
    nowWallMs: now,
  })

test('a prompt of a business system is believed when the collector signed it for this box just now', () => {
  expect(read({ clerk: '1007' })).toEqual({
    ok: true,
    value: { id: unsigned.prompt, window: 'A01', for: unsigned.for, clerk: '1007', origin: 'collector' },
  })
  expect(read({ at: nowWallMs - 60_000 })).toMatchObject({ ok: true })
})

test.each([
  ['one that the broker made', {}, stranger.privateKey, nowWallMs, 'bad-signature'],
  ['one for another box', { box: 'box-2' }, collector.privateKey, nowWallMs, 'prompt-of-another'],
  ['one that was kept back', { at: nowWallMs - 60_001 }, collector.privateKey, nowWallMs, 'prompt-too-old'],
])('%s is refused', (_, changes, key, now, code) => {
  expect(read(changes, key, now)).toMatchObject({ ok: false, error: { code } })
})

test('before the collector was heard in this run no request is believed', () => {
  const bytes = signPromptRequest(unsigned, collector.privateKey)
  expect(
    readPromptOrder(bytes, { box: 'box-1', collectorKey: collector.publicKey, nowWallMs: undefined }),
  ).toMatchObject({ ok: false, error: { code: 'prompt-too-early' } })
})
