import { describe, expect, test } from 'vitest'
import { formatBytes, parseBytes } from '#agent/pad/bytes.ts'
import { createPadCodec } from '#agent/pad/codec.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { GRADES, type Grade } from '#protocol/grades.ts'
import { createDeviceModel, type DeviceFrame, type DeviceModel } from './device.ts'
import { profileFolder } from './profile-folder.ts'

function loaded(name: string): Profile {
  const result = loadProfile(profileFolder(name))
  if (!result.ok) throw new Error(result.error.detail)
  return result.value
}

const fourKey = loaded('generic-rs485-four-key')
const pj06 = loaded('generic-pj06')
const hex = (frames: DeviceFrame[]) => frames.map(({ bytes }) => formatBytes(bytes))
const bytesOf = (text: string) => Uint8Array.from(parseBytes(text))

function pressed(device: DeviceModel, grade: Grade, monoMs = 0): string[] {
  const result = device.press(grade, monoMs)
  return result.ok ? hex(result.value) : [result.error.code]
}

describe('a virtual pad and the codec of the same profile', () => {
  test.each([
    ['PJ06', pj06],
    ['four-key', fourKey],
  ])('understand each other: every key of the %s', (_name, profile) => {
    const device = createDeviceModel(profile, { address: 5 })
    const codec = createPadCodec(profile, { address: 5 })
    expect(device.keys.length).toBeGreaterThan(0)
    for (const { grade } of device.keys) {
      const result = device.press(grade, 0)
      const [output] = codec.receive(Uint8Array.from(result.ok ? result.value[0]!.bytes : []), true)
      expect(output).toMatchObject({ kind: 'frame', event: { kind: 'key', grade } })
    }
  })

  test.each([
    ['PJ06', pj06],
    ['four-key', fourKey],
  ])('understand each other: every intent of the %s', (_name, profile) => {
    const device = createDeviceModel(profile, { address: 5 })
    const codec = createPadCodec(profile, { address: 5 })
    for (const intent of ['initialise', 'ask', 'thank', 'idle'] as const) {
      for (const step of codec.command(intent)) {
        const [frame] = device.receive(step.bytes)
        expect(frame?.command?.name).toBe(step.name)
      }
    }
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
