import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import { loadYaml, overridesFromEnvironment } from '#runtime/configuration.ts'
import { createLogger } from '#runtime/logger.ts'
import { jsonOption, type Terminal } from './terminal.ts'

/** `agent run`: the box itself. */
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
    .action((options: { config: string; json?: boolean }) => run(options, terminal))
}

async function run(options: { config: string; json?: boolean }, terminal: Terminal): Promise<void> {
  const [{ AGENT_ENVIRONMENT_PREFIX, AgentConfigurationSchema }, { startAgent }] = await Promise.all([
    import('#agent/configuration.ts'),
    import('#agent/main.ts'),
  ])
  const overrides = overridesFromEnvironment(AgentConfigurationSchema, AGENT_ENVIRONMENT_PREFIX, process.env)
  const configuration = loadYaml(options.config, AgentConfigurationSchema, overrides)
  if (!configuration.ok) return terminal.fail(options, configuration.error)
  const started = await startAgent({
    configuration: configuration.value,
    base: dirname(resolve(options.config)),
    log: createLogger('agent', configuration.value.logLevel),
    // The journal refused. Give the pages a moment to say so, then leave it to the service manager.
    onFatal: () => setTimeout(() => process.exit(EXIT_JOURNAL), FATAL_DELAY_MS),
  })
  if (!started.ok) return terminal.fail(options, started.error)
  const { url, close } = started.value
  // Before the ready line: whoever reads it may stop us at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void close().then(() => process.exit(0)))
  }
  terminal.print(options, { ready: true, url }, () =>
    terminal.say({ zh: `窗口人员页面：${url}`, en: `Clerk's page: ${url}` }),
  )
}

/** sysexits.h EX_IOERR. */
const EXIT_JOURNAL = 74
const FATAL_DELAY_MS = 1000
