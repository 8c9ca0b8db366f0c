import { rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { drivePads } from '#agent/drive-pads.ts'
import { createCounters } from '#agent/health/counters.ts'
import type { Journal } from '#agent/journal/journal.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { linesRead } from '#agent/port/lines-read.ts'
import type { ConfiguredPad, ConfiguredWindow } from '#agent/windows.ts'
import type { Grade } from '#protocol/grades.ts'
import { ok } from '#protocol/result.ts'
import { lineWriter } from '#test/helpers/collector.ts'
import { createTestDesk } from '#test/helpers/desk.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { createDeviceModel, type DeviceModel } from '#virtual-pad/device.ts'
import { openPtyLine } from '#virtual-pad/pty.ts'

const PROFILES = join(import.meta.dirname, '..', '..', 'device-profiles')

function profileOf(name: string, site: object = {}): Profile {
  const loaded = loadProfile(join(PROFILES, name), site)
  if (!loaded.ok) throw new Error(loaded.error.detail)
  return loaded.value
}

function padAt(path: string, profile: Profile): ConfiguredPad {
  return { profile, port: { kind: 'path', path } }
}

/** Pads of the kernel behind one line, all of which hear everything. */
function plug(link: string, devices: DeviceModel[]) {
  let heard = Buffer.alloc(0)
  let wake = () => {}
  const line = openPtyLine({
    link,
    onBytes(bytes) {
      heard = Buffer.concat([heard, bytes])
      for (const device of devices) {
        for (const frame of device.receive(bytes)) if (frame.direction === 'out') send(Uint8Array.from(frame.bytes))
      }
      wake()
    },
  })
  if (!line.ok) throw new Error(line.error.detail)
  const { unplug, write: send } = line.value
  onTestFinished(unplug)
  return {
    unplug,
    send,
    press(device: number, grade: Grade) {
      const pressed = devices[device]!.press(grade, 0)
      if (!pressed.ok) throw new Error(pressed.error.detail)
      for (const { bytes } of pressed.value) send(Uint8Array.from(bytes))
    },
    async until(isSo: (heard: Buffer) => boolean) {
      while (!isSo(heard)) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
  }
}

/** The windows with their pads, as the agent joins them; time moves only when told. */
async function drive(windows: ConfiguredWindow[]) {
  let beforeShown = () => {}
  const waiting: (() => void)[] = []
  const wake = () => {
    for (const resolve of waiting.splice(0)) resolve()
  }
  const test = await createTestDesk({
    windows: windows.map(({ window }) => window),
    onShow(intent, window, clerk) {
      beforeShown()
      driven?.show(window, intent, clerk)
    },
    onChange: wake,
    linesRead,
  })
  const lines: string[] = []
  const counters = createCounters()
  const driven = drivePads(windows, {
    clock: test.clock,
    desk: test.desk,
    counters,
    log: pino({ level: 'trace' }, lineWriter(lines, wake)),
    onPad: wake,
    onListening: wake,
    onFailure(error) {
      throw error
    },
  })
  onTestFinished(driven.close)
  const stateOf = (window: string) => test.desk.windows().find(one => one.window === window)!
  return {
    ...test,
    driven,
    lines,
    counters,
    stateOf,
    /** Runs once, when a prompt is on disk and the pad is about to ask. */
    beforeShown(run: () => void) {
      beforeShown = () => {
        beforeShown = () => {}
        run()
      }
    },
    async until(isSo: () => boolean) {
      while (!isSo()) await new Promise<void>(resolve => waiting.push(resolve))
    },
    /** From now on time goes by itself, for pads that want a pause after each of their answers. */
    run() {
      const timer = setInterval(() => test.clock.advance(1), 1)
      onTestFinished(() => clearInterval(timer))
    },
    ready: (window: string) => stateOf(window).pad.state === 'ready',
  }
}

const window = (name: string, pad: ConfiguredPad, outputs: ConfiguredPad[] = []): ConfiguredWindow => ({
  window: name,
  profile: pad.profile.id,
  pad: ok(pad),
  outputs: outputs.map(output => ({ profile: output.profile.id, pad: ok(output) })),
})

/** Two pads behind one line, each with its window, plugged in and ready. */
async function twoOnABus() {
  const link = join(temporaryFolder(), 'bus')
  const profiles = [profileOf('generic-rs485-four-key'), profileOf('generic-rs485-four-key', { address: 2 })]
  const devices = profiles.map(profile => createDeviceModel(profile))
  let one: Awaited<ReturnType<typeof drive>> | undefined
  async function plugIn() {
    const bus = plug(link, devices)
    one ??= await drive(profiles.map((profile, i) => window(`A0${i + 1}`, padAt(link, profile))))
    // The first rests 100 ms after its first command, the second too.
    await bus.until(heard => heard.includes(Buffer.from('ff680303680202', 'hex')))
    one.clock.advance(200)
    await one.until(() => one!.ready('A01') && one!.ready('A02'))
    return bus
  }
  const bus = await plugIn()
  return { bus, devices, one: one!, plugIn }
}

describe('two pads of one line', () => {
  test('each belong to their window: a press, a prompt and the answer to a key', async () => {
    const { bus, devices, one } = await twoOnABus()
    await one.desk.prompt({ window: 'A02', origin: 'panel' })
    await bus.until(() => devices[1]!.shown().lamp === 'on')
    expect(devices[0]!.shown().lamp).toBe('off')
    bus.press(1, 'satisfied')
    await one.until(() => one.stateOf('A02').session.state === 'thanked')
    expect(one.stateOf('A01').session.state).toBe('idle')
    expect(one.stateOf('A01').today.rated).toBe(0)
    // It was answered, or it would send its key again.
    await bus.until(() => devices[1]!.dueMonoMs() === null)
  })

  test('share its noise, which is counted once', async () => {
    const { bus, one } = await twoOnABus()
    await one.desk.prompt({ window: 'A02', origin: 'panel' })
    bus.send(Uint8Array.of(1, 2, 3))
    bus.press(1, 'satisfied')
    await one.until(() => one.stateOf('A02').session.state === 'thanked')
    expect(one.counters.all()['garbage-no-start']).toBe(3)
  })

  test('are lost together and come back together', async () => {
    const { bus, one, plugIn } = await twoOnABus()
    bus.unplug()
    await one.until(() => !one.ready('A01') && !one.ready('A02'))
    await plugIn()
  })
})

describe('an adapter that comes back under another name', () => {
  test('is found by the name of its socket the moment it is there, and nothing was polled', async () => {
    const profile = profileOf('generic-pj06')
    const folder = temporaryFolder()
    const socket = join(folder, 'by-path')
    const first = plug(join(folder, 'ttyUSB0'), [createDeviceModel(profile)])
    symlinkSync(join(folder, 'ttyUSB0'), socket)
    const one = await drive([window('A01', padAt(socket, profile))])
    await first.until(heard => heard.length > 0)
    one.clock.advance(1_000)
    await one.until(() => one.ready('A01'))
    first.unplug()
    rmSync(socket)
    await one.until(() => !one.ready('A01'))
    const second = plug(join(folder, 'ttyUSB1'), [createDeviceModel(profile)])
    symlinkSync(join(folder, 'ttyUSB1'), socket)
    // Time stands still: no retry of its own can have come due.
    await second.until(heard => heard.length > 0)
    one.clock.advance(1_000)
    await one.until(() => one.ready('A01'))
  })
})

describe('who serves', () => {
  test('is shown before the question, and again when the screen comes back while the prompt is open', async () => {
    const profile = profileOf('dwin-dgus2')
    const link = join(temporaryFolder(), 'screen')
    const isAsked = (heard: Buffer) => {
      const number = heard.indexOf(Buffer.from('2040313030', 'hex'))
      return number >= 0 && heard.indexOf(Buffer.from('00845a010001', 'hex')) > number
    }
    const first = plug(link, [createDeviceModel(profile)])
    const one = await drive([window('A01', padAt(link, profile))])
    one.run()
    await one.until(() => one.ready('A01'))
    await one.desk.prompt({ origin: 'panel', clerk: '1007' })
    await first.until(isAsked)
    first.unplug()
    await one.until(() => !one.ready('A01'))
    const second = plug(link, [createDeviceModel(profile)])
    await second.until(isAsked)
    expect(one.lines.join()).not.toContain('1007')
  })
})

describe('an output beside a pad', () => {
  const pad = profileOf('generic-pj06')
  const voice = profileOf('syn6288')

  test('that is not there never stops the pad', async () => {
    const folder = temporaryFolder()
    const device = plug(join(folder, 'pad'), [createDeviceModel(pad)])
    const one = await drive([window('A01', padAt(join(folder, 'pad'), pad), [padAt(join(folder, 'voice'), voice)])])
    await device.until(heard => heard.length > 0)
    one.clock.advance(1_000)
    await one.until(() => one.ready('A01'))
    await one.desk.prompt({ origin: 'panel' })
    await device.until(heard => heard.includes(Buffer.from('55aa0220001a', 'hex')))
    one.clock.advance(500)
    device.press(0, 'satisfied')
    await one.until(() => one.stateOf('A01').session.state === 'thanked')
    expect(one.driven.isListening('A01')).toBe(true)
    expect(one.pads()).toEqual(['A01 ready not-askable'])
  })

  test('says what the pad asks, also when it is plugged in while the prompt is open', async () => {
    const folder = temporaryFolder()
    const device = plug(join(folder, 'pad'), [createDeviceModel(pad)])
    const one = await drive([window('A01', padAt(join(folder, 'pad'), pad), [padAt(join(folder, 'voice'), voice)])])
    await device.until(heard => heard.length > 0)
    one.clock.advance(1_000)
    await one.until(() => one.ready('A01'))
    await one.desk.prompt({ origin: 'panel' })
    const module = plug(join(folder, 'voice'), [])
    // It has its time to start, and is asked for its state: idle.
    await one.until(() => one.lines.filter(line => line.includes('line-open')).length === 2)
    one.clock.advance(voice.opening.startUpMs)
    await module.until(heard => heard.length > 0)
    module.send(Uint8Array.of(0x4f))
    await one.until(() => one.lines.some(line => line.includes('output-ready')))
    one.clock.advance(500)
    await module.until(heard => heard.includes(Buffer.from('c7ebc4fac6c0bcdb', 'hex')))
  })
})

describe('a press that waits to be read, as after the box was held up', () => {
  /** The process does nothing while the kernel brings the bytes to the line's end. */
  const holdUp = () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)

  const endsOf = (journal: Journal) =>
    [...journal.newestFirst()].reverse().flatMap(({ kind, body }) => (kind === 'outcome' ? [body.outcome] : [kind]))

  test('made while a prompt was open counts, though its time limit is seen first', async () => {
    const { bus, one } = await twoOnABus()
    await one.desk.prompt({ window: 'A01', origin: 'panel' })
    bus.press(0, 'dissatisfied')
    holdUp()
    one.clock.advance(60_000)
    await one.until(() => one.stateOf('A01').session.state !== 'waiting')
    expect(endsOf(one.journal).slice(-2)).toEqual(['prompt', 'rating'])
  })

  test('belongs to the prompt it was made in, though the next one is asked for first', async () => {
    const { bus, one } = await twoOnABus()
    const first = await one.desk.prompt({ window: 'A01', origin: 'panel' })
    bus.press(0, 'dissatisfied')
    holdUp()
    const second = await one.desk.prompt({ window: 'A01', origin: 'panel' })
    if (!first.ok || !second.ok) throw new Error('not asked')
    expect(one.desk.find(first.value.prompt.id)).toMatchObject({ outcome: 'rated' })
    expect(one.stateOf('A01').session).toMatchObject({ state: 'waiting', prompt: second.value.prompt.id })
  })

  test('made when nobody was asked answers no later question', async () => {
    const { bus, one } = await twoOnABus()
    bus.press(0, 'dissatisfied')
    holdUp()
    await one.desk.prompt({ window: 'A01', origin: 'panel' })
    expect(one.ignored).toEqual(['press-without-prompt'])
    expect(one.stateOf('A01').session.state).toBe('waiting')
  })

  test('made while a prompt was being written, before the pad asked, is no answer to it', async () => {
    const { bus, one } = await twoOnABus()
    one.beforeShown(() => {
      bus.press(0, 'dissatisfied')
      holdUp()
    })
    await one.desk.prompt({ window: 'A01', origin: 'panel' })
    expect(one.ignored).toEqual(['press-without-prompt'])
    expect(one.stateOf('A01').session.state).toBe('waiting')
  })
})
