import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { fail, ok, type Result } from '#protocol/result.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface CreateOptions {
  dir: string
  box: string[]
  brokerHost: string[]
  brokerPort: number
  json?: boolean
}

/** `identities create`, `show` and `rotate-opening`: one development authority and everybody it knows. */
export function addIdentityCommands(program: Command, terminal: Terminal): void {
  const say = terminal.say
  const identities = program
    .command('identities')
    .description(say({ zh: '开发用证书与密钥', en: 'certificates and keys for development' }))
  const dirOption = ['--dir <dir>', say({ zh: '存放目录', en: 'the folder that holds them' })] as const

  identities
    .command('create')
    .description(
      say({
        zh: '生成缺少的证书与密钥；已有的保持不变。仅供开发和测试：所有密钥都在这一台机器上。',
        en: 'make what is missing, keep what is there. For development and tests only: one machine holds every key.',
      }),
    )
    .requiredOption(...dirOption)
    .requiredOption('--box <id...>', say({ zh: '盒子编号，可多个', en: 'box ids, one or more' }))
    .option(
      '--broker-host <host...>',
      say({ zh: '消息服务的名称或地址；盒子连接第一个', en: 'names and addresses of the broker; boxes use the first' }),
      ['localhost', '127.0.0.1', '::1'],
    )
    .option('--broker-port <port>', say({ zh: '消息服务端口', en: 'port of the broker' }), parsePort, 8883)
    .option(...jsonOption(terminal))
    .action((options: CreateOptions) => create(options, terminal))

  identities
    .command('show')
    .description(
      say({ zh: '列出证书的名称、指纹和有效期', en: 'list the certificates: name, fingerprint and validity' }),
    )
    .requiredOption(...dirOption)
    .option(...jsonOption(terminal))
    .action((options: { dir: string; json?: boolean }) => show(options, terminal))

  identities
    .command('rotate-opening')
    .description(
      say({
        zh: '更换评价封存密钥：生成新密钥、保留旧密钥、更新每台盒子的登记。盒子重启后使用新密钥；旧评价照常开封。',
        en: 'change the key that ratings are sealed to: make a new one, keep the old ones, tell every box. A box uses it after its restart; old ratings still open.',
      }),
    )
    .requiredOption(...dirOption)
    .option(...jsonOption(terminal))
    .action((options: { dir: string; json?: boolean }) => rotateOpening(options, terminal))
}

async function rotateOpening(options: { dir: string; json?: boolean }, terminal: Terminal): Promise<void> {
  const { rotateOpeningKey } = await import('#provisioning/opening-key.ts')
  const rotated = rotateOpeningKey(options.dir)
  if (!rotated.ok) return terminal.fail(options, rotated.error)
  const { key, retired, boxes } = rotated.value
  terminal.print(options, { ok: true, ...rotated.value }, () =>
    terminal.say({
      zh: `新的封存密钥 ${key}；保留旧密钥 ${retired.length} 个；已更新登记：${boxes.join('、')}。请重启这些盒子的程序；汇集中心无需重启。`,
      en: `new opening key ${key}; ${retired.length} old kept; enrolments updated: ${boxes.join(', ')}. Restart the agents of these boxes; the collector needs no restart.`,
    }),
  )
}

async function create(options: CreateOptions, terminal: Terminal): Promise<void> {
  // The certificate library takes longer to load than anything else here, and `show` does without.
  const { createDevelopmentIdentities } = await import('#provisioning/development.ts')
  const made = await createDevelopmentIdentities({
    dir: options.dir,
    boxes: options.box,
    brokerHosts: options.brokerHost,
    brokerPort: options.brokerPort,
  })
  if (!made.ok) terminal.fail(options, made.error)
  else {
    terminal.print(options, { ok: true, ...made.value }, () =>
      terminal.say({
        zh: `${options.dir} 中的证书与密钥已齐备：${options.box.join('、')}`,
        en: `identities complete in ${options.dir}: ${options.box.join(', ')}`,
      }),
    )
  }
}

function show(options: { dir: string; json?: boolean }, terminal: Terminal): void {
  const certificates = readCertificates(options.dir)
  if (!certificates.ok) terminal.fail(options, certificates.error)
  else {
    const value = { ok: true, certificates: certificates.value }
    terminal.print(options, value, () => certificates.value.map(asLines).join('\n'))
  }
}

function readCertificates(dir: string): Result<CertificateLine[]> {
  let file = dir
  try {
    const names = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.crt'))
    const certificates = names.sort().map(name => {
      file = join(dir, name)
      return describe(name, new X509Certificate(readFileSync(file)))
    })
    return ok(certificates)
  } catch (error) {
    // Either the system refuses to read, or OpenSSL finds no certificate; both give the file and a code.
    return fail('not-readable', `${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

interface CertificateLine {
  file: string
  subject: string
  fingerprint: string
  validFrom: string
  validTo: string
}

function describe(file: string, certificate: X509Certificate): CertificateLine {
  return {
    file,
    subject: certificate.subject,
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    validFrom: new Date(certificate.validFrom).toISOString(),
    validTo: new Date(certificate.validTo).toISOString(),
  }
}

function asLines(certificate: CertificateLine): string {
  const { file, subject, fingerprint, validFrom, validTo } = certificate
  return `${file}\n  ${subject}\n  SHA-256 ${fingerprint}\n  ${validFrom.slice(0, 10)} – ${validTo.slice(0, 10)}`
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new InvalidArgumentError(`a port is a number from 1 to 65535, found ${text}`)
  }
  return port
}
