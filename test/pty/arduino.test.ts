import { join } from 'node:path'
import Board from 'johnny-five/lib/board.js'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { compileBoard, type Board as PadBoard } from '#agent/pad/board.ts'
import { shipped } from '#agent/pad/fixtures/profiles.ts'
import { createBoardDriver } from '#agent/port/board-driver.ts'
import type { PadDriver } from '#agent/port/pad-driver.ts'
import { createPadLine } from '#agent/port/pad-line.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { createPluggedUno, createRunningUno, type PluggedUno } from '#test/helpers/arduino/plugged-uno.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { startVirtualPad } from '#virtual-pad/main.ts'
import type { PadState } from '#virtual-pad/simulation.ts'

const LAMPS = [8, 9, 10, 11, 12]
const BUZZER = 7

/** Five keys at the pins 2 to 6, one lamp for each, a buzzer; quicker to settle than a real one needs. */
const board = compileBoard({
  firmware: 'standard-firmata',
  keys: { '2': '01', '3': '02', '4': '03', '5': '04', '6': '05' },
  grades: {
    '01': 'very-satisfied',
    '02': 'satisfied',
    '03': 'fairly-satisfied',
    '04': 'dissatisfied',
    '05': 'very-dissatisfied',
  },
  settle: '60ms',
  debounce: '15ms',
  lamps: LAMPS,
  buzzer: BUZZER,
  patterns: {
    ask: {
      meaning: { zh: '全部闪烁', en: 'all blink' },
      repeat: true,
      steps: [
        { lamps: LAMPS, for: '60ms' },
        { lamps: [], for: '60ms' },
      ],
    },
    thank: { meaning: { zh: '一声', en: 'a beep' }, steps: [{ lamps: [], buzzer: true, for: '60ms' }, { lamps: [] }] },
  },
})

/** A box's line on it, with everything that came of it. */
function box(path: string, ownBoard: PadBoard = board) {
  const said: string[] = []
  let wake = () => {}
  const tell = (what: string) => {
    said.push(what)
    wake()
  }
  let driver: PadDriver | undefined
  let tail: number[] = []
  /** The levels of the pins 0 to 6 that the board reported last. */
  let reported = 0
  function bytesArrived(bytes: Uint8Array) {
    driver!.bytesArrived(bytes)
    for (const byte of bytes) {
      tail = [...tail, byte].slice(-3)
      if (tail[0] === 0x90) reported = tail[1]!
    }
    wake()
  }
  const clock = createSystemClock()
  const line = createPadLine({
    clock,
    random: () => 0,
    settings: { path, baudRate: 57_600, dataBits: 8, parity: 'none', stopBits: 1 },
    gapMs: 0,
    pads: [
      place => {
        driver = createBoardDriver({
          clock,
          board: ownBoard,
          startUpMs: 0,
          stuckMs: 8_000,
          write: place.write,
          onReady: () => tell('ready'),
          onFault: tell,
          onAlive() {},
          onListening: () => tell('listening'),
          onEvent: event => tell(event.kind === 'key' ? event.grade : event.kind),
          onGarbage: (_, bytes) => tell(`garbage ${bytes.length}`),
          onCounted: tell,
          onHeld: isHeld => tell(isHeld ? 'held' : 'free'),
          onSeveral: () => tell('several'),
          onFailure(error) {
            throw error
          },
        })
        return { ...driver, bytesArrived }
      },
    ],
    onOpen: () => tell('open'),
    onLost: tell,
  })
  onTestFinished(() => line.close())
  return {
    line,
    show: (intent: 'ask' | 'thank' | 'idle') => driver!.show(intent),
    /** What was said until this came, `times` times; forgotten then. */
    async until(what: string, times = 1) {
      while (said.filter(one => one === what).length < times) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      return said.splice(0)
    },
    /** Lets a key go, until the box has heard of it and it has been up for as long as a contact may bounce. */
    async letGo(uno: PluggedUno, pin: number) {
      uno.keys([pin, false])
      while (!(reported & (1 << pin))) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
      // Made after the driver's own timer, so it fires after it.
      await new Promise<void>(resolve => void clock.after(board.debounceMs, resolve))
    },
  }
}

describe('an Arduino that is already running', () => {
  let uno: PluggedUno
  let link: string
  beforeAll(() => {
    uno = createRunningUno()
  })
  afterAll(() => uno.stop())
  beforeEach(() => {
    link = join(temporaryFolder(), 'arduino')
    for (const { pin } of board.keys) uno.keys([pin, false])
    uno.plug(link)
    onTestFinished(uno.unplug)
  })

  test('is ready without a single event, although it reports before its pull-ups hold', async () => {
    const one = box(link)
    expect(await one.until('ready')).toEqual(['open', 'ready'])
  })

  test('tells each key by its grade', async () => {
    const one = box(link)
    await one.until('ready')
    for (const [i, { meaning }] of board.keys.entries()) {
      uno.keys([2 + i, true])
      expect(await one.until(meaning)).toEqual([meaning])
      await one.letGo(uno, 2 + i)
    }
  })

  test('a contact that bounces is one press', async () => {
    const one = box(link)
    await one.until('ready')
    for (let i = 0; i < 10; i++) uno.keys([4, true, 1], [4, false, 1])
    uno.keys([4, true])
    await one.until('fairly-satisfied')
    for (let i = 0; i < 10; i++) uno.keys([4, false, 1], [4, true, 1])
    await one.letGo(uno, 4)
    one.show('ask')
    expect(await one.until('listening')).toEqual(['listening'])
  })

  test('two keys together are no rating', async () => {
    const one = box(link)
    await one.until('ready')
    uno.keys([2, true, 1], [6, true])
    expect(await one.until('several')).toEqual(['several'])
  })

  test('a key held down while it is plugged in is stuck, and no rating at any reconnect', async () => {
    uno.keys([6, true])
    const one = box(link)
    expect(await one.until('ready')).toEqual(['open', 'held', 'ready'])
    uno.unplug()
    await one.until('line-lost')
    uno.plug(link)
    expect(await one.until('ready')).toEqual(['open', 'held', 'ready'])
    await one.letGo(uno, 6)
    expect(await one.until('free')).toEqual(['free'])
    uno.keys([6, true])
    expect(await one.until('very-dissatisfied')).toEqual(['very-dissatisfied'])
  })

  test('its lamps and its buzzer do what the profile says, and end by themselves', async () => {
    const one = box(link)
    await one.until('ready')
    expect(uno.level(LAMPS[0]!)).toBe(0)
    one.show('ask')
    for (const lamp of LAMPS) await uno.untilLevel(lamp, 1)
    for (const lamp of LAMPS) await uno.untilLevel(lamp, 0)
    await uno.untilLevel(LAMPS[0]!, 1)
    one.show('thank')
    await uno.untilLevel(BUZZER, 1)
    await uno.untilLevel(BUZZER, 0)
    expect(uno.level(LAMPS[0]!)).toBe(0)
    one.show('idle')
  })

  test('a key still works while the lamps of its port change', async () => {
    const one = box(link)
    await one.until('ready')
    uno.keys([2, true])
    await one.until('very-satisfied')
    one.show('thank')
    await uno.untilLevel(BUZZER, 1)
    await one.letGo(uno, 2)
    await uno.untilLevel(BUZZER, 0)
    uno.keys([3, true])
    await one.until('satisfied')
  })

  test('a cable that flaps leaves nothing behind, and no press', async () => {
    const one = box(link)
    await one.until('ready')
    for (let round = 0; round < 3; round++) {
      uno.unplug()
      await one.until('line-lost')
      uno.plug(link)
      expect(await one.until('ready')).toEqual(['open', 'ready'])
    }
    expect(Board.cache).toHaveLength(1)
    await one.line.close()
    expect(Board.cache).toHaveLength(0)
  })

  test('a reset in the middle of work is noticed, and it is set up again', async () => {
    const one = box(link)
    await one.until('ready')
    uno.reset()
    expect(await one.until('ready')).toEqual(['pad-reboots', 'pad-rebooted', 'ready'])
    uno.keys([3, true])
    expect(await one.until('satisfied')).toEqual(['satisfied'])
  })
})

test('an Arduino that starts when its port is opened is waited for', async () => {
  const link = join(temporaryFolder(), 'arduino')
  const uno = createPluggedUno()
  onTestFinished(uno.stop)
  uno.plug(link)
  const one = box(link)
  await one.until('open')
  uno.reset()
  // Where the machine is so busy that its two seconds take ten, it is told to be silent meanwhile.
  expect((await one.until('ready')).filter(what => what !== 'pad-silent')).toEqual(['ready'])
  uno.keys([2, true])
  expect(await one.until('very-satisfied')).toEqual(['very-satisfied'])
})

async function* statesOf(events: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let text = ''
  for await (const chunk of events.pipeThrough(new TextDecoderStream())) {
    text += chunk
    const whole = text.split('\n\n')
    text = whole.pop()!
    for (const event of whole) yield JSON.parse(event.slice(event.indexOf('data: ') + 6)) as PadState
  }
}

describe('`pad simulate arduino-firmata-five`', () => {
  async function plugged() {
    const link = join(temporaryFolder(), 'arduino')
    const started = await startVirtualPad({
      profile: 'arduino-firmata-five',
      link,
      host: '127.0.0.1',
      port: 0,
      lineEchoes: false,
      seed: 1,
    })
    if (!started.ok) throw new Error(started.error.detail)
    const { close, url } = started.value
    onTestFinished(close)
    const one = box(link, shipped('arduino-firmata-five').board!)
    await one.until('ready')
    const state = async () => (await (await fetch(`${url}/v1/state`)).json()) as PadState
    return {
      one,
      state,
      async act(what: string, body: object) {
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`${url}/v1/${what}`, { method: 'POST', headers, body: JSON.stringify(body) })
        expect(answer.status).toBe(200)
      },
      async follow() {
        const events = await fetch(`${url}/v1/events`)
        const states = statesOf(events.body!)
        return async (isSo: (state: PadState) => boolean) => {
          while (true) {
            const { value, done } = await states.next()
            if (done) throw new Error('the events ended')
            if (isSo(value)) return value
          }
        }
      },
    }
  }

  test('shows the lamps and the buzzer that the box has its firmware switch, and sends its keys', async () => {
    const { act, follow, one, state } = await plugged()
    const untilState = await follow()
    expect((await state()).lamps.map(({ lit }) => lit)).toEqual([false, false, false, false, false])
    one.show('ask')
    const called = await untilState(({ shown }) => shown.sound === 'beep')
    expect(called.lamps[0]).toEqual({ pin: 7, lit: true, grade: 'very-satisfied' })
    const asked = await untilState(({ lamps }) => lamps.every(({ lit }) => lit))
    expect(asked.shown).toMatchObject({ lamp: 'on', sound: 'silent' })
    expect(asked.commands.at(-1)?.meaning.en).toBe('lamps lit at pins 7, 8, 9, 10, 11')
    for (const grade of ['satisfied', 'very-dissatisfied']) {
      await act('press', { grade })
      expect((await one.until(grade)).filter(what => what !== 'listening')).toEqual([grade])
    }
    const { frames } = await state()
    expect(frames.filter(({ meaning }) => meaning.en === 'not understood')).toEqual([])
    expect(frames).toContainEqual(expect.objectContaining({ direction: 'in' }))
    expect(frames.at(-1)?.direction).toBe('out')
  })

  test('is dark without its cable, and starts again with it', async () => {
    const { act, follow, one, state } = await plugged()
    const untilState = await follow()
    one.show('ask')
    await untilState(({ lamps }) => lamps.every(({ lit }) => lit))
    await act('plug', { plugged: false })
    await one.until('line-lost')
    expect((await state()).shown.lamp).toBe('off')
    await act('plug', { plugged: true })
    await one.until('ready')
    await act('hold', { grade: 'dissatisfied' })
    expect(await one.until('dissatisfied')).toEqual(['dissatisfied'])
    expect(await state()).toMatchObject({ held: 'dissatisfied' })
    await act('release', {})
    expect(await state()).toMatchObject({ held: null })
  })
})
