import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createPadCodec } from '#agent/pad/codec.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { SiteOverrides } from '#agent/pad/site-schema.ts'
import { createPadDriver, type PadDriver } from '#agent/port/pad-driver.ts'
import { toHex } from '#protocol/codec.ts'
import type { Grade } from '#protocol/grades.ts'
import { createTestDesk } from '#test/helpers/desk.ts'
import { createTestPort, NO_PAD_EVENTS } from '#test/helpers/pad-port.ts'
import { createDeviceModel, type DeviceFrame } from '#virtual-pad/device.ts'

const PROFILES = join(import.meta.dirname, '..', '..', 'device-profiles')

const STEP_MS = 50
const ANSWER_MS = 2
/** The undo window of 3 s and what the pad is told then. */
const UNTIL_IDLE_MS = 5_000

/** A window as the agent joins it, at a pad in software that answers; from one press to the end of its session. */
async function pressOnce(profile: Profile, grade: Grade) {
  const device = createDeviceModel(profile)
  const written: { afterMs: number; hex: string; shown: ReturnType<typeof device.shown> }[] = []
  let pressedMonoMs = 0
  let isKeyTold = false
  let driver: PadDriver | undefined
  const one = await createTestDesk({ onShow: (intent, _, clerk) => driver?.show(intent, clerk) })
  const window = one.desk.window('A01')
  driver = createPadDriver({
    ...NO_PAD_EVENTS,
    clock: one.clock,
    profile,
    createCodec: () => createPadCodec(profile),
    port: createTestPort(one.clock, bytes => {
      const frames = device.receive(bytes)
      written.push({ afterMs: one.clock.monoMs() - pressedMonoMs, hex: toHex(bytes), shown: device.shown() })
      for (const answer of outgoing(frames)) one.clock.after(ANSWER_MS, () => driver?.bytesArrived(answer))
    }),
    isArmed: () => one.desk.isArmed('A01'),
    onReady: () => window.padChanged('ready'),
    onEvent(event) {
      if (event.kind !== 'key') return
      isKeyTold = true
      window.pressed(event.grade)
    },
  })

  /** In small steps, so that what follows a timer is written at the time the timer gave. */
  async function pass(ms: number, until = () => false) {
    for (let passedMs = 0; passedMs < ms && !until(); passedMs += STEP_MS) {
      one.clock.advance(STEP_MS)
      for (const bytes of outgoing(device.due(one.clock.monoMs()))) driver?.bytesArrived(bytes)
      await new Promise(setImmediate)
    }
  }

  const ready = one.changed()
  driver.lineOpened()
  one.clock.advance(5_000)
  await ready
  await one.desk.prompt({ origin: 'panel', clerk: '1007' })
  await pass(5_000)

  written.length = 0
  pressedMonoMs = one.clock.monoMs()
  const pressed = device.press(grade, pressedMonoMs)
  if (!pressed.ok) throw new Error(pressed.error.detail)
  const rated = one.changed()
  const frame = outgoing(pressed.value)
  for (const bytes of frame) driver.bytesArrived(bytes)
  const answers = written.splice(0).map(({ hex }) => hex)
  // A polled pad tells when it is asked.
  await pass(1_000, () => isKeyTold)
  await rated
  await pass(UNTIL_IDLE_MS)
  expect(one.desk.isArmed('A01')).toBe(false)
  driver.stop()
  return { frame: frame.map(toHex), answers, written }
}

function outgoing(frames: readonly DeviceFrame[]): Uint8Array[] {
  return frames.filter(({ direction }) => direction === 'out').map(({ bytes }) => Uint8Array.from(bytes))
}

/** Every shipped pad that speaks in bytes, in each of its variants. Outputs have no keys; a board shows patterns. */
const pads = readdirSync(PROFILES, { withFileTypes: true })
  .filter(entry => entry.isDirectory())
  .flatMap(({ name }) => {
    const own = load(name)
    return [own, ...own.variants.map(({ name: variant }) => load(name, { variant }))]
  })
  .filter(({ kind }) => kind === 'pad')
  .map(profile => ({ name: [profile.id, profile.variant].filter(Boolean).join(' '), profile }))

function load(name: string, overrides: SiteOverrides = {}): Profile {
  const loaded = loadProfile(join(PROFILES, name), overrides)
  if (!loaded.ok) throw new Error(loaded.error.detail)
  return loaded.value
}

test('the walk is over all pads, not over a list that somebody forgets to lengthen', () => {
  expect(new Set(pads.map(({ profile }) => profile.id)).size).toBeGreaterThanOrEqual(6)
})

describe.each(pads)('$name', ({ profile }) => {
  const grades = createDeviceModel(profile).keys.map(({ grade }) => grade)

  let pressed: ReturnType<typeof pressEach> | undefined
  const pressEach = () => Promise.all(grades.map(grade => pressOnce(profile, grade)))

  test('after a press the pad gets the same bytes at the same time, shows and sounds the same, whatever was pressed', async () => {
    pressed ??= pressEach()
    const seen = await pressed
    expect(seen.length).toBeGreaterThanOrEqual(3)
    if (hasThanks(profile)) expect(seen[0]!.written.length).toBeGreaterThan(0)
    for (const { written } of seen) expect(written).toEqual(seen[0]!.written)
  })

  test('what a pad needs as an answer says nothing that its own frame did not say on the same line', async () => {
    pressed ??= pressEach()
    const seen = await pressed
    for (const { frame, answers } of seen) {
      expect(answers.map(hex => hex.length)).toEqual(seen[0]!.answers.map(hex => hex.length))
      // RS485 pads take their own frame, with another command, for the answer; others take none.
      for (const [i, answer] of answers.entries()) expect(differing(answer, frame[i]!)).toBeLessThanOrEqual(2)
    }
  })
})

function hasThanks({ intents, poll }: Profile): boolean {
  return intents.thank.length > 0 || poll !== null
}

/** In how many bytes two frames differ: the command, and the checksum that follows from it. */
function differing(a: string, b: string): number {
  const [left, right] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')]
  return Math.abs(left.length - right.length) + left.filter((byte, i) => i < right.length && byte !== right[i]).length
}
