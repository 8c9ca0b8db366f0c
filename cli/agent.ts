import type { Command } from 'commander'
import type { AgentSettings } from '#agent/settings.ts'
import type { RunOptions } from './run-agent.ts'
import { jsonOption, type Terminal } from './terminal.ts'

/** `agent run`: the box itself. `agent check`: whether it would start with these settings. */
export function addAgentCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  const agent = program
    .command('agent')
    .description(
      say({ zh: '窗口盒子：驱动评价器、写盘、上传', en: 'the box at the window: drives pads, writes, sends' }),
    )
  agent
    .command('run')
    .description(
      say({
        zh: '运行一台盒子。启动不需要网络、时间或汇集中心；缺什么就等什么。\n配置示例：agent/agent.example.yaml；环境变量 CHUANGPING_AGENT_… 优先于文件，如 CHUANGPING_AGENT_PANEL_PORT=8611。',
        en: 'Run one box. It needs neither network nor time nor collector to start; what is missing is waited for.\nExample: agent/agent.example.yaml. CHUANGPING_AGENT_… in the environment wins over the file, as in CHUANGPING_AGENT_PANEL_PORT=8611.',
      }),
    )
    .requiredOption('--config <file>', say({ zh: '配置文件（YAML）', en: 'configuration file (YAML)' }))
    .option(...jsonOption(terminal))
    .action((options: RunOptions) => run(options, terminal))
  agent
    .command('check')
    .description(
      say({
        zh: '检查一台盒子的全部配置（配置文件、登记、评价器型号），不启动。',
        en: 'Check all settings of a box (configuration, enrolment, pad profiles) without starting it.',
      }),
    )
    .requiredOption('--config <file>', say({ zh: '配置文件（YAML）', en: 'configuration file (YAML)' }))
    .option(...jsonOption(terminal))
    .action((options: RunOptions) => check(options, terminal))
}

async function check(options: RunOptions, terminal: Terminal): Promise<void> {
  const { readSettings } = await import('#agent/settings.ts')
  const read = readSettings(options.config, process.env)
  if (!read.ok) return terminal.fail(options, read.error)
  const windows = read.value.settings.windows.map(describeWindow).join('\n')
  terminal.print(options, { ok: true, ...read.value }, () =>
    terminal.say({ zh: `配置可用。窗口：\n${windows}`, en: `The settings are good. Windows:\n${windows}` }),
  )
}

/** A window at fault stands out of service, with the reason; the box starts all the same. */
function describeWindow({ window, profile, pad, outputs }: AgentSettings['windows'][number]): string {
  const state = pad.ok ? '' : `  ✗ ${pad.error.code}: ${pad.error.detail}`
  const beside = outputs.map(one => `\n    + ${one.profile}${one.pad.ok ? '' : `  ✗ ${one.pad.error.detail}`}`)
  return `  ${window} (${profile})${state}${beside.join('')}`
}

async function run(options: RunOptions, terminal: Terminal): Promise<void> {
  const [{ readSettings }, { runAgent }] = await Promise.all([import('#agent/settings.ts'), import('./run-agent.ts')])
  const read = readSettings(options.config, process.env)
  if (!read.ok) return terminal.fail(options, read.error)
  await runAgent(read.value.settings, options, terminal)
}
