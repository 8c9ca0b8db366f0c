import { accessSync, constants, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import Type from 'typebox'
import { ok, type Result } from '#protocol/result.ts'
import { type FileFault, type FileProblem, loadYaml, overridesFromEnvironment } from '#runtime/configuration.ts'
import { LinkSchema } from '#runtime/link-settings.ts'

const strict = { additionalProperties: false } as const
const Path = (title: string, options: Type.TStringOptions = {}) => Type.String({ title, minLength: 1, ...options })
const Host = (title: string, usual: string) =>
  Type.String({ title, default: usual, pattern: '^[A-Za-z0-9.:_-]{1,253}$' })
const Port = (title: string, usual: number) =>
  Type.Integer({ title, description: '0: any free port.', minimum: 0, maximum: 65_535, default: usual })

export const ENVIRONMENT_PREFIX = 'CHUANGPING_COLLECTOR'

/** Relative paths are seen from the configuration file. */
export const CollectorSchema = Type.Object(
  {
    store: Path('数据文件 The store, a SQLite file'),
    identity: Path('证书与密钥目录 Folder of ca.crt, collector.crt, collector.key and signing.key'),
    opening: Type.Optional(Path('开封密钥目录 Folder of opening keys (*.key); by default identity/opening')),
    boxes: Type.Optional(
      Path('盒子证书目录 Folder of <box>.crt, or <hall>/<box>.crt, per enrolled box; by default identity/boxes'),
    ),
    broker: Type.Object(
      {
        embedded: Type.Optional(
          Type.Object(
            {
              host: Host('监听地址 Address to listen on', '0.0.0.0'),
              port: Port('监听端口 Port to listen on', 8883),
              key: Path('服务器密钥 Private key of the broker, PEM'),
              cert: Path('服务器证书 Certificate of the broker, PEM'),
            },
            strict,
          ),
        ),
        url: Type.Optional(
          Type.String({
            title: '外部消息服务 An external broker instead',
            pattern: '^mqtts://([A-Za-z0-9.-]+|\\[[0-9A-Fa-f:]+\\]):[0-9]{1,5}$',
          }),
        ),
        link: LinkSchema({ reconnect: '500ms', reconnectMax: '30s' }),
      },
      strict,
    ),
    api: Type.Object(
      {
        host: Host('监听地址 Address to listen on', '127.0.0.1'),
        port: Port('监听端口 Port to listen on', 8640),
        names: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]{1,253}$' }), {
          title: '域名 Host names people use for it; addresses and localhost always work',
          default: [],
        }),
        openToLoopback: Type.Boolean({ title: '本机读取免密钥 Reading from this machine needs no key', default: true }),
        requestsPerMinute: Type.Integer({
          title: '每地址每分钟请求数 Requests a minute from one address',
          minimum: 1,
          default: 3000,
        }),
      },
      { ...strict, default: {} },
    ),
    keys: Path('接口密钥文件 File of the API keys; may be missing'),
    log: Type.Enum(['error', 'warn', 'info', 'debug', 'silent'], { title: '日志级别 Log level', default: 'info' }),
  },
  { ...strict, title: '汇集中心配置 Collector configuration' },
)
export type CollectorSettings = Type.Static<typeof CollectorSchema>

/** Settings with every path absolute and every default decided. */
export interface CollectorConfiguration extends CollectorSettings {
  opening: string
  boxes: string
}

/** Reads and checks the whole configuration; every wrong setting is told at once. */
export function loadCollectorConfiguration(
  file: string,
  env: NodeJS.ProcessEnv,
): Result<CollectorConfiguration, FileFault> {
  const overrides = overridesFromEnvironment(CollectorSchema, ENVIRONMENT_PREFIX, env)
  const read = loadYaml(file, CollectorSchema, overrides)
  if (!read.ok) return read
  const configuration = withAbsolutePaths(read.value, dirname(resolve(file)))
  const problems = checkRelations(configuration)
  if (problems.length === 0) return ok(configuration)
  const detail = problems.map(({ path, message }) => `${file}  ${path}  ${message}`).join('\n')
  return { ok: false, error: { code: 'file-not-valid', detail, problems } }
}

function withAbsolutePaths(settings: CollectorSettings, folder: string): CollectorConfiguration {
  const at = (path: string) => resolve(folder, path)
  const { embedded, url } = settings.broker
  const identity = at(settings.identity)
  return {
    ...settings,
    store: at(settings.store),
    identity,
    opening: settings.opening ? at(settings.opening) : join(identity, 'opening'),
    boxes: settings.boxes ? at(settings.boxes) : join(identity, 'boxes'),
    keys: at(settings.keys),
    broker: {
      link: settings.broker.link,
      ...(url ? { url } : {}),
      ...(embedded ? { embedded: { ...embedded, key: at(embedded.key), cert: at(embedded.cert) } } : {}),
    },
  }
}

/** What a schema cannot say: one broker, and files that are there. */
function checkRelations(configuration: CollectorConfiguration): FileProblem[] {
  const { broker, identity } = configuration
  const problems: FileProblem[] = []
  const add = (path: string, message: string) => problems.push({ path, line: 0, column: 0, message })
  if (Boolean(broker.embedded) === Boolean(broker.url)) {
    add('broker', 'must have exactly one of: embedded, url')
  }
  const files: [path: string, file: string][] = ['ca.crt', 'collector.crt', 'collector.key', 'signing.key'].map(
    name => ['identity', join(identity, name)],
  )
  if (broker.embedded) {
    files.push(['broker.embedded.key', broker.embedded.key], ['broker.embedded.cert', broker.embedded.cert])
  }
  for (const [path, file] of files) {
    const fault = unreadable(file, 'file')
    if (fault) add(path, fault)
  }
  const fault = unreadable(configuration.opening, 'folder')
  if (fault) add('opening', fault)
  return problems
}

function unreadable(path: string, kind: 'file' | 'folder'): string | undefined {
  try {
    accessSync(path, constants.R_OK)
  } catch (error) {
    return `${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`
  }
  return statSync(path).isDirectory() === (kind === 'folder') ? undefined : `${path} is not a ${kind}`
}
