import { expect, test } from 'vitest'
import { createPadCodec } from '#agent/pad/codec.ts'
import { GRADES } from '#protocol/grades.ts'
import type { Heard } from './heard.ts'
import { learn } from './learn.ts'

const OPTIONS = {
  id: 'acme-kp5',
  title: { zh: '五键', en: 'Five keys' },
  grades: GRADES,
  line: { baud: 9600, parity: 'none' },
} as const

function pressed(frameOf: (key: number) => number[]): Heard {
  const keys = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 2, 0, 4, 1, 3]
  const chunksOf = (key: number, i: number) => [{ atMs: i * 2000, bytes: Uint8Array.from(frameOf(key)) }]
  return { presses: keys.map((key, i) => ({ key, address: null, chunks: chunksOf(key, i) })), idle: [] }
}

const xor = (own: number[]) => own.reduce((sum, byte) => sum ^ byte, 0)

/** A frame between marks, with escapes where its data holds one of the special bytes. */
function stuffed(head: number[], data: number[], tail: number[], marker: number, special: number[], mask: number) {
  return [...head, ...data.flatMap(byte => (special.includes(byte) ? [marker, byte ^ mask] : [byte])), ...tail]
}

test.each([
  ['HDLC', [0x7e], [0x7e], 0x7d, [0x7d, 0x7e], 0x20, [0x7c, 0x7d, 0x7e, 0x7f, 0x80]],
  ['DLE doubled', [0x10, 0x02], [0x10, 0x03], 0x10, [0x10], 0, [0x0e, 0x0f, 0x10, 0x11, 0x12]],
  ['an escape of its own', [0xf5], [0xf6], 0xf4, [0xf4, 0xf5, 0xf6], 0x40, [0xf2, 0xf3, 0xf4, 0xf5, 0xf6]],
])('%s is seen, and a frame that was never heard is read', (_, head, tail, marker, special, mask, values) => {
  const frame = (value: number) => stuffed(head, [0x21, value, xor([0x21, value])], tail, marker, special, mask)
  const learnt = learn(
    pressed(key => frame(values[key]!)),
    OPTIONS,
  )
  if (!learnt.ok) throw new Error(learnt.error.detail)
  const { profile } = learnt.value
  expect(profile.frames[0]).toMatchObject({ stuffing: { escape: marker } })
  const codec = createPadCodec(profile)
  // The checksum of this one is a byte that has to be escaped, which none of the heard ones is.
  const unheard = (special[0]! ^ 0x21) & 0xff
  expect(codec.receive(Uint8Array.from(frame(unheard)), true)).toMatchObject([
    { kind: 'frame', event: { kind: 'key-unmapped', raw: unheard } },
  ])
})

test('SLIP, which no profile can say, is read as it stands on the line, and said to be a doubt', () => {
  const learnt = learn(
    pressed(key => [0xc0, 0x21, ...[[0xdb, 0xdc], [0xdb, 0xdd], [3], [4], [5]][key]!, 0xc0]),
    OPTIONS,
  )
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.profile.frames[0]).toMatchObject({ stuffing: null })
  expect(learnt.value.doubts.map(({ en }) => en)).toContainEqual(expect.stringMatching(/as in SLIP/))
})
