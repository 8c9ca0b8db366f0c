import { expect, test } from 'vitest'
import { createRandom, PAD_KINDS, randomPad } from './fixtures/random-pad.ts'
import { hearUart } from './fixtures/uart.ts'
import { BAUDS, PARITIES, rankLines, type TriedLine } from './line-settings.ts'

/** The best face pressed three times under each setting, as a receiver under that setting hears it. */
function listen(frame: number[], sender: TriedLine, parities: readonly TriedLine['parity'][]) {
  return BAUDS.flatMap(baud =>
    parities.map(parity => {
      const bytes = Uint8Array.from(hearUart(Uint8Array.from(frame), sender, { baud, parity }))
      const chunks = bytes.length > 0 ? [0, 1000, 2000].map(atMs => ({ atMs, bytes })) : []
      return { baud, parity, chunks }
    }),
  )
}

test('the simulated line gives back what was sent under its own setting', () => {
  const bytes = Uint8Array.of(0x00, 0xff, 0x55, 0x68, 0x16)
  const line = { baud: 9600, parity: 'even' } as const
  expect(hearUart(bytes, line, line)).toEqual([...bytes])
})

test('the speed of nearly every pad with frames of four bytes or more is found, or said to be one of a few', () => {
  const random = createRandom(11)
  let found = 0
  let named = 0
  let tried = 0
  for (let i = 0; i < 120; i++) {
    const kind = PAD_KINDS[i % PAD_KINDS.length]!
    const frame = randomPad(kind, random).frame(0, true, 7)
    const sender = { baud: BAUDS[Math.floor(random() * BAUDS.length)]!, parity: 'none' } as const
    if (frame.length < 4) continue
    tried += 1
    const { ranked, rivals } = rankLines(listen(frame, sender, ['none']))
    if (ranked[0]!.baud === sender.baud) found += 1
    if ([ranked[0]!, ...rivals].some(({ baud }) => baud === sender.baud)) named += 1
  }
  expect(found / tried).toBeGreaterThan(0.9)
  expect(named / tried).toBeGreaterThan(0.95)
})

test('parity is seen by the bytes that are lost without it', () => {
  const frame = [0xff, 0x68, 0x03, 0x03, 0x68, 0x05, 0x11, 0x03, 0x19, 0x16]
  const sender = { baud: 9600, parity: 'even' } as const
  expect(rankLines(listen(frame, sender, PARITIES)).ranked[0]).toMatchObject(sender)
})

test('a line that brings nothing, or something else each time, scores nothing', () => {
  const random = createRandom(3)
  const noise = Array.from({ length: 6 }, (_, i) => ({
    atMs: i * 500,
    bytes: Uint8Array.from([1, 2, 3, 4], () => random() * 256),
  }))
  const { ranked } = rankLines([
    { baud: 9600, parity: 'none', chunks: [] },
    { baud: 19_200, parity: 'none', chunks: noise },
  ])
  expect(ranked.map(({ score }) => score < 0.2)).toEqual([true, true])
})
