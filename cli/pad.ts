import type { Command } from 'commander'
import { describeKeys } from '#agent/pad/describe-keys.ts'
import { proveProfile } from '#agent/pad/prove-profile.ts'
import { loadYaml, overridesFromEnvironment, parseYaml } from '#runtime/configuration.ts'
import type { Text } from '#runtime/language.ts'
import { VIRTUAL_PAD_ENVIRONMENT_PREFIX, VirtualPadConfigurationSchema } from '#virtual-pad/configuration.ts'
import { allProfileFolders, findProfileFolder } from '#virtual-pad/profile-folder.ts'
import { addIdentify } from './pad-identify.ts'
import { addLearn } from './pad-learn.ts'
import { addMonitor } from './pad-monitor.ts'
import { addRecord } from './pad-record.ts'
import { addShow } from './pad-show.ts'
import { addTest } from './pad-test.ts'
import { jsonOption, type Terminal } from './terminal.ts'

const PROFILE_ARGUMENT: Text = {
  zh: '型号：device-profiles 下的文件夹名，或含斜杠的文件夹路径',
  en: 'a folder under device-profiles by name, or any folder by a path with a slash',
}

/** `pad lint`, `show`, `test`, `simulate`, `identify` and `learn`: what IT staff do with a pad and its profile. */
export function addPadCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  const pad = program
    .command('pad')
    .description(say({ zh: '评价器型号与虚拟评价器', en: 'pad profiles, and a virtual pad' }))
  const json = jsonOption(terminal)

  pad
    .command('lint')
    .description(
      say({
        zh: '检查型号文件：格式、前后关系、golden.txt 的每一行、所有命令和按键的往返、受干扰的帧；并逐个列出按键的等级。不给型号则检查全部。\n示例：chuangping pad lint generic-pj06',
        en: 'Check a profile: its form, its relations, every line of golden.txt, every command and key out and back, frames disturbed as a line does it; and say each key in words. Without a name: all.\nExample: chuangping pad lint generic-pj06',
      }),
    )
    .argument('[profile]', say(PROFILE_ARGUMENT))
    .option(...json)
    .action((profile: string | undefined, options: JsonOption) => lint(profile, options, terminal))

  addShow(pad, PROFILE_ARGUMENT, terminal)
  addTest(pad, PROFILE_ARGUMENT, terminal)
  addMonitor(pad, terminal)
  addRecord(pad, terminal)
  addSimulate(pad, terminal)
  addIdentify(pad, terminal)
  addLearn(pad, terminal)
}

interface JsonOption {
  json?: boolean
}

interface SimulateOptions extends JsonOption {
  config?: string
  link?: string
  port?: string
  address?: string
  variant?: string
  controls?: string
}

function addSimulate(pad: Command, terminal: Terminal) {
  const { say } = terminal
  pad
    .command('simulate')
    .description(
      say({
        zh: '运行虚拟评价器：在内核的伪终端上收发真实字节，并提供网页按键。agent 像打开 USB 串口一样打开它。\n示例：chuangping pad simulate generic-pj06 --link var/pad0\n配置示例：virtual-pad/virtual-pad.example.yaml；环境变量 CHUANGPING_VIRTUAL_PAD_… 优先于文件，命令行优先于两者。',
        en: 'Run a virtual pad: real bytes on a pseudo-terminal of the kernel, its keys on a web page. The agent opens it like a USB serial port.\nExample: chuangping pad simulate generic-pj06 --link var/pad0\nSettings: virtual-pad/virtual-pad.example.yaml. CHUANGPING_VIRTUAL_PAD_… in the environment wins over the file, the command line over both.',
      }),
    )
    .argument('[profile]', say(PROFILE_ARGUMENT))
    .option('--config <file>', say({ zh: '配置文件（YAML）', en: 'configuration file (YAML)' }))
    .option(
      '--link <path>',
      say({ zh: '固定的设备路径，如 var/pad0', en: 'a device path that stays, such as var/pad0' }),
    )
    .option(
      '--port <port>',
      say({ zh: '网页端口，0 为任选（默认 8620）', en: 'port of the page, 0 for any (default 8620)' }),
    )
    .option('--address <n>', say({ zh: '评价器的总线地址', en: "the pad's address on a shared line" }))
    .option('--variant <name>', say({ zh: '型号文件中的变体', en: 'a variant that the profile names' }))
    .option('--controls <url>', say({ zh: '网络与电源开关的地址', en: 'where the switches of network and power are' }))
    .option(...jsonOption(terminal))
    .action((profile: string | undefined, options: SimulateOptions) => simulate(profile, options, terminal))
}

function lint(profile: string | undefined, options: JsonOption, terminal: Terminal) {
  const named = profile === undefined ? undefined : findProfileFolder(profile)
  if (named && !named.ok) return terminal.fail(options, named.error)
  const folders = named ? [named.value] : allProfileFolders()
  const proofs = folders.map(folder => ({ folder, proof: proveProfile(folder) }))
  const faults = proofs.flatMap(({ proof }) => (proof.ok ? [] : [proof.error]))
  if (faults.length > 0) {
    return terminal.fail(options, { code: faults[0]!.code, detail: faults.map(({ detail }) => detail).join('\n') })
  }
  const profiles = proofs.flatMap(({ proof }) => (proof.ok ? [proof.value] : []))
  const value = profiles.map(one => ({ id: one.id, version: one.version, hash: one.hash, keys: describeKeys(one) }))
  // The keys in words, best face first: a scale that runs the wrong way passes every other check.
  terminal.print(options, { ok: true, profiles: value }, () =>
    value
      .flatMap(({ id, version, hash, keys }) => [
        terminal.say({
          zh: `${id} 第 ${version} 版 通过  ${hash.slice(0, 12)}`,
          en: `${id} version ${version} is sound  ${hash.slice(0, 12)}`,
        }),
        ...keys.map(key => `  ${terminal.say(key)}`),
      ])
      .join('\n'),
  )
}

async function simulate(profile: string | undefined, options: SimulateOptions, terminal: Terminal): Promise<void> {
  const configuration = simulationConfiguration(profile, options)
  if (!configuration.ok) return terminal.fail(options, configuration.error)
  const { startVirtualPad } = await import('#virtual-pad/main.ts')
  const started = await startVirtualPad(configuration.value)
  if (!started.ok) return terminal.fail(options, started.error)
  const { close, devicePath, url } = started.value
  // Before the line that says ready: whoever reads it may end us at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void close().then(() => process.exit(0)))
  }
  terminal.print(options, { ready: true, url, devicePath }, () =>
    terminal.say({
      zh: `虚拟评价器：${url}\n设备：${devicePath}\n按 Ctrl-C 结束`,
      en: `Virtual pad: ${url}\nDevice: ${devicePath}\nCtrl-C ends it`,
    }),
  )
}

function simulationConfiguration(profile: string | undefined, options: SimulateOptions) {
  const overrides = overridesFromEnvironment(VirtualPadConfigurationSchema, VIRTUAL_PAD_ENVIRONMENT_PREFIX, process.env)
  const { link, port, address, variant, controls } = options
  for (const [name, value] of Object.entries({ profile, link, port, address, variant, controls })) {
    if (value !== undefined) overrides.set(name, value)
  }
  return options.config
    ? loadYaml(options.config, VirtualPadConfigurationSchema, overrides)
    : parseYaml('', VirtualPadConfigurationSchema, 'pad simulate', overrides)
}
