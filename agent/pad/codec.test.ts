import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatBytes, parseBytes } from './bytes.ts'
import { createPadCodec, type PadOutput } from './codec.ts'
import { describeOutputs } from './describe-output.ts'
import { encodeEvent } from './encode.ts'
import { frameBytesMax } from './frame.ts'
import { loadProfile } from './load-profile.ts'
import type { Profile } from './profile.ts'

const PROFILES = new URL('../../device-profiles/', import.meta.url).pathname

function loaded(name: string): Profile {
  const result = loadProfile(`${PROFILES}${name}`)
  if (!result.ok) throw new Error(result.error.detail)
  return result.value
}

const fourKey = loaded('generic-rs485-four-key')
const pj06 = loaded('generic-pj06')
const hex = (text: string) => Uint8Array.from(parseBytes(text))

/** What came out, with neighbouring garbage of one reason joined: where bytes were cut must not show. */
function normalised(outputs: PadOutput[]): string[] {
  const lines: string[] = []
  let run: { reason: string; bytes: number[] } | undefined
  for (const output of outputs) {
    if (output.kind === 'garbage' && run?.reason === output.reason) run.bytes.push(...output.bytes)
    else {
      if (run) lines.push(`${run.reason} ${formatBytes(run.bytes)}`)
      run = output.kind === 'garbage' ? { reason: output.reason, bytes: [...output.bytes] } : undefined
      if (output.kind === 'frame') lines.push(`${formatBytes(output.bytes)} ${describeOutputs(fourKey, [output])}`)
    }
  }
  if (run) lines.push(`${run.reason} ${formatBytes(run.bytes)}`)
  return lines
}

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
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20, size: 'max' })

function pieces(bytes: number[], sizes: number[]): number[][] {
  const list: number[][] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length]!
    list.push(bytes.slice(at, at + size))
    at += size
  }
  return list
}

describe.each([
  ['four-key', fourKey],
  ['PJ06', pj06],
])('%s codec', (_name, profile) => {
  const sent = hex('FF 68 03 03 68 05 01 0B 11 16')

  test('no byte is lost: each is in one output or pending, whatever the split and the echo', () => {
    fc.assert(
      fc.property(stream, cuts, fc.boolean(), fc.boolean(), (bytes, sizes, isArmed, isEchoing) => {
        const codec = createPadCodec(profile, { address: 5 })
        if (isEchoing) codec.sent(sent)
        const input = isEchoing ? [...sent, ...bytes] : bytes
        const out: number[] = []
        let taken = 0
        for (const piece of pieces(input, sizes)) {
          taken += piece.length
          out.push(...codec.receive(Uint8Array.from(piece), isArmed).flatMap(output => [...output.bytes]))
          expect(out.length + codec.pendingBytes()).toBe(taken)
        }
        out.push(...codec.silence().flatMap(output => [...output.bytes]))
        expect(out).toEqual(input)
        expect(codec.pendingBytes()).toBe(0)
      }),
    )
  })

  test('how the bytes are split does not matter', () => {
    fc.assert(
      fc.property(stream, cuts, fc.boolean(), (bytes, sizes, isEchoing) => {
        const run = (parts: number[][]) => {
          const codec = createPadCodec(profile, { address: 5 })
          if (isEchoing) codec.sent(sent)
          const outputs = parts.flatMap(part => codec.receive(Uint8Array.from(part), true))
          return normalised([...outputs, ...codec.silence()])
        }
        const input = isEchoing ? [...sent, ...bytes] : bytes
        expect(run(pieces(input, sizes))).toEqual(run([input]))
      }),
    )
  })
})

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
    const result = loadProfile(`${PROFILES}generic-rs485-four-key`, { echo: 'none', address: 5 })
    const codec = createPadCodec(result.ok ? result.value : fourKey)
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
