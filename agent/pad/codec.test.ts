import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatBytes } from './bytes.ts'
import { createPadCodec } from './codec.ts'
import { describeOutputs } from './describe-output.ts'
import { encodeEvent } from './encode.ts'
import { shipped } from './fixtures/profiles.ts'
import { frameBytesMax } from './frame.ts'
import type { Profile } from './profile.ts'

const fourKey = shipped('generic-rs485-four-key')
const pj06 = shipped('generic-pj06')

// Mostly valid: whole frames of this pad, some with one byte changed, dropped or doubled, and a little noise.
const sum = (bytes: number[]) => bytes.reduce((total, byte) => (total + byte) & 0xff, 0)
const frameOf = (address: number, command: number, values: number[]) => {
  const body = [address, command, ...values]
  return [0xff, 0x68, body.length, body.length, 0x68, ...body, sum(body), 0x16]
}
const byte = fc.oneof(fc.constantFrom(0xff, 0x68, 0x16, 0x03), fc.integer({ min: 0, max: 255 }))
const goodFrame = fc
  .tuple(
    fc.constantFrom(5, 5, 5, 6),
    fc.constantFrom(0x11, 0x01),
    fc.array(byte, { minLength: 1, maxLength: 3, size: 'max' }),
  )
  .map(([address, command, values]) => frameOf(address, command, values))
// Up to two bytes past the limit.
const anyFrame = fc.array(byte, { maxLength: 5, size: 'max' }).map(values => frameOf(5, 0x11, values))
const disturbed = fc
  .tuple(goodFrame, fc.nat(20), byte, fc.constantFrom('change', 'drop', 'double'))
  .map(([frame, at, other, how]) => {
    const i = at % frame.length
    return frame.flatMap((value, j) => (j !== i ? [value] : { change: [other], drop: [], double: [value, value] }[how]))
  })
const noise = fc.array(byte, { maxLength: 6, size: 'max' })
const stream = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: goodFrame },
      { weight: 1, arbitrary: anyFrame },
      { weight: 2, arbitrary: disturbed },
      { weight: 1, arbitrary: noise },
    ),
    { maxLength: 6 },
  )
  .map(parts => parts.flat())
test('a frame that comes out is whole, within the limit and has the right sum', () => {
  const max = Math.max(...fourKey.frames.filter(f => f.direction === 'from-pad').map(frameBytesMax))
  fc.assert(
    fc.property(stream, bytes => {
      const codec = createPadCodec(fourKey, { address: 5 })
      for (const output of codec.receive(Uint8Array.from(bytes), true)) {
        if (output.kind !== 'frame') continue
        const frame = [...output.bytes]
        expect(frame.length).toBeLessThanOrEqual(max)
        expect(frame).toEqual(frameOf(frame[5]!, frame[6]!, frame.slice(7, -2)))
      }
      expect(codec.pendingBytes()).toBeLessThan(max)
    }),
  )
})

test('the longest frame is taken and one byte more is not', () => {
  const kinds = (values: number[]) =>
    createPadCodec(fourKey, { address: 5 })
      .receive(Uint8Array.from(frameOf(5, 0x01, values)), true)
      .map(output => (output.kind === 'frame' ? 'frame' : output.reason))
  expect(kinds([0, 0, 0x0c])).toEqual(['frame'])
  expect(kinds([0, 0, 0, 0x0c])).toEqual(['too-long', 'no-start'])
})

test('a good frame survives noise and a cut frame before it', () => {
  // Noise that begins no frame, then a frame cut off after its head, mark or length.
  const calm = fc.array(fc.integer({ min: 0, max: 0xfe }), { maxLength: 8, size: 'max' })
  const cutFrame = fc.tuple(goodFrame, fc.integer({ min: 0, max: 6 })).map(([frame, size]) => frame.slice(0, size))
  fc.assert(
    fc.property(calm, cutFrame, fc.integer({ min: 0, max: 3 }), (before, half, raw) => {
      const codec = createPadCodec(fourKey, { address: 5 })
      const good = frameOf(5, 0x11, [raw])
      const outputs = codec.receive(Uint8Array.from([...before, ...half, ...good]), true)
      const frames = outputs.filter(output => output.kind === 'frame').map(output => formatBytes(output.bytes))
      expect(frames).toContain(formatBytes(good))
    }),
  )
})

test('each key of each pad comes back as itself, zero too', () => {
  for (const profile of [fourKey, pj06]) {
    for (const event of profile.events) {
      for (const { bytes, raw, meaning } of event.keys) {
        const codec = createPadCodec(profile, { address: 9 })
        const [output] = codec.receive(Uint8Array.from(encodeEvent(profile, event, bytes, 9)), true)
        const expected = { 'no-rating': { kind: 'no-rating' }, unmapped: { kind: 'key-unmapped', raw } }[
          meaning as 'no-rating'
        ]
        expect(output).toMatchObject({ event: expected ?? { kind: 'key', grade: meaning, raw } })
      }
    }
  }
})

describe('an echo', () => {
  const command = (profile: Profile, intent: 'ask' | 'thank') => createPadCodec(profile, { address: 5 }).command(intent)
  const bytes = command(fourKey, 'ask')[0]!.bytes

  test('is not taken for the same bytes that the pad sends after the silence', () => {
    const codec = createPadCodec(fourKey, { address: 5 })
    codec.sent(bytes)
    codec.silence()
    expect(describeOutputs(fourKey, codec.receive(bytes, true))).toMatch(/^staff-key start-rating/)
  })

  test('that comes behind a stray byte which looks like its beginning is still removed', () => {
    const codec = createPadCodec(fourKey, { address: 5 })
    codec.sent(bytes)
    expect(describeOutputs(fourKey, codec.receive(Uint8Array.of(0xff, ...bytes), true))).toBe('garbage 10 echo')
    expect(describeOutputs(fourKey, codec.silence())).toBe('garbage 1 cut-short')
  })

  test('that stops in the middle is counted when the line falls silent', () => {
    for (const [profile, expected] of [
      [fourKey, 'garbage 1 cut-short | garbage 2 no-start'],
      [pj06, 'garbage 3 broken-echo'],
    ] as const) {
      const codec = createPadCodec(profile, { address: 5 })
      const step = command(profile, 'ask')[0]!
      codec.sent(step.bytes)
      expect(codec.receive(step.bytes.slice(0, 3), true)).toEqual([])
      expect(codec.pendingBytes()).toBe(3)
      expect(describeOutputs(fourKey, codec.silence())).toBe(expected)
    }
  })

  test('of two commands in a row is removed twice', () => {
    const codec = createPadCodec(pj06)
    const step = command(pj06, 'ask')[0]!
    codec.sent(step.bytes)
    codec.sent(step.bytes)
    const outputs = codec.receive(Uint8Array.of(...step.bytes, ...step.bytes, 4), true)
    expect(describeOutputs(fourKey, outputs)).toBe('garbage 12 echo | key dissatisfied')
  })

  test('is not looked for where the site says that the line has none', () => {
    const codec = createPadCodec(shipped('generic-rs485-four-key', { echo: 'none', address: 5 }))
    codec.sent(bytes)
    expect(describeOutputs(fourKey, codec.receive(bytes, true))).toMatch(/^staff-key start-rating/)
  })

  test('that is damaged never becomes a key, and the line is heard again after the silence', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 255 }), (at, other) => {
        const codec = createPadCodec(pj06)
        const { bytes: echo } = command(pj06, 'ask')[0]!
        fc.pre(other !== echo[at])
        codec.sent(echo)
        const outputs = codec.receive(echo.with(at, other), true)
        expect(outputs.filter(output => output.kind === 'frame')).toEqual([])
        codec.silence()
        expect(describeOutputs(fourKey, codec.receive(Uint8Array.of(5), true))).toBe('key very-dissatisfied')
      }),
    )
  })
})

describe('parameters', () => {
  test('are taken by the commands that know them and brought into range', () => {
    const codec = createPadCodec(pj06)
    const [timeout, levels] = codec.command('initialise', { seconds: 600, ticket: 3 })
    expect(formatBytes(timeout!.bytes)).toBe('55 AA 03 13 FF 00 1A')
    expect(formatBytes(levels!.bytes)).toBe('55 AA 02 15 05 1A')
    expect(timeout!.waitAfterMs).toBe(1000)
  })

  test('a pad without a thank-you of its own ends the asking instead', () => {
    expect(createPadCodec(pj06).command('thank')).toEqual(createPadCodec(pj06).command('idle'))
  })
})
