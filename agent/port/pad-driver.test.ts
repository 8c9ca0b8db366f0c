import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPadCodec } from '#agent/pad/codec.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createTestPort, NO_PAD_EVENTS } from '#test/helpers/pad-port.ts'
import { createPadDriver } from './pad-driver.ts'

const profiles = join(import.meta.dirname, '..', '..', 'device-profiles')

function drive(name: string) {
  const loaded = loadProfile(join(profiles, name))
  if (!loaded.ok) throw new Error(loaded.error.detail)
  const clock = createFakeClock()
  const seen: string[] = []
  let isArmed = false
  const driver = createPadDriver({
    ...NO_PAD_EVENTS,
    clock,
    profile: loaded.value,
    createCodec: () => createPadCodec(loaded.value),
    port: createTestPort(clock, bytes => seen.push(`> ${Buffer.from(bytes).toString('hex')}`)),
    isArmed: () => isArmed,
    onReady: () => seen.push('ready'),
    onListening: () => seen.push('listening'),
    onEvent: event => seen.push(event.kind === 'key' ? `key ${event.grade}` : event.kind),
    onGarbage: (reason, bytes) => seen.push(`garbage ${bytes.length} ${reason}`),
  })
  return {
    clock,
    driver,
    bytes: (hex: string) => driver.bytesArrived(Buffer.from(hex.replaceAll(' ', ''), 'hex')),
    arm: () => {
      isArmed = true
    },
    /** What was seen since the last look. */
    look: () => seen.splice(0),
  }
}

describe('driving a pad', () => {
  test('is ready only after its start-up commands and their waits', () => {
    const { driver, clock, look } = drive('generic-pj06')
    driver.lineOpened()
    expect(look()).toEqual(['> 55aa03133c001a'])
    clock.advance(1_000)
    expect(look()).toEqual(['> 55aa0215051a', 'ready'])
  })

  test('a bare byte is believed only while a prompt is open and the pad has had its time', () => {
    const { driver, clock, look, bytes, arm } = drive('generic-pj06')
    driver.lineOpened()
    clock.advance(1_000)
    look()
    bytes('02')
    expect(look()).toEqual(['garbage 1 unsolicited'])
    arm()
    driver.show('ask')
    bytes('03')
    expect(look()).toEqual(['> 55aa0220001a', 'garbage 1 unsolicited'])
    clock.advance(500)
    bytes('02')
    expect(look()).toEqual(['listening', 'key satisfied'])
  })

  test('a pad that needs an answer gets it before anything else, and for each repeat', () => {
    const { driver, clock, look, bytes, arm } = drive('generic-rs485-four-key')
    driver.lineOpened()
    clock.advance(5_000)
    arm()
    look()
    bytes('FF 68 03 03 68 01 11 03 15 16')
    bytes('FF 68 03 03 68 01 11 03 15 16')
    const answer = '> ff6803036801010305' + '16'
    expect(look()).toEqual([answer, 'key very-satisfied', answer, 'key very-satisfied'])
  })

  test('half a frame is ended by silence, and does not outlive the line', () => {
    const { driver, clock, look, bytes } = drive('generic-rs485-four-key')
    driver.lineOpened()
    clock.advance(5_000)
    look()
    bytes('FF 68 03')
    expect(look()).toEqual([])
    clock.advance(1_000)
    const ended = look()
    expect(ended.length).toBeGreaterThan(0)
    expect(ended.every(line => line.startsWith('garbage'))).toBe(true)
    bytes('FF 68 03')
    driver.lineLost()
    driver.lineOpened()
    clock.advance(5_000)
    look()
    bytes('03 68 01 11 03 15 16')
    clock.advance(1_000)
    expect(look().some(line => line.startsWith('key'))).toBe(false)
  })

  test('a pad that shows its idle picture already is not told again', () => {
    const { driver, clock, look } = drive('generic-pj06')
    driver.lineOpened()
    clock.advance(1_000)
    look()
    driver.show('ask')
    clock.advance(500)
    driver.show('thank')
    driver.show('idle')
    expect(look()).toEqual(['> 55aa0220001a', 'listening', '> 55aa021f001a'])
  })

  test('before the pad is ready nothing is shown, and a newer thing replaces a waiting one', () => {
    const { driver, clock, look } = drive('generic-pj06')
    driver.lineOpened()
    look()
    driver.show('ask')
    expect(look()).toEqual([])
    clock.advance(1_000)
    look()
    driver.show('ask')
    driver.show('idle')
    clock.advance(10_000)
    expect(look()).toEqual(['> 55aa0220001a', '> 55aa021f001a'])
  })
})
