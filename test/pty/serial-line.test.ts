import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createSerialLine, type LineFault } from '#agent/port/serial-line.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { temporaryFolder } from '#test/helpers/temporary-folder.ts'
import { openPtyLine } from '#virtual-pad/pty.ts'

/** A real device of the kernel with a box's line on it, and everything the line said. */
function plug(path: string) {
  const events: (string | LineFault)[] = []
  let wake = () => {}
  const line = createSerialLine({
    clock: createSystemClock(),
    random: () => 0,
    settings: { path, baudRate: 9600, dataBits: 8, parity: 'none', stopBits: 1 },
    onOpen: () => tell('open'),
    onBytes: bytes => tell(Buffer.from(bytes).toString('hex')),
    onLost: tell,
  })
  function tell(event: string) {
    events.push(event)
    wake()
  }
  onTestFinished(() => line.close())
  return {
    line,
    events,
    async until(event: string, times = 1) {
      while (events.filter(one => one === event).length < times) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
  }
}

function pad(link: string) {
  const received: string[] = []
  let wake = () => {}
  const opened = openPtyLine({
    link,
    onBytes(bytes) {
      received.push(Buffer.from(bytes).toString('hex'))
      wake()
    },
  })
  if (!opened.ok) throw new Error(opened.error.detail)
  onTestFinished(opened.value.unplug)
  return {
    ...opened.value,
    all: () => received.join(''),
    async received(hex: string) {
      while (!received.join('').includes(hex)) {
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
  }
}

describe('a serial line of the kernel', () => {
  test('carries bytes both ways', async () => {
    const link = join(temporaryFolder(), 'pad0')
    const device = pad(link)
    const box = plug(link)
    await box.until('open')
    device.write(Buffer.from('ff68', 'hex'))
    await box.until('ff68')
    expect(box.line.write(Buffer.from('55aa', 'hex'))).toBe(true)
    await device.received('55aa')
  })

  test('an unplugged pad is noticed, and the line opens again under the same name when it returns', async () => {
    const link = join(temporaryFolder(), 'pad0')
    const first = pad(link)
    const box = plug(link)
    await box.until('open')
    first.unplug()
    await box.until('line-lost')
    expect(box.line.write(Buffer.from([1]))).toBe(false)
    const second = pad(link)
    await box.until('open', 2)
    second.write(Buffer.from('0a', 'hex'))
    await box.until('0a')
  })

  // serialport/bindings-cpp issue 162: the library spins on such a line for ever and never says that it is gone.
  test('a line that is hung up the moment it was opened is noticed, every time', async () => {
    for (let round = 0; round < 40; round++) {
      const link = join(temporaryFolder(), 'pad0')
      const device = pad(link)
      const box = plug(link)
      await box.until('open')
      device.unplug()
      await box.until('line-lost')
      await box.line.close()
    }
  })

  test('what was written while it was away is never delivered later', async () => {
    const link = join(temporaryFolder(), 'pad0')
    const first = pad(link)
    const box = plug(link)
    await box.until('open')
    first.unplug()
    box.line.write(Buffer.from('dead', 'hex'))
    await box.until('line-lost')
    const second = pad(link)
    await box.until('open', 2)
    box.line.write(Buffer.from('beef', 'hex'))
    await second.received('beef')
    expect(second.all()).toBe('beef')
  })

  test('a port that is missing is named so, once, and waited for', async () => {
    const link = join(temporaryFolder(), 'pad0')
    const box = plug(link)
    await box.until('port-missing')
    pad(link)
    await box.until('open')
    expect(box.events).toEqual(['port-missing', 'open'])
  })

  test('a port that another program has locked is named so', async () => {
    const link = join(temporaryFolder(), 'pad0')
    pad(link)
    const first = plug(link)
    await first.until('open')
    const second = plug(link)
    await second.until('port-busy')
    await first.line.close()
    await second.until('open')
  })

  test.each([
    ['a folder', (path: string) => mkdirSync(path)],
    ['a file', (path: string) => writeFileSync(path, 'no line')],
  ])('%s is not a serial device', async (_, make) => {
    const path = join(temporaryFolder(), 'pad0')
    make(path)
    await plug(path).until('port-not-serial')
  })
})
