import type { Command } from 'commander'
import { playGolden } from '#agent/pad/golden.ts'
import { describeGolden, goldenLines } from '#agent/pad/golden-line.ts'
import { loadProfile, readGolden } from '#agent/pad/load-profile.ts'
import type { SiteOverrides } from '#agent/pad/site-schema.ts'
import { parseTrace } from '#pad-tools/trace.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { readText } from '#runtime/yaml-text.ts'
import { allProfileFolders, findProfileFolder } from '#virtual-pad/profile-folder.ts'
import { replayTrace } from './pad-replay.ts'
import { addSetting, SET_HELP, SET_OPTION, siteOverrides } from './pad-settings.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface TestOptions {
  json?: boolean
  trace: string[]
  variant?: string
  set: string[]
}

interface Played {
  id: string
  /** Lines of the golden file that were kept. */
  goldenLines: number
  traces: { file: string; frames: number; presses: number; garbageBytes: number }[]
}

type Fault = { code: string; detail: string }

/** `pad test`: the golden frames of profiles, and traces recorded from real pads. */
export function addTest(pad: Command, argument: Text, terminal: Terminal): void {
  const { say } = terminal
  pad
    .command('test')
    .description(
      say({
        zh: '播放型号的 golden.txt；给出 --trace 时再播放录制的记录。不给型号则测试全部。有一行不符，退出码即为 1。\n示例：chuangping pad test generic-pj06 --trace pj06.trace',
        en: 'Play the golden frames of a profile, and with --trace what was recorded from a pad. Without a name: all profiles. Exit code 1 where one line is not kept.\nExample: chuangping pad test generic-pj06 --trace pj06.trace',
      }),
    )
    .argument('[profile]', say(argument))
    .option(
      '--trace <file>',
      say({ zh: '录制的记录，可多次给出', en: 'a recorded trace, may be given again' }),
      addSetting,
      [],
    )
    .option('--variant <name>', say({ zh: '记录所用的变体', en: 'the variant that the trace was recorded with' }))
    .option(SET_OPTION, say(SET_HELP), addSetting, [])
    .option(...jsonOption(terminal))
    .action((profile: string | undefined, options: TestOptions) => test(profile, options, terminal))
}

function test(name: string | undefined, options: TestOptions, terminal: Terminal) {
  if (name === undefined && options.trace.length > 0) {
    return terminal.fail(options, { code: 'argument-missing', detail: 'say which profile --trace was recorded from' })
  }
  const overrides = siteOverrides(options)
  if (!overrides.ok) return terminal.fail(options, overrides.error)
  const named = name === undefined ? undefined : findProfileFolder(name)
  if (named && !named.ok) return terminal.fail(options, named.error)
  const folders = named ? [named.value] : allProfileFolders()
  const results = folders.map(folder => play(folder, overrides.value, options.trace))
  const faults = results.flatMap(result => (result.ok ? [] : [result.error]))
  if (faults.length > 0) {
    return terminal.fail(options, { code: faults[0]!.code, detail: faults.map(({ detail }) => detail).join('\n') })
  }
  const profiles = results.flatMap(result => (result.ok ? [result.value] : []))
  terminal.print(options, { ok: true, profiles }, () =>
    profiles.flatMap(played => describe(played, terminal)).join('\n'),
  )
}

function play(folder: string, overrides: SiteOverrides, traces: readonly string[]): Result<Played, Fault> {
  const golden = playGoldenFile(folder)
  if (!golden.ok) return golden
  const inForce = loadProfile(folder, overrides)
  if (!inForce.ok) return inForce
  const played: Played = { id: inForce.value.id, goldenLines: golden.value, traces: [] }
  const problems: string[] = []
  for (const file of traces) {
    const text = readText(file)
    if (!text.ok) return text
    const lines = parseTrace(text.value)
    if (!lines.ok) return fail(lines.error.code, `${file}: ${lines.error.detail}`)
    const { problems: found, ...counts } = replayTrace(inForce.value, lines.value)
    problems.push(...found.map(problem => `${file}  ${problem}`))
    played.traces.push({ file, ...counts })
  }
  return problems.length > 0 ? fail('trace-not-kept', problems.join('\n')) : ok(played)
}

/** The number of lines that were kept. */
function playGoldenFile(folder: string): Result<number, Fault> {
  const loaded = loadProfile(folder)
  if (!loaded.ok) return loaded
  const golden = readGolden(folder)
  if (!golden.ok) return golden
  const { path, text } = golden.value
  const problems = playGolden(loaded.value, text, overrides => loadProfile(folder, overrides))
  const described = describeGolden(problems, path)
  return problems.length > 0 ? fail('golden-not-kept', described.join('\n')) : ok(goldenLines(text).length)
}

function describe({ id, goldenLines: lines, traces }: Played, { say }: Terminal): string[] {
  return [
    say({ zh: `${id}  golden ${lines} 行，全部相符`, en: `${id}  ${lines} golden lines kept` }),
    ...traces.map(({ file, frames, presses, garbageBytes }) =>
      say({
        zh: `${id}  ${file}：${frames} 帧，其中按键 ${presses} 次，杂字节 ${garbageBytes}`,
        en: `${id}  ${file}: ${frames} frames, ${presses} of them presses, ${garbageBytes} bytes of garbage`,
      }),
    ),
  ]
}
