import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { SerialPortStream } from '@serialport/stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { formatBytes } from '#agent/pad/bytes.ts'
import { createPadCodec, type PadOutput } from '#agent/pad/codec.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { serialBinding } from '#agent/port/serial-binding.ts'
import type { ControlsState } from './controls.ts'
import { startVirtualPad, type VirtualPad } from './main.ts'
import { profileFolder } from './profile-folder.ts'
import type { PadState } from './simulation.ts'

type PadPageState = PadState & { controls: ControlsState }

let dir: string
let link: string
const closing: (() => unknown)[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'virtual-pad-'))
  link = join(dir, 'pad0')
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  rmSync(dir, { recursive: true })
})

async function start(
  profile = 'generic-pj06',
  more: { address?: number; controls?: string; lineEchoes?: boolean } = {},
) {
  const started = await startVirtualPad({
    profile,
    link,
    host: '127.0.0.1',
    port: 0,
    lineEchoes: false,
    seed: 1,
    ...more,
  })
  if (!started.ok) throw new Error(started.error.detail)
  closing.push(started.value.close)
  return started.value
}

function loaded(name: string): Profile {
  const result = loadProfile(profileFolder(name))
  if (!result.ok) throw new Error(result.error.detail)
  return result.value
}

/** The box's side: the real serial library, opened as a USB adapter would be. */
async function openHost(path: string) {
  const port = new SerialPortStream({ binding: serialBinding, path, baudRate: 19_200, autoOpen: false })
  const heard: number[] = []
  let tell = () => {}
  port.on('data', (bytes: Buffer) => {
    heard.push(...bytes)
    tell()
  })
  await new Promise<void>((resolve, reject) => port.open(error => (error ? reject(error) : resolve())))
  closing.push(async () => {
    if (!port.isOpen) return
    const closed = once(port, 'close')
    port.close()
    await closed
  })
  return {
    port,
    heard,
    async hears(count: number) {
      while (heard.length < count) await new Promise<void>(resolve => (tell = resolve))
      return formatBytes(heard)
    },
  }
}

const get = async (pad: VirtualPad) => (await (await fetch(`${pad.url}/v1/state`)).json()) as PadPageState
const post = (pad: VirtualPad, path: string, body: unknown) =>
  fetch(`${pad.url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'accept-language': 'en' },
    body: JSON.stringify(body),
  })

/** Follows the pad's events until its state is as wished. */
async function untilState(pad: VirtualPad, isWished: (state: PadPageState) => boolean) {
  const following = new AbortController()
  const response = await fetch(`${pad.url}/v1/events`, { signal: following.signal })
  let text = ''
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const events = text.split('\n\n')
      text = events.pop()!
      for (const event of events) {
        const state = JSON.parse(event.slice(event.indexOf('data: ') + 6)) as PadPageState
        if (event.startsWith('event: state\n') && isWished(state)) return state
      }
    }
    throw new Error('the events ended')
  } finally {
    following.abort()
  }
}

describe('over a serial device of the kernel', () => {
  test('a prompt is shown and a press is heard', async () => {
    const pad = await start()
    const host = await openHost(pad.devicePath)
    const codec = createPadCodec(loaded('generic-pj06'))
    const [ask] = codec.command('ask')
    host.port.write(ask!.bytes)
    const state = await untilState(pad, ({ shown }) => shown.lamp === 'blinking')
    expect(state.commands).toMatchObject([{ name: 'please-rate', meaning: { zh: '请评价' } }])
    expect((await post(pad, 'press', { grade: 'satisfied' })).status).toBe(200)
    expect(await host.hears(1)).toBe('02')
    const { frames } = await get(pad)
    expect(frames).toMatchObject([
      { direction: 'in', hex: '55 AA 02 20 00 1A' },
      { direction: 'out', hex: '02', meaning: { en: 'key: Satisfied' } },
    ])
  })

  test('an unanswered key is repeated until the answer comes', async () => {
    const pad = await start('generic-rs485-four-key', { address: 5 })
    const host = await openHost(pad.devicePath)
    const codec = createPadCodec(loaded('generic-rs485-four-key'), { address: 5 })
    await post(pad, 'press', { grade: 'very-satisfied' })
    await host.hears(20)
    const outputs: PadOutput[] = codec.receive(Uint8Array.from(host.heard), true)
    expect(outputs).toHaveLength(2)
    const [first] = outputs
    host.port.write(first?.kind === 'frame' ? first.answer! : new Uint8Array())
    const { frames } = await untilState(pad, state => state.frames.at(-1)?.direction === 'in')
    expect(frames.at(-1)?.meaning.en).toBe('answer to the key')
  })

  test('a pulled plug is noticed, and the same path opens again', async () => {
    const pad = await start()
    const host = await openHost(link)
    const lost = once(host.port, 'close')
    expect((await post(pad, 'plug', { plugged: false })).status).toBe(200)
    const [error] = (await lost) as [{ disconnected?: boolean }]
    expect(error.disconnected).toBe(true)
    expect(existsSync(link)).toBe(false)
    expect((await post(pad, 'press', { grade: 'satisfied' })).status).toBe(409)
    expect(await get(pad)).toMatchObject({ plugged: false, devicePath: link })

    await post(pad, 'plug', { plugged: true })
    const again = await openHost(link)
    await post(pad, 'press', { grade: 'very-dissatisfied' })
    expect(await again.hears(1)).toBe('05')
  })

  test('plugging in and out leaves nothing open', async () => {
    const pad = await start()
    const terminals = () =>
      readdirSync('/proc/self/fd').filter(
        // The descriptor of this very listing is gone by now.
        fd => existsSync(`/proc/self/fd/${fd}`) && readlinkSync(`/proc/self/fd/${fd}`).startsWith('/dev/pts/'),
      ).length
    const before = terminals()
    for (const plugged of [false, true, false, true]) await post(pad, 'plug', { plugged })
    expect(terminals()).toBe(before)
  })

  test('a polled pad answers with where its keys stand, and its page is not flooded by it', async () => {
    const pad = await start('modbus-rtu-5-input')
    const host = await openHost(link)
    const poll = createPadCodec(loaded('modbus-rtu-5-input')).single('read-inputs').bytes
    host.port.write(poll)
    expect(await host.hears(6)).toBe('01 02 01 00 A1 88')
    for (let i = 1; i <= 5; i++) {
      host.port.write(poll)
      await host.hears(6 * (i + 1))
    }
    await post(pad, 'hold', { grade: 'fairly-satisfied' })
    host.port.write(poll)
    expect(await host.hears(42)).toMatch(/01 02 01 04 A0 4B$/)
    const { frames } = await get(pad)
    expect(frames.map(({ direction }) => direction)).toEqual(['in', 'out', 'in', 'out'])
  })

  test('a held key is heard again and again', async () => {
    const pad = await start()
    const host = await openHost(link)
    await post(pad, 'hold', { grade: 'dissatisfied' })
    expect(await host.hears(2)).toBe('04 04')
    expect(await get(pad)).toMatchObject({ held: 'dissatisfied' })
    await post(pad, 'release', {})
    expect(await get(pad)).toMatchObject({ held: null })
  })

  test('a line that echoes gives the box its own bytes back', async () => {
    const pad = await start('generic-pj06', { lineEchoes: true })
    const host = await openHost(link)
    host.port.write(Uint8Array.of(0x55, 0xaa, 2, 0x20, 0, 0x1a))
    expect(await host.hears(6)).toBe('55 AA 02 20 00 1A')
    expect(pad.devicePath).toBe(link)
  })

  test('a garbled line disturbs both directions, a mended one none', async () => {
    const pad = await start()
    const host = await openHost(link)
    const sent = '55 AA 02 20 00 1A '.repeat(10).trim()
    await post(pad, 'garble', { garbled: true })
    await post(pad, 'raw', { hex: sent })
    await post(pad, 'raw', { hex: sent })
    expect(await host.hears(60)).not.toContain(sent)
    host.port.write(Uint8Array.from(Buffer.from(sent.replaceAll(' ', ''), 'hex')))
    const disturbed = await untilState(pad, state => JSON.stringify(state.frames).includes('not understood'))
    expect(disturbed.garbled).toBe(true)

    await post(pad, 'garble', { garbled: false })
    await post(pad, 'raw', { hex: sent })
    let all = await host.hears(1)
    while (!all.endsWith(sent)) all = await host.hears(host.heard.length + 1)
  })
})

describe('a bad request is refused and says why', () => {
  test.each([
    ['press', { grade: 'great' }, 400, 'body-not-valid'],
    ['press', {}, 400, 'body-not-valid'],
    ['press', { grade: 'satisfied', raw: 1 }, 400, 'body-not-valid'],
    ['hold', { grade: 3 }, 400, 'body-not-valid'],
    ['plug', { plugged: 'yes' }, 400, 'body-not-valid'],
    ['raw', { hex: '5' }, 400, 'body-not-valid'],
    ['box', { power: 'on' }, 400, 'body-not-valid'],
    ['box', { power: 'cut' }, 409, 'no-controls'],
    ['network', { cut: true }, 409, 'no-controls'],
    ['dance', {}, 404, 'not-found'],
    ['state', {}, 405, 'method-not-allowed'],
    ['raw', { hex: '00 '.repeat(2000) }, 413, 'body-too-large'],
  ])('%s %o', async (path, body, status, code) => {
    const pad = await start()
    const before = await get(pad)
    const response = await post(pad, path, body)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(await response.json()).toMatchObject({
      code,
      status,
      detail: expect.any(String),
      remedy: expect.any(String),
    })
    expect(await get(pad)).toEqual(before)
  })

  test('a body that is not JSON, or not said to be', async () => {
    const pad = await start()
    const send = (type: string, body: string) =>
      fetch(`${pad.url}/v1/press`, { method: 'POST', headers: { 'content-type': type }, body })
    expect((await send('application/json', '{')).status).toBe(400)
    expect((await send('text/plain', '{"grade":"satisfied"}')).status).toBe(415)
  })

  test('a key the pad does not have', async () => {
    const pad = await start('generic-rs485-four-key')
    const response = await post(pad, 'press', { grade: 'very-dissatisfied' })
    expect(await response.json()).toMatchObject({ status: 400, code: 'key-not-on-this-pad' })
  })
})

test('network and power are passed on to whoever has the switches', async () => {
  const asked: unknown[] = []
  let network = 'up'
  const switches = createServer(async (request, response) => {
    if (request.method === 'POST') {
      asked.push([request.url, await json(request)])
      network = 'cut'
    }
    response.end(JSON.stringify({ network, box: 'running' }))
  })
  switches.listen(0, '127.0.0.1')
  await once(switches, 'listening')
  closing.push(() => switches.close())
  const pad = await start('generic-pj06', { controls: `http://127.0.0.1:${(switches.address() as AddressInfo).port}` })
  expect(await get(pad)).toMatchObject({ controls: { network: 'up', box: 'running' } })
  expect((await post(pad, 'network', { cut: true })).status).toBe(200)
  expect((await post(pad, 'box', { power: 'cut' })).status).toBe(200)
  expect(asked).toEqual([
    ['/network', { cut: true }],
    ['/box', { power: 'cut' }],
  ])
  expect(await get(pad)).toMatchObject({ controls: { network: 'cut' } })
})

describe('the link', () => {
  test('left by a run that was killed is taken over', async () => {
    symlinkSync('/dev/pts/none', link)
    await start()
    expect(readlinkSync(link)).toMatch(/^\/dev\/pts\/\d+$/)
  })

  test('never replaces a file', async () => {
    writeFileSync(link, 'mine')
    await expect(start()).rejects.toThrow(/exists and is not a link/)
  })

  test('is gone when the pad is closed', async () => {
    const pad = await start()
    expect(existsSync(link)).toBe(true)
    await pad.close()
    closing.length = 0
    expect(existsSync(link)).toBe(false)
  })
})

test('what cannot start says why', async () => {
  const taken = await start()
  const port = Number(new URL(taken.url).port)
  const common = { host: '127.0.0.1', port: 0, lineEchoes: false, seed: 1 }
  const codeOf = async (settings: object) => {
    const started = await startVirtualPad({ profile: 'generic-pj06', ...common, ...settings })
    return started.ok ? 'started' : started.error.code
  }
  expect(await codeOf({ port })).toBe('address-not-available')
  expect(await codeOf({ profile: 'no-such-pad' })).toBe('profile-unknown')
  expect(await codeOf({ address: 3 })).toBe('address-not-possible')
  expect(await codeOf({ profile: 'arduino-firmata-five', lineEchoes: true })).toBe('line-echo-not-possible')
  expect(await codeOf({ variant: 'crc' })).toBe('site-setting-not-allowed')
})
