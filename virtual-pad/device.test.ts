import { describe, expect, test } from 'vitest'
import { formatBytes, parseBytes } from '#agent/pad/bytes.ts'
import { type CommandStep, createPadCodec, type PadCodec, type PadOutput } from '#agent/pad/codec.ts'
import { shipped, speaking } from '#agent/pad/fixtures/profiles.ts'
import { parseProfile } from '#agent/pad/load-profile.ts'
import { INTENTS } from '#agent/pad/profile-schema.ts'
import { GRADES, type Grade } from '#protocol/grades.ts'
import { createDeviceModel, type DeviceFrame, type DeviceModel } from './device.ts'

const fourKey = shipped('generic-rs485-four-key')
const pj06 = shipped('generic-pj06')
const hex = (frames: DeviceFrame[]) => frames.map(({ bytes }) => formatBytes(bytes))
const bytesOf = (text: string) => Uint8Array.from(parseBytes(text))

function pressed(device: DeviceModel, grade: Grade, monoMs = 0): string[] {
  const result = device.press(grade, monoMs)
  return result.ok ? hex(result.value) : [result.error.code]
}

/** What the box hears of what the pad sends; what it has to answer goes back to the pad. */
function listen(codec: PadCodec, device: DeviceModel, frames: DeviceFrame[]): PadOutput[] {
  const outputs = frames
    .filter(({ direction }) => direction === 'out')
    .flatMap(({ bytes }) => [...codec.receive(Uint8Array.from(bytes), true), ...codec.silence()])
  for (const output of outputs) if (output.kind === 'frame' && output.answer) device.receive(output.answer)
  return outputs
}

describe.each(speaking)(
  'a virtual pad and the codec of the same profile understand each other: %s',
  (_name, profile) => {
    const pair = () => ({ device: createDeviceModel(profile), codec: createPadCodec(profile) })
    const ask = ({ device, codec }: ReturnType<typeof pair>, step: CommandStep) => {
      codec.sent(step.bytes, step)
      codec.silence()
      return listen(codec, device, [...device.receive(step.bytes), ...device.silence()])
    }

    test('every key, also of a pad that has to be asked', () => {
      for (const { grade } of pair().device.keys) {
        const both = pair()
        const { device, codec } = both
        const poll = profile.poll && codec.single(profile.poll.command)
        if (poll) expect(ask(both, poll)).toMatchObject([{ event: { kind: 'keys', down: [] } }])
        const pressed = device.press(grade, 0)
        const heard = [...listen(codec, device, pressed.ok ? pressed.value : []), ...(poll ? ask(both, poll) : [])]
        const events = heard.map(output => (output.kind === 'frame' ? output.event : output))
        const found = events.map(event => (event.kind === 'keys' ? codec.keyEvent(event.down[0] ?? -1) : event))
        expect(found).toMatchObject([{ kind: 'key', grade }])
      }
    })

    test('every step of every intent, and its answer', () => {
      const both = pair()
      for (const intent of INTENTS) {
        for (const step of both.codec.command(intent, { name: '张三', number: '007' })) {
          const [frame] = createDeviceModel(profile).receive(step.bytes)
          if (frame) expect(frame.command?.name).toBe(step.name)
          const completed = ask(both, step).flatMap(output => (output.kind === 'frame' ? [output.completes] : []))
          const isAnswered = step.expects && (step.expects.events.length > 0 || step.expects.isEcho)
          expect(completed).toEqual(isAnswered ? [{ command: step.name, how: 'answered' }] : [])
        }
      }
    })

    test('a finger that leaves is told where the pad tells it, and never twice', () => {
      const { device } = pair()
      const [first] = device.keys
      if (!first) return
      device.press(first.grade, 1000)
      const due = device.dueMonoMs()
      if (due === null || profile.behaviour.unansweredRepeats) return
      device.due(due)
      expect(device.dueMonoMs()).toBeNull()
      expect(device.due(due + 10_000)).toEqual([])
    })
  },
)

test('a screen that starts says so, and shows what it is told in its own characters', () => {
  const tjc = shipped('tjc-nextion')
  const device = createDeviceModel(tjc)
  const codec = createPadCodec(tjc)
  const [output] = listen(codec, device, device.start())
  expect(output).toMatchObject({ event: { kind: 'ready' } })
  for (const step of codec.command('clerk', { name: '昞"', number: '007' })) device.receive(step.bytes)
  expect(device.shown().text.zh).toBe('工号 007')
  const [name] = codec.command('clerk', { name: '昞"' })
  expect(device.receive(name!.bytes)[0]?.meaning.zh).toBe('工作人员姓名（姓名 昞"）')
})

test('what is asked many times a second is routine, until a key changes it', () => {
  const modbus = shipped('modbus-rtu-5-input')
  const device = createDeviceModel(modbus)
  const poll = createPadCodec(modbus).single('read-inputs').bytes
  const isRoutine = () => device.receive(poll).map(frame => frame.isRoutine)
  expect(isRoutine()).toEqual([false, false])
  expect(isRoutine()).toEqual([true, true])
  device.hold('satisfied', 0)
  expect(isRoutine()).toEqual([false, false])
  expect(isRoutine()).toEqual([true, true])
  device.release()
  expect(isRoutine()).toEqual([false, false])
})

describe('a pad that is asked and answers with the value of one key', () => {
  const text = `
format: 1
id: asked-by-value
version: 1
title: { zh: 问答, en: Asked }
evidence: guess
source: made for this test
line: { baud: 9600 }
capabilities: { levels: 2 }
frames:
  no-key:
    kind: fields
    direction: from-pad
    layout: [{ name: rest, is: constant, bytes: A5 5A 00 FF }]
  answer:
    kind: fields
    direction: from-pad
    layout:
      - { name: head, is: constant, bytes: A5 5A }
      - { name: key, is: value, size: 1 }
      - { name: check, is: checksum, algorithm: sum8, from: head, to: key }
  query:
    kind: fields
    direction: to-pad
    layout: [{ name: query, is: constant, bytes: C3 01 }]
events:
  key:
    frame: answer
    meaning: { zh: 按下的键, en: the key that is down }
    gives: key
    value: { field: key }
    grades: { "11": very-satisfied, "22": dissatisfied }
  released: { frame: no-key, meaning: { zh: 没有键按下, en: no key is down }, gives: released }
commands:
  read-keys:
    frame: query
    meaning: { zh: 查询按键, en: ask for the keys }
    fields: {}
    expects: { events: [key, released], within: 200ms }
poll: { send: read-keys, idle: 200ms, armed: 40ms, failuresMax: 5 }
health: { none: Polling asks many times a second. }
intents: {}
`
  const parsed = parseProfile(text, { path: 'asked-by-value', folder: 'asked-by-value', hash: '' })
  if (!parsed.ok) throw new Error(parsed.error.detail)
  const asked = parsed.value

  test('says nothing by itself, and its key only while it is down', () => {
    const device = createDeviceModel(asked)
    const codec = createPadCodec(asked)
    const answer = () => {
      const step = codec.single('read-keys')
      codec.sent(step.bytes, step)
      const frames = device.receive(step.bytes)
      const [output] = listen(codec, device, frames)
      return [...hex(frames.filter(({ direction }) => direction === 'out')), output?.kind === 'frame' && output.event]
    }
    expect(answer()).toMatchObject(['A5 5A 00 FF', { kind: 'released' }])
    expect(pressed(device, 'dissatisfied', 1000)).toEqual([])
    expect(answer()).toMatchObject(['A5 5A 22 21', { kind: 'key', grade: 'dissatisfied' }])
    expect(device.due(device.dueMonoMs()!)).toEqual([])
    expect(answer()).toMatchObject(['A5 5A 00 FF', { kind: 'released' }])
    device.hold('very-satisfied', 5000)
    expect(answer()).toMatchObject(['A5 5A 11 10', { kind: 'key', grade: 'very-satisfied' }])
    expect(device.release()).toEqual([])
    expect(answer()).toMatchObject(['A5 5A 00 FF', { kind: 'released' }])
  })

  test('one that has nothing to say of keys that are up is silent then', () => {
    const { released: _, ...events } = Object.fromEntries(asked.events.map(rule => [rule.name, rule]))
    const device = createDeviceModel({ ...asked, events: Object.values(events) })
    const query = createPadCodec(asked).single('read-keys').bytes
    expect(device.receive(query).map(({ direction }) => direction)).toEqual(['in'])
    device.hold('very-satisfied', 0)
    expect(hex(device.receive(query)).at(-1)).toBe('A5 5A 11 10')
  })
})

test('a pad has the keys of its profile and no others', () => {
  expect(createDeviceModel(pj06).keys.map(({ grade }) => grade)).toEqual(GRADES)
  const device = createDeviceModel(fourKey)
  expect(device.keys.map(({ grade }) => grade)).toEqual(['very-satisfied', 'satisfied', 'dissatisfied'])
  expect(pressed(device, 'very-dissatisfied')).toEqual(['key-not-on-this-pad'])
})

describe('a pad that waits for an answer', () => {
  const key = 'FF 68 03 03 68 05 11 03 19 16'
  const answer = 'FF 68 03 03 68 05 01 03 09 16'

  test('sends a key again every 300 ms, three times, and then gives up', () => {
    const device = createDeviceModel(fourKey, { address: 5 })
    expect(pressed(device, 'very-satisfied', 1000)).toEqual([key])
    for (const at of [1300, 1600, 1900]) {
      expect(device.dueMonoMs()).toBe(at)
      expect(device.due(at - 1)).toEqual([])
      expect(hex(device.due(at))).toEqual([key])
    }
    expect(device.dueMonoMs()).toBeNull()
  })

  test('is quiet once the answer is there', () => {
    const device = createDeviceModel(fourKey, { address: 5 })
    pressed(device, 'very-satisfied')
    expect(device.receive(bytesOf(answer))[0]?.meaning.en).toBe('answer to the key')
    expect(device.dueMonoMs()).toBeNull()
  })

  test('does not take the answer to another key or another pad', () => {
    const device = createDeviceModel(fourKey, { address: 5 })
    pressed(device, 'very-satisfied')
    device.receive(bytesOf('FF 68 03 03 68 05 01 02 08 16'))
    const [other] = device.receive(bytesOf('FF 68 03 03 68 06 01 03 0A 16'))
    expect(other?.meaning.en).toBe('for a pad with another address')
    expect(device.dueMonoMs()).toBe(300)
  })
})

test('a held key comes again until it is released', () => {
  const device = createDeviceModel(pj06)
  device.hold('dissatisfied', 0)
  expect(device.held()).toBe('dissatisfied')
  expect(hex(device.due(250))).toEqual(['04'])
  expect(device.dueMonoMs()).toBe(500)
  device.release()
  expect(device.held()).toBeNull()
  expect(device.due(10_000)).toEqual([])
})

describe('what is shown', () => {
  test('follows the commands, with their parameters', () => {
    const device = createDeviceModel(fourKey, { address: 5 })
    device.receive(bytesOf('FF 68 03 03 68 05 01 0B 11 16'))
    expect(device.shown()).toEqual({ lamp: 'on', text: { zh: '请您评价', en: 'Please rate' }, sound: 'voice' })
    const [digits] = device.receive(bytesOf('FF 68 08 08 68 05 02 0A 0A 0A 00 02 03 2A 16'))
    expect(device.shown()).toMatchObject({ lamp: 'on', text: { zh: '等候 — 票号 23' }, sound: 'silent' })
    expect(digits?.meaning.zh).toBe('显示等候人数和票号（票号 23）')
  })

  test('does not change with a command for another address, or noise', () => {
    const device = createDeviceModel(fourKey, { address: 5 })
    const before = device.shown()
    device.receive(bytesOf('FF 68 03 03 68 06 01 0B 12 16'))
    device.receive(bytesOf('FF 68 03 03 68 05 01 0B 12 16'))
    expect(device.shown()).toEqual(before)
  })

  test('is dark again after a loss of power', () => {
    const device = createDeviceModel(pj06)
    device.receive(bytesOf('55 AA 02 20 00 1A'))
    expect(device.shown().lamp).toBe('blinking')
    device.restart()
    expect(device.shown()).toEqual({ lamp: 'off', text: { zh: '', en: '' }, sound: 'silent' })
  })
})

test('half a frame is dropped by the silence and does not spoil the next', () => {
  const device = createDeviceModel(pj06)
  expect(device.receive(bytesOf('55 AA 02'))).toEqual([])
  expect(hex(device.silence())).toEqual(['55', 'AA 02'])
  expect(device.receive(bytesOf('55 AA 02 20 00 1A'))[0]?.command?.name).toBe('please-rate')
})

test('a line that echoes brings every byte back before the pad does anything', () => {
  const device = createDeviceModel(pj06, { lineEchoes: true })
  const frames = device.receive(bytesOf('55 AA 02 20 00 1A'))
  expect(frames.map(({ direction, bytes }) => [direction, formatBytes(bytes)])).toEqual([
    ['out', '55 AA 02 20 00 1A'],
    ['in', '55 AA 02 20 00 1A'],
  ])
})
