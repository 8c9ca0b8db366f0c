import { resolve } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { CollectorConfiguration } from '#collector/configuration.ts'
import { addRevokeCommands } from './collector-revoke.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface ConfigOptions {
  config: string
  json?: boolean
}

/** `collector run`, `rebuild`, `revoke`, `crl`, `key add` and `mosquitto-config`. */
export function addCollectorCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  const collector = program
    .command('collector')
    .description(say({ zh: '评价汇集中心', en: 'the collector: receives what the boxes wrote' }))
  const config = ['--config <file>', say({ zh: '配置文件（YAML）', en: 'configuration file (YAML)' })] as const

  collector
    .command('run')
    .description(
      say({
        zh: '运行汇集中心，直到收到停止信号。配置样例：collector/collector.example.yaml',
        en: 'run the collector until it is told to stop. Example configuration: collector/collector.example.yaml',
      }),
    )
    .requiredOption(...config)
    .option(...jsonOption(terminal))
    .action((options: ConfigOptions) => run(options, terminal))
  collector
    .command('rebuild')
    .description(
      say({
        zh: '由证据重新生成所有查询表；汇集中心须已停止。结果与原来逐字节相同。',
        en: 'make every derived table anew from the evidence; the collector must be stopped. The result is the same, byte for byte.',
      }),
    )
    .requiredOption(...config)
    .option(...jsonOption(terminal))
    .action((options: ConfigOptions) => rebuild(options, terminal))
  addRevokeCommands(collector, { config, load, terminal })
  addKeyCommand(collector, config, terminal)
  addMosquittoCommand(collector, terminal)
}

async function run(options: ConfigOptions, terminal: Terminal): Promise<void> {
  const configuration = await load(options, terminal)
  if (!configuration) return
  const [{ startCollector }, { createSystemClock }, { createLogger }, { randomBytes }] = await Promise.all([
    import('#collector/main.ts'),
    import('#runtime/system-clock.ts'),
    import('#runtime/logger.ts'),
    import('node:crypto'),
  ])
  const log = createLogger('collector', configuration.log)
  const started = await startCollector(configuration, { clock: createSystemClock(), randomBytes, log })
  if (!started.ok) return terminal.fail(options, started.error)
  const { url, brokerUrl, close } = started.value
  const stop = () => {
    process.removeListener('SIGTERM', stop)
    process.removeListener('SIGINT', stop)
    void close()
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  terminal.print(options, { ready: true, api: url, ...(brokerUrl ? { broker: brokerUrl } : {}) }, () =>
    [
      terminal.say({ zh: `页面与接口 ${url}`, en: `pages and API ${url}` }),
      ...(brokerUrl ? [terminal.say({ zh: `盒子连接 ${brokerUrl}`, en: `boxes connect to ${brokerUrl}` })] : []),
    ].join('\n'),
  )
}

async function rebuild(options: ConfigOptions, terminal: Terminal): Promise<void> {
  const configuration = await load(options, terminal)
  if (!configuration) return
  const [{ rebuildStore }, { loadCollectorIdentity }] = await Promise.all([
    import('#collector/rebuild.ts'),
    import('#collector/identity.ts'),
  ])
  const identity = loadCollectorIdentity(configuration.identity, configuration.opening)
  if (!identity.ok) return terminal.fail(options, identity.error)
  const rebuilt = await rebuildStore(configuration.store, identity.value.openingKeys)
  if (!rebuilt.ok) return terminal.fail(options, rebuilt.error)
  const { entries, isSame, digest } = rebuilt.value
  terminal.print(options, { ok: true, entries, same: isSame, digest }, () =>
    isSame
      ? terminal.say({
          zh: `已由 ${entries} 条证据重新生成，与原来完全相同（${digest}）`,
          en: `made anew from ${entries} entries, the same as before (${digest})`,
        })
      : terminal.say({
          zh: `已由 ${entries} 条证据重新生成，与原来不同：原表不完整、有改动，或开封密钥有变化（${digest}）`,
          en: `made anew from ${entries} entries, not the same as before: the tables were behind, altered, or the opening keys are others (${digest})`,
        }),
  )
}

/** Named here too, so that `--help` loads nothing; the command's test holds them against the collector's. */
const SCOPES = ['services:write', 'prompts:write', 'fleet:write', 'read'] as const

function addKeyCommand(collector: Command, config: readonly [string, string], terminal: Terminal) {
  const { say } = terminal
  collector
    .command('key')
    .description(say({ zh: '业务系统的接口密钥', en: 'API keys of business systems' }))
    .command('add')
    .description(say({ zh: '生成一个密钥，只显示这一次', en: 'make a key; it is shown this once' }))
    .argument('<name>', say({ zh: '业务系统名称', en: 'name of the business system' }))
    .requiredOption(...config)
    .addOption(
      new Option('--scope <scope...>', say({ zh: '权限，可多个', en: 'scopes, one or more' }))
        .choices(SCOPES)
        .makeOptionMandatory(),
    )
    .option(...jsonOption(terminal))
    .action(async (name: string, options: ConfigOptions & { scope: (typeof SCOPES)[number][] }) => {
      const configuration = await load(options, terminal)
      if (!configuration) return
      const { addKey } = await import('#collector/api/keyring.ts')
      const key = addKey(configuration.keys, name, options.scope)
      if (!key.ok) return terminal.fail(options, key.error)
      terminal.print(options, { ok: true, name, scopes: options.scope, key: key.value }, () => key.value)
    })
}

interface MosquittoOptions {
  host?: string
  port: number
  ca: string
  cert: string
  key: string
  acl: string
  crl?: string
  print: 'configuration' | 'acl'
  json?: boolean
}

function addMosquittoCommand(collector: Command, terminal: Terminal) {
  const { say } = terminal
  collector
    .command('mosquitto-config')
    .description(
      say({
        zh: '输出 Mosquitto 的配置或访问规则（先 --print acl 存为文件，再输出配置）',
        en: 'print a configuration for Mosquitto, or its access rules (--print acl)',
      }),
    )
    .option('--host <address>', say({ zh: '监听地址，缺省为所有地址', en: 'address to listen on; by default all' }))
    .option('--port <port>', say({ zh: '监听端口', en: 'port to listen on' }), parsePort, 8883)
    .option('--ca <file>', say({ zh: '机构证书', en: 'certificate of the authority' }), '/etc/mosquitto/certs/ca.crt')
    .option(
      '--cert <file>',
      say({ zh: '服务器证书', en: 'certificate of the broker' }),
      '/etc/mosquitto/certs/broker.crt',
    )
    .option(
      '--key <file>',
      say({ zh: '服务器密钥', en: 'private key of the broker' }),
      '/etc/mosquitto/certs/broker.key',
    )
    .option(
      '--acl <file>',
      say({ zh: '访问规则文件的位置', en: 'where the access rules will be' }),
      '/etc/mosquitto/chuangping.acl',
    )
    .option(
      '--crl <file>',
      say({
        zh: '吊销名单的位置；启动前须先用 collector crl 写出',
        en: 'list of revoked certificates; write it by collector crl before the broker starts',
      }),
    )
    .addOption(
      new Option('--print <what>', say({ zh: '输出哪一个', en: 'which of the two' }))
        .choices(['configuration', 'acl'])
        .default('configuration'),
    )
    .option(...jsonOption(terminal))
    .action(async (options: MosquittoOptions) => {
      const { mosquittoAcl, mosquittoConfiguration } = await import('#collector/broker/access.ts')
      const { print, json: _json, ...files } = options
      const [configuration, acl] = [mosquittoConfiguration(files), mosquittoAcl()]
      terminal.print(options, { configuration, acl }, () => (print === 'acl' ? acl : configuration).trimEnd())
    })
}

async function load(options: ConfigOptions, terminal: Terminal): Promise<CollectorConfiguration | undefined> {
  const { loadCollectorConfiguration } = await import('#collector/configuration.ts')
  const loaded = loadCollectorConfiguration(resolve(options.config), process.env)
  if (loaded.ok) return loaded.value
  terminal.fail(options, loaded.error)
  return undefined
}

function parsePort(text: string): number {
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new InvalidArgumentError('1–65535')
}
