import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPadCodec } from '#agent/pad/codec.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { createPadDriver, type PadDriver } from '#agent/port/pad-driver.ts'
import { toHex } from '#protocol/codec.ts'
import type { Grade } from '#protocol/grades.ts'
import { createTestDesk } from '#test/helpers/desk.ts'
import { createTestPort, NO_PAD_EVENTS } from '#test/helpers/pad-port.ts'
import { createDeviceModel } from '#virtual-pad/device.ts'

const PROFILES = join(import.meta.dirname, '..', '..', 'device-profiles')

const STEP_MS = 100
/** The undo window of 3 s and what the pad is told then. */
const UNTIL_IDLE_MS = 5_000

/** A window as the agent joins it, at a pad in software; from one press to the end of its session. */
async function pressOnce(profile: Profile, grade: Grade) {
  const device = createDeviceModel(profile)
  const written: { afterMs: number; hex: string; shown: ReturnType<typeof device.shown> }[] = []
  let pressedMonoMs = 0
  let driver: PadDriver | undefined
  const one = await createTestDesk({ onShow: intent => driver?.show(intent) })
  const window = one.desk.window('A01')
  driver = createPadDriver({
    ...NO_PAD_EVENTS,
    clock: one.clock,
    profile,
    createCodec: () => createPadCodec(profile),
    port: createTestPort(one.clock, bytes => {
      device.receive(bytes)
      written.push({ afterMs: one.clock.monoMs() - pressedMonoMs, hex: toHex(bytes), shown: device.shown() })
    }),
    isArmed: () => one.desk.isArmed('A01'),
    onReady: () => window.padChanged('ready'),
    onEvent: event => void (event.kind === 'key' && window.pressed(event.grade)),
  })
  const ready = one.changed()
  driver.lineOpened()
  one.clock.advance(5_000)
  await ready
  await one.desk.prompt({ origin: 'panel' })
  one.clock.advance(5_000)

  written.length = 0
  pressedMonoMs = one.clock.monoMs()
  const pressed = device.press(grade, pressedMonoMs)
  if (!pressed.ok) throw new Error(pressed.error.detail)
  const rated = one.changed()
  for (const { bytes } of pressed.value) driver.bytesArrived(Uint8Array.from(bytes))
  const answers = written.splice(0).map(({ hex }) => hex)
  await rated
  // In small steps, so that what follows a timer is written at the time the timer gave.
  for (let step = 0; step < UNTIL_IDLE_MS / STEP_MS; step++) {
    one.clock.advance(STEP_MS)
    await new Promise(setImmediate)
  }
  expect(one.desk.isArmed('A01')).toBe(false)
  driver.stop()
  return { frame: pressed.value.map(({ bytes }) => toHex(Uint8Array.from(bytes))), answers, written }
}

describe.each(['generic-pj06', 'generic-rs485-four-key'])('%s', name => {
  const loaded = loadProfile(join(PROFILES, name))
  if (!loaded.ok) throw new Error(loaded.error.detail)
  const profile = loaded.value
  const grades = createDeviceModel(profile).keys.map(({ grade }) => grade)

  test('after a press the pad gets the same bytes at the same time, shows and sounds the same, whatever was pressed', async () => {
    const seen = await Promise.all(grades.map(grade => pressOnce(profile, grade)))
    expect(seen[0]!.written.length).toBeGreaterThan(0)
    for (const { written } of seen) expect(written).toEqual(seen[0]!.written)
  })

  test('what a pad needs as an answer says nothing that its own frame did not say on the same line', async () => {
    const seen = await Promise.all(grades.map(grade => pressOnce(profile, grade)))
    for (const { frame, answers } of seen) {
      expect(answers.map(hex => hex.length)).toEqual(seen[0]!.answers.map(hex => hex.length))
      // RS485 pads take their own frame, with another command, for the answer; others take none.
      for (const [i, answer] of answers.entries()) expect(differing(answer, frame[i]!)).toBeLessThanOrEqual(2)
    }
  })
})

/** In how many bytes two frames differ: the command, and the checksum that follows from it. */
function differing(a: string, b: string): number {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')]
  return Math.abs(left.length - right.length) + left.filter((byte, i) => i < right.length && byte !== right[i]).length
}
