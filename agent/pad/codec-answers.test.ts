import { describe, expect, test } from 'vitest'
import { parseBytes } from './bytes.ts'
import { createPadCodec, type PadCodec } from './codec.ts'
import { describeOutputs } from './describe-output.ts'
import { fixture, shipped } from './fixtures/profiles.ts'

const dwin = shipped('dwin-dgus2')
const modbus = shipped('modbus-rtu-5-input')
const hex = (text: string) => Uint8Array.from(parseBytes(text))
const PAGE_REPLY = hex('5A A5 06 83 00 14 01 00 02')

function send(codec: PadCodec, name: string, values = {}) {
  const step = codec.single(name, values)
  codec.sent(step.bytes, step)
  return step
}

describe('an answer', () => {
  test('is waited for from the sending until it comes, once', () => {
    const codec = createPadCodec(dwin)
    expect(codec.waitingFor()).toBeNull()
    send(codec, 'read-page')
    expect(codec.waitingFor()).toBe('read-page')
    const [output] = codec.receive(PAGE_REPLY, true)
    expect(output).toMatchObject({ rule: 'current-page', completes: { command: 'read-page', how: 'answered' } })
    expect(codec.waitingFor()).toBeNull()
  })

  test('that comes late belongs to nobody', () => {
    const codec = createPadCodec(dwin)
    send(codec, 'read-page')
    codec.missed()
    expect(describeOutputs(dwin, codec.receive(PAGE_REPLY, true))).toBe('ignored unasked-answer')
  })

  test('of another command does not end the waiting', () => {
    const codec = createPadCodec(dwin)
    send(codec, 'read-version')
    expect(describeOutputs(dwin, codec.receive(PAGE_REPLY, true))).toBe('ignored unasked-answer')
    expect(codec.waitingFor()).toBe('read-version')
  })

  test('is not waited for by a command that says nothing of one', () => {
    const codec = createPadCodec(dwin)
    send(codec, 'read-page')
    send(codec, 'reset')
    expect(codec.waitingFor()).toBeNull()
  })

  test('to a question is as long as was asked for, also when nobody gave the number', () => {
    const codec = createPadCodec(modbus)
    expect(send(codec, 'read-inputs').values).toEqual({ count: 5 })
    expect(send(codec, 'read-inputs', { count: 900 }).values).toEqual({ count: 8 })
  })
})

describe('a command that the module sends back', () => {
  const write = hex('01 05 00 00 FF 00 8C 3A')
  const poll = hex('01 02 00 00 00 05 B8 09')
  const keys = hex('01 02 01 00 A1 88')
  const said = (codec: PadCodec, ...bytes: Uint8Array[]) =>
    describeOutputs(modbus, codec.receive(Uint8Array.from(bytes.flatMap(part => [...part])), false))

  test('is answered by the first copy on a line that was not heard to echo', () => {
    const codec = createPadCodec(modbus)
    send(codec, 'lamp-on')
    expect(said(codec, write)).toBe('acknowledged, completes lamp-on')
  })

  test('is answered by the second copy on a line that echoes', () => {
    const codec = createPadCodec(modbus)
    send(codec, 'read-inputs')
    expect(said(codec, poll, keys)).toBe('garbage 8 echo | keys none, completes read-inputs')
    send(codec, 'lamp-on')
    expect(said(codec, write)).toBe('garbage 8 echo')
    expect(codec.waitingFor()).toBe('lamp-on')
    // The module takes its time; its answer is no echo and outlives the silence.
    codec.silence()
    expect(said(codec, write)).toBe('acknowledged, completes lamp-on')
  })

  test.each([
    ['answered without an echo', keys],
    ['brought nothing back at all', new Uint8Array()],
  ])('is answered by the first copy again once the line has %s', (_what, heard) => {
    const codec = createPadCodec(modbus)
    send(codec, 'read-inputs')
    said(codec, poll, keys)
    send(codec, 'read-inputs')
    said(codec, heard)
    codec.silence()
    send(codec, 'lamp-on')
    expect(said(codec, write)).toBe('acknowledged, completes lamp-on')
  })

  test('is not taken for an answer once it has been given up', () => {
    const codec = createPadCodec(modbus)
    send(codec, 'lamp-on')
    codec.missed()
    expect(codec.receive(write, false).map(({ kind }) => kind)).not.toContain('frame')
  })
})

describe('what a codec says of keys that tell their state', () => {
  test('is their raw values, and what each of them means', () => {
    const codec = createPadCodec(modbus)
    send(codec, 'read-inputs')
    const [output] = codec.receive(hex('01 02 01 05 61 8B'), true)
    expect(output).toMatchObject({ event: { kind: 'keys', down: [1, 4] } })
    expect(codec.keyEvent(4)).toEqual({ kind: 'key', grade: 'fairly-satisfied', raw: 4 })
    expect(codec.keyEvent(32)).toEqual({ kind: 'key-unmapped', raw: 32 })
  })
})

describe('a long text', () => {
  const profile = fixture('two-stage')

  test('goes out in steps, each of which is answered', () => {
    const codec = createPadCodec(profile)
    const steps = codec.all('notice', { words: '一二三四五' })
    expect(steps).toHaveLength(2)
    for (const step of steps) {
      codec.sent(step.bytes, step)
      const answered = codec.receive(hex('AA 05 00 06 EC 3A 41 A3'), true)
      expect(describeOutputs(profile, answered)).toBe('acknowledged, completes notice')
    }
  })

  test('that is empty is one empty segment', () => {
    expect(createPadCodec(profile).all('notice', { words: '' })).toHaveLength(1)
  })
})

test('a pad that accepts first and rates later says how long it may take', () => {
  const [step] = createPadCodec(fixture('two-stage')).command('ask')
  expect(step?.expects).toMatchObject({ withinMs: 500, retries: 3, onMissing: 'fault', resultWithinMs: 60_000 })
})
