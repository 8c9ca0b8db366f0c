import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { createPadCodec } from '#agent/pad/codec.ts'
import { exampleFrames } from '#agent/pad/examples.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { proveProfile } from '#agent/pad/prove-profile.ts'
import { GRADES } from '#protocol/grades.ts'
import { ok } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { createFakeClock } from '#test/helpers/fake-clock.ts'
import { allProfileFolders } from '#virtual-pad/profile-folder.ts'
import { openPtyLine, type PtyLine } from '#virtual-pad/pty.ts'
import { learnLive } from './ask-presses.ts'
import { createRandom, randomPad } from './fixtures/random-pad.ts'
import { hearUart } from './fixtures/uart.ts'
import { identify } from './identify-live.ts'
import { PATIENCE } from './live.ts'
import { createPortOpener, type PortOpener } from './open-port.ts'
import type { Chunk } from './trace.ts'
import { writeLearnt } from './write-learnt.ts'

const clock = createSystemClock()
const open: { pty?: PtyLine; dir?: string } = {}
afterEach(() => {
  open.pty?.unplug()
  if (open.dir) rmSync(open.dir, { recursive: true })
  delete open.dir
})

function plug(onBytes: (bytes: Uint8Array) => void = () => {}): PtyLine {
  const line = openPtyLine({ onBytes })
  if (!line.ok) throw new Error(line.error.detail)
  open.pty = line.value
  return line.value
}

/** The speed that our side has set: a terminal in software passes bytes at any, so the pad garbles them itself. */
const speedOf = (path: string) => Number(execFileSync('stty', ['-F', path, 'speed'], { encoding: 'utf8' }))

/**
 * The port with a finger at it: whoever listens makes it press, once. Time passes only when everything that was sent
 * has been received, so that a busy machine hears what an idle one hears.
 */
function pressedPort(path: string, frameAt: (baud: number) => Uint8Array | null): PortOpener {
  const time = createFakeClock()
  const openReal = createPortOpener({ clock: time, path })
  return async line => {
    const opening = openReal(line)
    let isDone = false
    void opening.then(() => {
      isDone = true
    })
    while (!isDone) {
      await nextTurn()
      if (time.timers() > 0) time.advance(25)
    }
    const opened = await opening
    if (!opened.ok) return opened
    const port = opened.value
    const baud = speedOf(path)
    let received: Chunk[] = []
    return ok({
      ...port,
      take: () => received.splice(0),
      async heard(withinMs) {
        time.advance(900)
        const sent = frameAt(baud) ?? new Uint8Array()
        open.pty!.write(sent)
        for (let count = 0; count < sent.length; ) {
          await port.heard(withinMs)
          const some = port.take()
          count += some.reduce((sum, { bytes }) => sum + bytes.length, 0)
          received = [...received, ...some]
        }
        return sent.length > 0
      },
      async still(forMs, limitMs) {
        const still = port.still(forMs, limitMs)
        time.advance(Math.max(forMs, limitMs))
        await still
      },
    })
  }
}

test('over a real terminal the speed is found, the faces are asked for, and a proven folder is written', async () => {
  const pad = randomPad('head, tail, checksum before the tail', createRandom(5))
  const pty = plug()
  const own = { baud: 19_200, parity: 'none' } as const
  let count = 0
  let wanted: number | null = null
  const asked: number[] = []
  const said: Text[] = []
  const learnt = await learnLive({
    open: pressedPort(pty.devicePath, baud => {
      if (wanted === null) return null
      const frame = Uint8Array.from(pad.frame(wanted, true, count++))
      return Uint8Array.from(hearUart(frame, own, { baud, parity: 'none' }))
    }),
    person: {
      say(text) {
        said.push(text)
        if (text.en.includes('again and again')) wanted = 0
        if (text.en.includes('You can stop')) wanted = null
        const key = /^Press key (\d)/.exec(text.en)?.[1]
        if (key === undefined) return
        asked.push(Number(key))
        wanted = Number(key) - 1
      },
    },
    patience: PATIENCE,
    random: createRandom(4),
    options: { id: 'acme-kp5', title: { zh: '五键', en: 'Five keys' }, grades: GRADES.slice(0, pad.keys) },
    fixed: { parity: 'none' },
    addresses: [],
    profiles: [],
    queries: [],
  })
  if (!learnt.ok) throw new Error(learnt.error.detail)
  expect(learnt.value.line).toEqual(own)
  expect(asked.slice(0, 6)).toEqual([1, 1, 1, 2, 2, 2])
  expect(asked).toHaveLength(pad.keys * 4)
  expect(said.every(({ zh }) => /[一-鿿]/.test(zh))).toBe(true)
  open.dir = mkdtempSync(join(tmpdir(), 'learn-live-'))
  const folder = join(open.dir, 'acme-kp5')
  expect(writeLearnt(folder, learnt.value.learnt)).toMatchObject({ ok: true })
  expect(proveProfile(folder)).toMatchObject({ ok: true, value: { line: { baud: 19_200 } } })
  expect(writeLearnt(folder, learnt.value.learnt)).toMatchObject({ ok: false, error: { code: 'folder-exists' } })
  const wrong = { ...learnt.value.learnt, goldenText: '< 00  key satisfied  made up\n' }
  expect(writeLearnt(join(open.dir, 'other'), wrong)).toMatchObject({
    ok: false,
    error: { code: 'profile-not-proven' },
  })
  expect(existsSync(join(open.dir, 'other'))).toBe(false)
})

test('identify sends nothing but harmless queries, and knows the module that answers one', async () => {
  const profiles = allProfileFolders().flatMap(folder => {
    const loaded = loadProfile(folder)
    return loaded.ok ? [{ ...loaded.value, baudsAllowed: [loaded.value.line.baud] }] : []
  })
  const modbus = profiles.find(({ id }) => id === 'modbus-rtu-5-input')!
  const answer = exampleFrames(modbus, 1).find(({ rule }) => rule.gives === 'keys')!.bytes
  const question = Buffer.from(createPadCodec(modbus).single('read-inputs').bytes).toString('hex')
  const written: string[] = []
  const pty = plug(bytes => {
    written.push(Buffer.from(bytes).toString('hex'))
    if (written.at(-1) === question) pty.write(answer)
  })
  const found = await identify({
    open: createPortOpener({ clock, path: pty.devicePath }),
    profiles,
    listenMs: 30,
    onListen() {},
  })
  expect(found).toMatchObject({ ok: true })
  expect(found.ok && found.value[0]).toMatchObject({
    profile: 'modbus-rtu-5-input',
    confidence: 'high',
    answered: 'read-inputs',
  })
  const asking = profiles.filter(({ kind, poll, health }) => kind === 'pad' && (poll ?? health))
  expect(written).toContain(question)
  expect(written.length).toBeLessThanOrEqual(asking.length)
})

test('a port that another program has open is left alone', async () => {
  const pty = plug()
  const holder = execHolder(pty.devicePath)
  try {
    await holder.ready
    const opened = await createPortOpener({ clock, path: pty.devicePath })({ baud: 9600, parity: 'none' })
    expect(opened).toMatchObject({
      ok: false,
      error: { code: 'port-busy', detail: expect.stringContaining(`process ${holder.pid}`) },
    })
  } finally {
    holder.end()
  }
})

function execHolder(path: string) {
  // A child of the process with the pad in it is given the pad's end of the terminal too, and has to let it go.
  const program = `
    const { closeSync, openSync, readdirSync, readlinkSync } = require('fs')
    for (const file of readdirSync('/proc/self/fd')) {
      try {
        if (readlinkSync('/proc/self/fd/' + file).endsWith('/ptmx')) closeSync(Number(file))
      } catch (error) {
        if (error.code !== 'ENOENT') throw error
      }
    }
    openSync(${JSON.stringify(path)}, 'r+')
    console.log('open')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['-e', program])
  return { pid: child.pid, ready: once(child.stdout, 'data'), end: () => void child.kill() }
}
