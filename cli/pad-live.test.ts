import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, expect, test } from 'vitest'
import { createPadCodec, type PadOutput } from '#agent/pad/codec.ts'
import { exampleFrames } from '#agent/pad/examples.ts'
import { shipped } from '#agent/pad/fixtures/profiles.ts'
import { formatTrace, parseTrace, type TraceLine } from '#pad-tools/trace.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { openPtyLine } from '#virtual-pad/pty.ts'
import { addPadCommands } from './pad.ts'
import { lineOf, openLivePad } from './pad-live.ts'
import { createTape } from './pad-record.ts'
import { replayTrace } from './pad-replay.ts'
import { createTerminal, type Terminal } from './terminal.ts'

const dir = mkdtempSync(join(tmpdir(), 'pad-live-'))
afterAll(() => rmSync(dir, { recursive: true }))
const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'))

/** Runs a command of `pad` against a terminal; it is ended once `isDone` says so of what it printed. */
async function run(args: string[], isDone: (value: unknown) => boolean) {
  const printed: unknown[] = []
  const terminal: Terminal = {
    ...createTerminal({}),
    print(_options, value) {
      printed.push(value)
      if (isDone(value)) process.emit('SIGTERM')
    },
    fail: (_options, { code }) => void printed.push({ code }),
  }
  const program = new Command('chuangping')
  addPadCommands(program, terminal)
  await program.parseAsync(['pad', ...args], { from: 'user' })
  return printed
}

function plugIn(onBytes: (bytes: Uint8Array) => void = () => {}) {
  const line = openPtyLine({ onBytes })
  if (!line.ok) throw new Error(line.error.detail)
  return line.value
}

test('monitor shows what a pad says, answers it, and marks what it does not understand', async () => {
  const answers: string[] = []
  const line = plugIn(written => answers.push(Buffer.from(written).toString('hex')))
  const key = exampleFrames(shipped('generic-rs485-four-key'), 1).find(({ rule }) => rule.answer !== null)!
  const args = ['monitor', '--port', line.devicePath, '--profile', 'generic-rs485-four-key']
  const printed = await run(args, value => {
    if ('listening' in (value as object)) line.write(Uint8Array.of(0x77, ...key.bytes))
    return (value as { meaning?: string }).meaning?.includes('answer') ?? false
  })
  expect(printed).toMatchObject([
    { listening: true },
    { from: 'box', isUnderstood: true },
    { hex: '77', meaning: 'garbage 1 no-start', isUnderstood: false },
    { meaning: expect.stringContaining(key.expected), isUnderstood: true },
  ])
  line.unplug()
})

test('monitor refuses a board, and says why a port cannot be opened', async () => {
  const never = () => false
  expect(await run(['monitor', '--port', '/dev/null', '--profile', 'arduino-firmata-five'], never)).toEqual([
    { code: 'profile-is-board' },
  ])
  expect(await run(['monitor', '--port', join(dir, 'none'), '--profile', 'generic-pj06'], never)).toEqual([
    { code: 'port-missing' },
  ])
})

test('what was recorded from a pad is what test plays, and no trace is written over', async () => {
  const line = plugIn()
  const profile = shipped('generic-pj06')
  const out = join(dir, 'pj06.trace')
  const written: TraceLine[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const tape = createTape(profile, lines => {
    written.push(...lines)
    if (lines.some(({ kind }) => kind === 'comment')) resolve()
  })
  const live = await openLivePad({
    clock: createSystemClock(),
    profile,
    settings: lineOf(profile, line.devicePath),
    isSpeaking: true,
    onHappening: tape.happened,
  })
  if (!live.ok) throw new Error(live.error.detail)
  tape.marked('2')
  line.write(bytes('02'))
  await promise
  await live.value.close()
  expect(await live.value.ended).toBeUndefined()
  const again = parseTrace(formatTrace(written))
  expect(again.ok && replayTrace(profile, again.value)).toMatchObject({ presses: 1, problems: [] })
  expect(formatTrace(written)).toMatch(/^# key 2\n\d+ < 02\n# = key satisfied\n$/)

  const record = () => run(['record', '--port', line.devicePath, '--out', out, '--for', '1'], () => false)
  expect(await record()).toMatchObject([{ file: out }])
  expect(readFileSync(out, 'utf8')).toBe('')
  expect(await record()).toEqual([{ code: 'file-not-writable' }])
  const missing = join(dir, 'missing.trace')
  expect(await run(['record', '--port', join(dir, 'none'), '--out', missing], () => false)).toEqual([
    { code: 'port-missing' },
  ])
  expect(existsSync(missing)).toBe(false)
  line.unplug()
})

test('a text that somebody typed reaches no file, however it is cut, broken or whole', () => {
  const profile = shipped('tjc-nextion')
  const codec = createPadCodec(profile)
  const typed = Buffer.from('13800000000', 'ascii')
  const whole = Uint8Array.of(0x70, ...typed, 0xff, 0xff, 0xff)
  const written: TraceLine[] = []
  const tape = createTape(profile, lines => written.push(...lines))
  const hear = (chunk: Uint8Array, outputs: PadOutput[]) => {
    tape.happened({ kind: 'from-pad', atMs: 1, bytes: chunk })
    if (outputs.length > 0) tape.happened({ kind: 'understood', atMs: 1, outputs })
  }
  for (const cut of [whole.subarray(0, 5), whole.subarray(5)]) hear(cut, codec.receive(cut, true))
  expect(written).toEqual([{ kind: 'comment', text: '15 bytes were left out' }])
  hear(typed, [...codec.receive(typed, true), ...codec.silence()])
  tape.end()
  expect(written.slice(1)).toEqual([{ kind: 'comment', text: '11 bytes were left out' }])
  const touch = bytes('65 01 02 01 FF FF FF')
  hear(touch, codec.receive(touch, true))
  expect(written.some(line => line.kind === 'from-pad')).toBe(true)
})
