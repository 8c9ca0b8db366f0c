import { expect, test } from 'vitest'
import { formatBytes, parseBytes } from './bytes.ts'
import { compileFrame } from './compile-frame.ts'
import type { FrameFile } from './frame-schema.ts'
import { createFramer } from './framer.ts'

/** What a framer makes of bytes, cut before each `|`: "name bytes" for a frame, "fault bytes" for garbage. */
function cut(frames: Record<string, FrameFile>, text: string): string[] {
  const said: string[] = []
  const framer = createFramer(
    Object.entries(frames).map(([name, file]) => compileFrame(name, file, [])),
    {
      frame: (bytes, frame) => said.push(`${frame.name} ${formatBytes(bytes)}`),
      garbage: (bytes, fault) => said.push(`${fault} ${formatBytes(bytes)}`),
    },
  )
  for (const piece of text.split('|')) framer.push(Uint8Array.from(parseBytes(piece.trim())))
  framer.silence()
  return said
}

test('of two kinds that both fit, the one that is whole first is taken, however the bytes come', () => {
  const frames: Record<string, FrameFile> = {
    long: {
      kind: 'fields',
      direction: 'from-pad',
      layout: [
        { name: 'head', is: 'constant', bytes: '01' },
        { name: 'value', is: 'value', size: 3 },
      ],
    },
    short: {
      kind: 'fields',
      direction: 'from-pad',
      layout: [{ name: 'head', is: 'constant', bytes: '01 02' }],
    },
  }
  expect(cut(frames, '01 02 01 03 04 05')).toEqual(['short 01 02', 'long 01 03 04 05'])
  expect(cut(frames, '01 | 02 | 01 | 03 04 | 05')).toEqual(['short 01 02', 'long 01 03 04 05'])
})

test('what ends the data of a stuffed frame is its tail only when the whole tail is there', () => {
  const stuffed: FrameFile = {
    kind: 'fields',
    direction: 'from-pad',
    restBytesMin: 3,
    restBytesMax: 5,
    stuffing: { escape: '7D', set: '7E 7D 0D', xor: '20' },
    layout: [
      { name: 'head', is: 'constant', bytes: '7E' },
      { name: 'data', is: 'rest', ends: 'tail' },
      { name: 'tail', is: 'constant', bytes: '0D 0A' },
    ],
  }
  expect(cut({ stuffed }, '7E 41 7D 2D 42 0D | 0A')).toEqual(['stuffed 7E 41 7D 2D 42 0D 0A'])
  for (const text of ['7E 41 0D 42', '7E 41 0D | 42', '7E | 41 | 0D | 42']) {
    expect(cut({ stuffed }, text)).toEqual(['bad-escape 7E', 'no-start 41 0D 42'])
  }
  expect(cut({ stuffed }, '7E 41 0D 0A')).toEqual(['bad-length 7E', 'no-start 41 0D 0A'])
})

test('a line that is too long says so', () => {
  const line: FrameFile = { kind: 'line', direction: 'from-pad', end: '0A', lineBytesMax: 3 }
  expect(cut({ line }, '41 42 43 0A')).toEqual(['line 41 42 43 0A'])
  expect(cut({ line }, '41 42 43 44 0A')).toEqual(['too-long 41', 'line 42 43 44 0A'])
})

test('of a frame whose tail may be delayed by its checksum no more is awaited than the frame can have', () => {
  const frame: FrameFile = {
    kind: 'fields',
    direction: 'from-pad',
    restBytesMin: 1,
    restBytesMax: 3,
    layout: [
      { name: 'head', is: 'constant', bytes: '01' },
      { name: 'text', is: 'rest', ends: 'tail' },
      { name: 'check', is: 'checksum', algorithm: 'sum8', from: 'text', to: 'text' },
      { name: 'tail', is: 'constant', bytes: '04' },
    ],
  }
  const framer = createFramer([compileFrame('frame', frame, [])], { frame() {}, garbage() {} })
  // The first tail comes where the longest frame ends, with a wrong check: there is no later one to wait for.
  framer.push(Uint8Array.from(parseBytes('01 41 42 43 00 04')))
  expect(framer.pendingBytes()).toBe(0)
})
