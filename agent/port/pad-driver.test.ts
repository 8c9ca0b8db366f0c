import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Completion, createPadCodec, type PadEvent, type PadOutput } from '#agent/pad/codec.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Expectation } from '#agent/pad/profile.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { createTestPort, NO_PAD_EVENTS } from '#test/helpers/pad-port.ts'
import { createPadDriver } from './pad-driver.ts'

const profiles = join(import.meta.dirname, '..', '..', 'device-profiles')
const HOUR_MS = 3_600_000

function drive(name: string) {
  const loaded = loadProfile(join(profiles, name))
  if (!loaded.ok) throw new Error(loaded.error.detail)
  const clock = createFakeClock()
  let seen: string[] = []
  let isArmed = false
  const answers: [string, string][] = []
  const driver = createPadDriver({
    clock,
    profile: loaded.value,
    createCodec: () => createPadCodec(loaded.value),
    port: createTestPort(clock, written),
    isArmed: () => isArmed,
    onReady: isProven => seen.push(isProven ? 'ready, answered' : 'ready'),
    onFault: fault => seen.push(fault),
    onAlive: () => seen.push('alive'),
    onListening: () => seen.push('listening'),
    onEvent: event => seen.push(event.kind === 'key' ? `key ${event.grade}` : event.kind),
    onHeld: isHeld => seen.push(isHeld ? 'held' : 'free'),
    onSeveral: () => seen.push('several'),
    onGarbage: (reason, bytes) => seen.push(`garbage ${bytes.length} ${reason}`),
    onCounted: what => seen.push(what),
  })

  function written(bytes: Uint8Array) {
    const hex = Buffer.from(bytes).toString('hex')
    seen.push(`> ${hex}`)
    const answer = answers.find(([question]) => hex.startsWith(question))?.[1]
    if (answer) clock.after(5, () => send(answer))
  }

  const send = (hex: string) => driver.bytesArrived(Buffer.from(hex.replaceAll(' ', ''), 'hex'))
  return {
    clock,
    driver,
    bytes: send,
    arm(isOpen = true) {
      isArmed = isOpen
    },
    /** From now on the pad sends this back 5 ms after what begins so; an empty answer is silence. */
    answer(question: string, reply: string) {
      answers.unshift([question.replaceAll(' ', '').toLowerCase(), reply])
    },
    /** What was seen since the last look. */
    look() {
      const all = seen
      seen = []
      return all
    },
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

const POLL = '01 02 00 00 00 05'
const LAMP_ON = '01 05 00 00 FF 00 8C 3A'
const LAMP_OFF = '01 05 00 00 00 00 CD CA'
const BUZZER_OFF = '01 05 00 01 00 00 9C 0A'
const NONE_DOWN = '01 02 01 00 A1 88'
const FIRST_DOWN = '01 02 01 01 60 48'

/** A module of five inputs that has been found and set up, all its keys up. */
function polled() {
  const one = drive('modbus-rtu-5-input')
  one.answer(POLL, NONE_DOWN)
  for (const command of [LAMP_ON, LAMP_OFF, BUZZER_OFF]) one.answer(command, command)
  one.driver.lineOpened()
  one.clock.advance(100)
  return one
}

describe('a pad that is polled', () => {
  test('is ready when it has answered, not when its line opens', () => {
    const { driver, clock, look, answer } = drive('modbus-rtu-5-input')
    driver.lineOpened()
    clock.advance(1_000)
    expect(look()).toEqual([expect.stringMatching(/^> 01020000/), 'pad-answers-missing', 'pad-silent'])
    answer(POLL, NONE_DOWN)
    for (const command of [LAMP_OFF, BUZZER_OFF]) answer(command, command)
    clock.advance(3_000)
    expect(look()).toContain('ready, answered')
  })

  test('a key that is down at the first answer is held, and no press', () => {
    const { driver, clock, look, answer } = drive('modbus-rtu-5-input')
    answer(POLL, FIRST_DOWN)
    for (const command of [LAMP_OFF, BUZZER_OFF]) answer(command, command)
    driver.lineOpened()
    clock.advance(2_000)
    const seen = look()
    expect(seen).toContain('held')
    expect(seen.some(one => one.startsWith('key'))).toBe(false)
    answer(POLL, NONE_DOWN)
    clock.advance(500)
    answer(POLL, FIRST_DOWN)
    clock.advance(500)
    expect(look().filter(one => !one.startsWith('>'))).toEqual(['free', 'key very-satisfied'])
  })

  test('is asked more often while a prompt is open', () => {
    const { clock, look, arm, driver } = polled()
    look()
    clock.advance(2_000)
    const idle = look().length
    arm()
    driver.show('ask')
    clock.advance(100)
    look()
    clock.advance(2_000)
    expect(look().length).toBeGreaterThan(3 * idle)
  })

  test('is asked at once when a prompt opens, not when its slow turn comes', () => {
    const { clock, look, arm, driver } = polled()
    look()
    while (!look().some(one => one.startsWith('> 0102'))) clock.advance(1)
    clock.advance(10)
    look()
    arm()
    driver.show('ask')
    clock.advance(60)
    expect(look().some(one => one.startsWith('> 0102'))).toBe(true)
  })

  test('an answer that is missing is counted, and after several in a row the pad is lost until it answers', () => {
    const { clock, look, answer } = polled()
    look()
    answer(POLL, '')
    clock.advance(420)
    expect(look().filter(one => !one.startsWith('>'))).toEqual(['pad-answers-missing'])
    clock.advance(2_000)
    expect(look()).toContain('pad-silent')
    clock.advance(30_000)
    expect(look().filter(one => one === 'pad-silent')).toEqual([])
    answer(POLL, NONE_DOWN)
    clock.advance(60_000)
    expect(look()).toContain('ready, answered')
  })

  test('a refusal is counted, and is an answer', () => {
    const { clock, look, answer } = polled()
    look()
    answer(POLL, '01 82 02 C1 61')
    clock.advance(2_000)
    const seen = look()
    expect(seen).toContain('pad-commands-refused')
    expect(seen).not.toContain('pad-silent')
  })
})

const VERSION = '5A A5 04 83 00 0F 01'
const VERSION_IS = '5A A5 06 83 00 0F 01 00 15'
const WRITTEN = '5A A5 03 82 4F 4B'

/** A screen that answers everything, set up. */
function screen() {
  const one = drive('dwin-dgus2')
  one.answer(VERSION, VERSION_IS)
  one.answer('5A A5 07 82', WRITTEN)
  one.answer('5A A5 05 82', WRITTEN)
  one.answer('5A A5 04 82', WRITTEN)
  one.driver.lineOpened()
  one.clock.advance(1_000)
  return one
}

describe('a pad that answers its commands', () => {
  test('gets the next one only when it has answered the one before', () => {
    const { look, clock, driver } = screen()
    expect(look().at(-1)).toBe('ready, answered')
    driver.show('ask')
    expect(look()).toEqual(['> 5aa5078200845a010001'])
    clock.advance(1_000)
    expect(look()).toEqual(['acknowledged', '> 5aa5058200a00019', 'acknowledged', 'listening'])
  })

  test('that does not come is repeated as often as the profile says, and counted; then the next is sent', () => {
    const { look, clock, driver, answer } = screen()
    look()
    answer('5A A5 07 82', '')
    driver.show('ask')
    clock.advance(1_499)
    expect(look().filter(one => one.startsWith('> 5aa507'))).toHaveLength(3)
    clock.advance(1_000)
    expect(look()).toEqual(['pad-answers-missing', '> 5aa5058200a00019', 'acknowledged', 'listening'])
  })

  test('a newer thing to show takes the place of one that is not answered', () => {
    const { look, clock, driver, answer } = screen()
    look()
    answer('5A A5 07 82 00 84 5A 01 00 01', '')
    driver.show('ask')
    clock.advance(100)
    driver.show('idle')
    clock.advance(2_000)
    const seen = look()
    expect(seen.filter(one => one === '> 5aa5078200845a010001')).toHaveLength(1)
    expect(seen).toContain('> 5aa5078200845a010000')
    expect(seen).not.toContain('listening')
  })

  test('is asked whether it lives when it has said nothing, and is lost when it does not answer', () => {
    const { look, clock, answer, bytes } = screen()
    look()
    clock.advance(50_000)
    bytes('5A A5 06 83 10 00 01 00 01')
    clock.advance(50_000)
    expect(look()).toEqual(['key very-satisfied'])
    clock.advance(10_100)
    expect(look()).toEqual([`> ${'5aa50483000f01'}`, 'status'])
    answer(VERSION, '')
    clock.advance(130_000)
    expect(look()).toContain('pad-silent')
  })
})

test('a pad that can be asked and that nobody presses is known to live, once an hour', () => {
  const { clock, look } = screen()
  clock.advance(HOUR_MS - 60_000)
  expect(look()).not.toContain('alive')
  clock.advance(120_000)
  expect(look().filter(one => one === 'alive')).toEqual(['alive'])
})

describe('a pad that shows who serves', () => {
  const NUMBER = '> 5aa50982204031303037ffff'
  const NO_NUMBER = '> 5aa505822040ffff'
  const ASK = ['> 5aa5078200845a010001', '> 5aa5058200a00019']

  /** The screen that accepts every write, asked by nobody yet. */
  function blank() {
    const one = screen()
    one.answer('5A A5 09 82', WRITTEN)
    one.arm()
    one.look()
    return one
  }

  function written(one: ReturnType<typeof drive>) {
    one.clock.advance(500)
    return one.look().filter(line => line.startsWith('>'))
  }

  test('gets the number before the question, and no name, which nobody knows', () => {
    const one = blank()
    one.driver.show('ask', '1007')
    expect(written(one)).toEqual([NUMBER, ...ASK])
  })

  test('is told nothing of a clerk where nobody knows one', () => {
    const one = blank()
    one.driver.show('ask')
    expect(written(one)).toEqual(ASK)
  })

  test('does not go on showing the clerk before, also when the line was lost meanwhile', () => {
    const one = blank()
    one.driver.show('ask', '1007')
    written(one)
    one.driver.lineLost()
    one.driver.lineOpened()
    one.clock.advance(2_000)
    one.look()
    one.driver.show('ask')
    expect(written(one)).toEqual([NO_NUMBER, ...ASK])
    one.driver.show('ask')
    expect(written(one)).toEqual(ASK)
  })

  test('shows no half of a number that does not fit', () => {
    const one = blank()
    one.driver.show('ask', '370100-0042-window-1007')
    expect(written(one)).toEqual([NO_NUMBER, ...ASK])
  })
})

describe('a pad that starts again', () => {
  const STATE = '73 65 6E 64 6D 65 FF FF FF'
  function tjc() {
    const one = drive('tjc-nextion')
    one.answer('FF FF FF', '')
    one.answer('62', '01 FF FF FF')
    one.answer('64', '01 FF FF FF')
    one.answer('70', '01 FF FF FF')
    one.answer(STATE, '66 00 FF FF FF')
    one.driver.lineOpened()
    one.clock.advance(2_000)
    return one
  }

  test('is set up anew, and shows nothing until then', () => {
    const { look, bytes, clock } = tjc()
    expect(look()).toContain('ready, answered')
    bytes('88 FF FF FF')
    expect(look().slice(0, 2)).toEqual(['pad-reboots', 'pad-rebooted'])
    clock.advance(2_000)
    expect(look()).toContain('ready, answered')
  })

  test('each time it is set up is not set up for ever', () => {
    const { look, clock, answer } = tjc()
    look()
    // It answers the last of its start-up commands, and starts again.
    answer('70', '01 FF FF FF 88 FF FF FF')
    answer('64', '01 FF FF FF 88 FF FF FF')
    answer(STATE, '66 00 FF FF FF 88 FF FF FF')
    clock.advance(600_000)
    const times = look().filter(one => one === 'pad-reboots').length
    expect(times).toBeGreaterThan(10)
    expect(times).toBeLessThan(80)
  })

  test('a key of it that is pressed and not let go is stuck, and free when it is', () => {
    const { look, bytes, clock } = tjc()
    look()
    bytes('65 00 01 01 FF FF FF')
    clock.advance(8_000)
    bytes('65 00 01 00 FF FF FF')
    expect(look().filter(one => !one.startsWith('>'))).toEqual(['key very-satisfied', 'held', 'free', 'released'])
  })
})

describe('what no shipped profile needs yet', () => {
  const expects: Expectation = {
    events: ['begun'],
    refusals: [],
    isEcho: false,
    withinMs: 100,
    retries: 0,
    onMissing: 'fault',
    resultWithinMs: 5_000,
  }

  /** A driver on a codec that gives out what the test says; its one command is `ask`. */
  function scripted() {
    const clock = createFakeClock()
    const seen: string[] = []
    let outputs: PadOutput[] = []
    const step = { name: 'ask', bytes: Uint8Array.of(1), waitAfterMs: 0, expects, values: {} }
    const loaded = loadProfile(join(profiles, 'generic-pj06'))
    if (!loaded.ok) throw new Error(loaded.error.detail)
    const driver = createPadDriver({
      ...NO_PAD_EVENTS,
      clock,
      profile: loaded.value,
      createCodec: () => ({
        receive: () => outputs,
        silence: () => [],
        silenceMs: 50,
        command: intent => (intent === 'ask' ? [step] : []),
        all: () => [step],
        single: () => step,
        sent() {},
        missed() {},
        keyEvent: raw => ({ kind: 'key-unmapped', raw }),
      }),
      port: createTestPort(clock, () => seen.push('> ask')),
      isArmed: () => true,
      onReady: () => seen.push('ready'),
      onFault: fault => seen.push(fault),
      onCounted: what => seen.push(what),
    })
    driver.lineOpened()
    seen.length = 0
    return {
      driver,
      clock,
      seen,
      come(event: PadEvent, completes?: Completion) {
        outputs = [{ kind: 'frame', bytes: Uint8Array.of(2), event, ...(completes && { completes }) }]
        driver.bytesArrived(Uint8Array.of(2))
      },
    }
  }
  const ANSWERED = { command: 'ask', how: 'answered' } as const

  test('a pad that has begun and sends no rating in its time is asked again', () => {
    const { driver, clock, seen, come } = scripted()
    driver.show('ask')
    come({ kind: 'accepted' }, ANSWERED)
    clock.advance(5_000)
    expect(seen).toEqual(['> ask', 'pad-results-missing', '> ask'])
  })

  test('with its rating it owes nothing any more', () => {
    const { driver, clock, seen, come } = scripted()
    driver.show('ask')
    come({ kind: 'accepted' }, ANSWERED)
    come({ kind: 'key', grade: 'satisfied', raw: 1 })
    clock.advance(60_000)
    expect(seen).toEqual(['> ask'])
  })

  test('a pad that gave up by itself while the prompt is open is asked again', () => {
    const { driver, seen, come } = scripted()
    driver.show('ask')
    come({ kind: 'accepted' }, ANSWERED)
    come({ kind: 'no-rating' })
    expect(seen).toEqual(['> ask', '> ask'])
  })

  test('a start that was asked for is no surprise', () => {
    const { driver, seen, come } = scripted()
    driver.show('ask')
    come({ kind: 'ready' }, ANSWERED)
    expect(seen).toEqual(['> ask'])
  })

  test('where the profile says so, one missing answer is a lost pad', () => {
    const { driver, clock, seen } = scripted()
    driver.show('ask')
    clock.advance(100)
    expect(seen).toEqual(['> ask', 'pad-answers-missing', 'pad-silent'])
    clock.advance(2_000)
    expect(seen.at(-1)).toBe('ready')
  })
})
