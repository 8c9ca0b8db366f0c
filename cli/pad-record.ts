import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import type { PadOutput } from '#agent/pad/codec.ts'
import { describeOutputs } from '#agent/pad/describe-output.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { formatTrace, type TraceLine } from '#pad-tools/trace.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { findProfileFolder } from '#virtual-pad/profile-folder.ts'
import { boardFault, type Happening, lineOf, openLivePad, SECONDS } from './pad-live.ts'
import { EXPECTATION } from './pad-replay.ts'
import { addSetting, SET_HELP, SET_OPTION, siteOverrides } from './pad-settings.ts'
import { isPersonal } from './pad-told.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface RecordOptions {
  json?: boolean
  port: string
  out: string
  profile?: string
  variant?: string
  set: string[]
  baud: number
  parity: 'none' | 'even' | 'odd'
  for?: number
}

/** `pad record`: the bytes of a line in a file that `pad test` plays and `pad learn --from` reads. */
export function addRecord(pad: Command, terminal: Terminal): void {
  const { say } = terminal
  pad
    .command('record')
    .description(
      say({
        zh: '把串口上的字节连同时间记录到文件，供 pad test --trace 播放、pad learn --from 学习。给出 --profile 时同时记下含义，并略去评价器上的文字。录制期间输入面孔序号（1 为最好）并回车，标记接下来按的键；空行表示无人按键。只能由测试人员按键。Ctrl-C 结束。\n示例：chuangping pad record --port /dev/ttyUSB0 --profile generic-pj06 --out pj06.trace',
        en: 'Write the bytes of a line with their times to a file that pad test --trace plays and pad learn --from reads. With --profile their meaning is written too, and texts from the pad are left out. While it runs, a number and Enter marks the face pressed next (1 is the best), Enter alone that nobody presses. Only testers may press. Ctrl-C ends it.\nExample: chuangping pad record --port /dev/ttyUSB0 --profile generic-pj06 --out pj06.trace',
      }),
    )
    .requiredOption('--port <path>', say({ zh: '串口', en: 'serial port' }))
    .requiredOption('--out <file>', say({ zh: '新文件', en: 'a new file' }))
    .option('--profile <profile>', say({ zh: '型号（未知则不给）', en: 'the profile of the pad, where it is known' }))
    .option('--variant <name>', say({ zh: '变体', en: 'the variant in force' }))
    .option(SET_OPTION, say(SET_HELP), addSetting, [])
    .option('--baud <n>', say({ zh: '波特率，没有型号时用', en: 'speed, without a profile' }), Number, 9600)
    .addOption(
      new Option('--parity <parity>', say({ zh: '校验位，没有型号时用', en: 'parity, without a profile' }))
        .choices(['none', 'even', 'odd'])
        .default('none'),
    )
    .option('--for <seconds>', say({ zh: '多少秒后结束', en: 'end after so many seconds' }), SECONDS)
    .option(...jsonOption(terminal))
    .action((options: RecordOptions) => record(options, terminal))
}

async function record(options: RecordOptions, terminal: Terminal): Promise<void> {
  const loaded = profileOf(options)
  if (!loaded.ok) return terminal.fail(options, loaded.error)
  const profile = loaded.value
  const file = openNew(options.out)
  if (!file.ok) return terminal.fail(options, file.error)
  const clock = createSystemClock()
  const tape = createTape(profile, lines => writeSync(file.value, formatTrace(lines)))
  const { port: path, baud: baudRate, parity } = options
  const live = await openLivePad({
    clock,
    profile,
    settings: profile ? lineOf(profile, path) : { path, baudRate, dataBits: 8, parity, stopBits: 1 },
    isSpeaking: profile !== undefined,
    onHappening: tape.happened,
  })
  if (!live.ok) {
    closeSync(file.value)
    unlinkSync(options.out)
    return terminal.fail(options, live.error)
  }
  // Beside the result: who stands before the pad must know when to press.
  const begun = { zh: '正在录制，现在可以按键；Ctrl-C 结束', en: 'recording: press now; Ctrl-C ends it' }
  process.stderr.write(`${terminal.say(begun)}\n`)
  const stop = () => void live.value.close()
  const marks = createInterface({ input: process.stdin }).on('line', tape.marked)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
  const cancel = options.for === undefined ? () => {} : clock.after(options.for * 1000, stop)
  const fault = await live.value.ended
  cancel()
  marks.close()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop)
  tape.end()
  closeSync(file.value)
  if (fault) return terminal.fail(options, fault)
  const chunks = tape.chunks()
  terminal.print(options, { file: options.out, chunks }, () =>
    terminal.say({ zh: `${options.out}：${chunks} 段`, en: `${options.out}: ${chunks} chunks` }),
  )
}

function profileOf(options: RecordOptions): Result<Profile | undefined, { code: string; detail: string }> {
  if (options.profile === undefined) return ok(undefined)
  const overrides = siteOverrides(options)
  if (!overrides.ok) return overrides
  const folder = findProfileFolder(options.profile)
  if (!folder.ok) return folder
  const loaded = loadProfile(folder.value, overrides.value)
  return loaded.ok && loaded.value.board ? { ok: false, error: boardFault(loaded.value) } : loaded
}

/** A trace is somebody's work: none is written over. */
function openNew(path: string): Result<number, { code: 'file-not-writable'; detail: string }> {
  try {
    return ok(openSync(path, 'wx', 0o600))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return fail('file-not-writable', `${path} cannot be made: ${code === 'EEXIST' ? 'it is there already' : code}`)
  }
}

/**
 * Turns what happens on a line into lines of a trace. With a profile bytes are held back until it is known what
 * they are, so that those of a text never reach the file.
 */
export function createTape(profile: Profile | undefined, write: (lines: TraceLine[]) => void) {
  let held: Extract<TraceLine, { bytes: Uint8Array }>[] = []
  let outputs: PadOutput[] = []
  let chunks = 0

  const bytesOf = (kind: 'from-pad') =>
    held.reduce((sum, line) => sum + (line.kind === kind ? line.bytes.length : 0), 0)

  function release() {
    const known = outputs.reduce((sum, { bytes }) => sum + bytes.length, 0)
    if (profile && known < bytesOf('from-pad')) return
    const comment = (text: string): TraceLine => ({ kind: 'comment', text })
    if (profile && outputs.some(output => isPersonal(profile, output))) write([comment(`${known} bytes were left out`)])
    else if (profile && known > 0) write([...held, comment(EXPECTATION + describeOutputs(profile, outputs))])
    else write(held)
    chunks += held.filter(({ kind }) => kind === 'from-pad').length
    held = []
    outputs = []
  }

  return {
    happened(happening: Happening) {
      if (happening.kind === 'unanswered') return
      if (happening.kind === 'understood') {
        outputs.push(...happening.outputs)
        return release()
      }
      held.push(happening)
      if (!profile || happening.kind === 'to-pad') release()
    },
    /** A line that somebody typed. */
    marked(text: string) {
      const key = Number(text.trim())
      if (text.trim() === '') write([{ kind: 'mark', mark: { kind: 'idle' } }])
      else if (Number.isInteger(key) && key >= 1 && key <= 20) write([{ kind: 'mark', mark: { kind: 'key', key } }])
    },
    /** What nobody can say yet is left out: it may be half a text. */
    end() {
      held = []
    },
    chunks: () => chunks,
  }
}
