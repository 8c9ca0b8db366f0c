import type { Command } from 'commander'
import { formatBytes } from '#agent/pad/bytes.ts'
import { loadProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { findProfileFolder } from '#virtual-pad/profile-folder.ts'
import { boardFault, type Happening, lineOf, openLivePad, SECONDS } from './pad-live.ts'
import { isUnderstood } from './pad-replay.ts'
import { addSetting, SET_HELP, SET_OPTION, siteOverrides } from './pad-settings.ts'
import { tellOutput } from './pad-told.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface MonitorOptions {
  json?: boolean
  port: string
  profile: string
  variant?: string
  set: string[]
  listenOnly?: boolean
  for?: number
}

/** `pad monitor`: every frame of a pad with its meaning, as it comes. */
export function addMonitor(pad: Command, terminal: Terminal): void {
  const { say } = terminal
  pad
    .command('monitor')
    .description(
      say({
        zh: '实时显示评价器发来的帧及其含义；认不出的在终端上显示为红色。需要应答或轮询的型号会得到应答和轮询，除非给出 --listen-only。请先停止 agent；评价器上的文字不显示。Ctrl-C 结束。\n示例：chuangping pad monitor --port /dev/ttyUSB0 --profile generic-pj06',
        en: 'Show the frames of a pad with their meaning as they come; what is not understood is red on a terminal. Pads that wait for an answer or a poll get it, unless --listen-only. Stop the agent first; texts from the pad are not shown. Ctrl-C ends it.\nExample: chuangping pad monitor --port /dev/ttyUSB0 --profile generic-pj06',
      }),
    )
    .requiredOption('--port <path>', say({ zh: '串口', en: 'serial port' }))
    .requiredOption('--profile <profile>', say({ zh: '型号', en: 'the profile of the pad' }))
    .option('--variant <name>', say({ zh: '变体', en: 'the variant in force' }))
    .option(SET_OPTION, say(SET_HELP), addSetting, [])
    .option('--listen-only', say({ zh: '只听，不发送任何字节', en: 'only listen, write nothing' }))
    .option('--for <seconds>', say({ zh: '多少秒后结束', en: 'end after so many seconds' }), SECONDS)
    .option(...jsonOption(terminal))
    .action((options: MonitorOptions) => monitor(options, terminal))
}

async function monitor(options: MonitorOptions, terminal: Terminal): Promise<void> {
  const overrides = siteOverrides(options)
  if (!overrides.ok) return terminal.fail(options, overrides.error)
  const folder = findProfileFolder(options.profile)
  if (!folder.ok) return terminal.fail(options, folder.error)
  const loaded = loadProfile(folder.value, overrides.value)
  if (!loaded.ok) return terminal.fail(options, loaded.error)
  const profile = loaded.value
  if (profile.board) return terminal.fail(options, boardFault(profile))
  const clock = createSystemClock()
  const live = await openLivePad({
    clock,
    profile,
    settings: lineOf(profile, options.port),
    isSpeaking: !options.listenOnly,
    onHappening: happening => {
      for (const told of tell(profile, happening)) {
        terminal.print(options, told, () => paint(told, process.stdout.isTTY && !process.env['NO_COLOR']))
      }
    },
  })
  if (!live.ok) return terminal.fail(options, live.error)
  const stop = () => void live.value.close()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
  terminal.print(options, { listening: true, port: options.port }, () =>
    terminal.say({
      zh: `正在监听 ${options.port}，按 Ctrl-C 结束`,
      en: `Listening on ${options.port}, Ctrl-C ends it`,
    }),
  )
  const cancel = options.for === undefined ? () => {} : clock.after(options.for * 1000, stop)
  const fault = await live.value.ended
  cancel()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop)
  if (fault) terminal.fail(options, fault)
}

interface Told {
  atMs: number
  from: 'pad' | 'box'
  hex: string
  meaning: string
  isUnderstood: boolean
}

function tell(profile: Profile, happening: Happening): Told[] {
  const atMs = Math.round(happening.atMs)
  switch (happening.kind) {
    case 'from-pad':
      return [] // Shown once it is known what it is: it may hold a text.
    case 'to-pad':
      return [{ atMs, from: 'box', hex: formatBytes(happening.bytes), meaning: '', isUnderstood: true }]
    case 'unanswered':
      return [{ atMs, from: 'box', hex: '', meaning: `unanswered ${happening.command}`, isUnderstood: false }]
    case 'understood':
      return happening.outputs.map(output => ({
        atMs,
        from: 'pad',
        ...tellOutput(profile, output),
        isUnderstood: isUnderstood(output) && !(output.kind === 'frame' && output.event.kind === 'error'),
      }))
  }
}

const RED = '\u001b[31m'
const PLAIN = '\u001b[0m'

function paint({ atMs, from, hex, meaning, isUnderstood: isGood }: Told, isColoured: boolean): string {
  const text =
    `${(atMs / 1000).toFixed(3).padStart(9)} ${from === 'pad' ? '<' : '>'} ${hex.padEnd(30)}  ${meaning}`.trimEnd()
  return isColoured && !isGood ? `${RED}${text}${PLAIN}` : text
}
