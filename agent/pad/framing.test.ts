import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatBytes } from './bytes.ts'
import { createPadCodec, type PadCodec, type PadOutput } from './codec.ts'
import { describeOutputs } from './describe-output.ts'
import { type Example, exampleFrames } from './examples.ts'
import { fixture, speaking } from './fixtures/profiles.ts'
import { frameBytesMax } from './frame.ts'
import { addressOf, type Profile } from './profile.ts'
import { isHeard } from './round-trip.ts'

/** What came out, with neighbouring garbage of one reason joined: where bytes were cut must not show. */
function normalised(profile: Profile, outputs: PadOutput[]): string[] {
  const lines: string[] = []
  let run: { reason: string; bytes: number[] } | undefined
  const end = () => {
    if (run) lines.push(`${run.reason} ${formatBytes(run.bytes)}`)
    run = undefined
  }
  for (const output of outputs) {
    if (output.kind === 'garbage' && run?.reason === output.reason) run.bytes.push(...output.bytes)
    else if (output.kind === 'garbage') {
      end()
      run = { reason: output.reason, bytes: [...output.bytes] }
    } else {
      end()
      lines.push(`${formatBytes(output.bytes)} ${describeOutputs(profile, [output])}`)
    }
  }
  end()
  return lines
}

// Mostly valid: whole frames of this pad, some with one byte changed, dropped or doubled, some cut, and noise that
// is fond of the bytes the pad uses.
function streamOf(examples: Example[]): fc.Arbitrary<number[]> {
  const whole = fc.constantFrom(...examples).map(({ bytes }) => [...bytes])
  const used = fc.constantFrom(...new Set(examples.flatMap(({ bytes }) => [...bytes])))
  const byte = fc.oneof({ weight: 3, arbitrary: used }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) })
  const disturbed = fc
    .tuple(whole, fc.nat(40), byte, fc.constantFrom('change', 'drop', 'double'))
    .map(([bytes, at, other, how]) => {
      const i = at % bytes.length
      return bytes.flatMap((value, j) =>
        j !== i ? [value] : { change: [other], drop: [], double: [value, value] }[how],
      )
    })
  const cut = fc.tuple(whole, fc.nat(40)).map(([bytes, at]) => bytes.slice(0, at % bytes.length))
  const noise = fc.array(byte, { maxLength: 12, size: 'max' })
  const part = fc.oneof(
    { weight: 4, arbitrary: whole },
    { weight: 2, arbitrary: disturbed },
    { weight: 1, arbitrary: cut },
    { weight: 1, arbitrary: noise },
  )
  return fc.array(part, { maxLength: 7 }).map(parts => parts.flat())
}
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20, size: 'max' })

function pieces(bytes: number[], sizes: number[]): Uint8Array[] {
  const list: Uint8Array[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    list.push(Uint8Array.from(bytes.slice(at, at + sizes[i % sizes.length]!)))
    at += sizes[i % sizes.length]!
  }
  return list
}

const RUNS = { numRuns: 40 }

describe.each(speaking)('%s', (_name, profile) => {
  const examples = exampleFrames(profile, addressOf(profile))
  const stream = streamOf(examples)
  const asking = fc.constantFrom(...examples)
  const open = (example: Example): PadCodec => {
    const codec = createPadCodec(profile)
    example.prepare(codec)
    return codec
  }
  const longest = Math.max(...profile.frames.filter(f => f.direction === 'from-pad').map(frameBytesMax))

  test('no byte is lost, and what is pending is bounded, whatever the split', () => {
    fc.assert(
      fc.property(stream, cuts, asking, fc.boolean(), (bytes, sizes, example, isArmed) => {
        const codec = open(example)
        const out: number[] = []
        let taken = 0
        for (const piece of pieces(bytes, sizes)) {
          taken += piece.length
          for (const output of codec.receive(piece, isArmed)) out.push(...output.bytes)
          expect(out.length + codec.pendingBytes()).toBe(taken)
          expect(codec.pendingBytes()).toBeLessThanOrEqual(longest)
        }
        for (const output of codec.silence()) out.push(...output.bytes)
        expect(out).toEqual(bytes)
        expect(codec.pendingBytes()).toBe(0)
      }),
      RUNS,
    )
  })

  test('how the bytes are split does not matter', () => {
    fc.assert(
      fc.property(stream, cuts, asking, (bytes, sizes, example) => {
        const run = (parts: Uint8Array[]) => {
          const codec = open(example)
          const outputs = parts.flatMap(part => codec.receive(part, true))
          return normalised(profile, [...outputs, ...codec.silence()])
        }
        expect(run(pieces(bytes, sizes))).toEqual(run([Uint8Array.from(bytes)]))
      }),
      RUNS,
    )
  })

  test('a good frame is heard after anything and a silence', () => {
    fc.assert(
      fc.property(stream, asking, (bytes, example) => {
        const codec = createPadCodec(profile)
        codec.receive(Uint8Array.from(bytes), true)
        codec.silence()
        example.prepare(codec)
        const outputs = [...codec.receive(example.bytes, true), ...codec.silence()]
        expect(isHeard(profile, example, outputs)).toBe(true)
        expect(outputs).toHaveLength(1)
      }),
      RUNS,
    )
  })
})

test('a frame that takes longer than the profile allows is given up, and the next one is heard', () => {
  const profile = fixture('two-stage')
  const [example] = exampleFrames(profile, null).filter(({ rule }) => rule.gives === 'key')
  const codec = createPadCodec(profile)
  const half = example!.bytes.subarray(0, 5)
  expect(codec.receive(half, true, 1000)).toEqual([])
  // Long before the silence would have been noticed by a busy machine.
  expect(describeOutputs(profile, codec.receive(example!.bytes, true, 1501))).toBe(
    'garbage 1 cut-short | garbage 4 no-start | key very-dissatisfied',
  )
  expect(codec.receive(half, true, 2000)).toEqual([])
  const rest = codec.receive(example!.bytes.subarray(5), true, 2500)
  expect(describeOutputs(profile, rest)).toBe('key very-dissatisfied')
  // A line that is never quite empty: the time is that of each frame, not of the line.
  const next = Uint8Array.of(...example!.bytes.subarray(5), ...half)
  codec.receive(half, true, 3000)
  for (const at of [3400, 3800, 4200]) {
    expect(describeOutputs(profile, codec.receive(next, true, at))).toBe('key very-dissatisfied')
  }
})

test('noise that always looks like a beginning makes nothing grow', () => {
  for (const [, profile] of speaking) {
    const codec = createPadCodec(profile)
    const longest = Math.max(...profile.frames.map(frameBytesMax))
    for (const { bytes } of exampleFrames(profile, addressOf(profile))) {
      codec.receive(new Uint8Array(3000).fill(bytes[0]!), true)
      expect(codec.pendingBytes()).toBeLessThanOrEqual(longest)
    }
  }
})
