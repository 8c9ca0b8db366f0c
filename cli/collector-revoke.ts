import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import type { CollectorConfiguration } from '#collector/configuration.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface CrlOptions {
  config: string
  authority?: string
  crl?: string
  json?: boolean
}

interface RevokeOptions extends CrlOptions {
  reason: string
  certificate?: string
}

type Load = (
  options: { config: string; json?: boolean },
  terminal: Terminal,
) => Promise<CollectorConfiguration | undefined>

/** `collector revoke` takes a box out of service; `collector crl` writes the list that an external broker reads. */
export function addRevokeCommands(
  collector: Command,
  deps: { config: readonly [string, string]; load: Load; terminal: Terminal },
): void {
  const { config, load, terminal } = deps
  const { say } = terminal
  const authority = [
    '--authority <dir>',
    say({ zh: '签发机构目录（ca.key、ca.crt）', en: 'folder of the authority (ca.key, ca.crt)' }),
  ] as const
  const crl = [
    '--crl <file>',
    say({ zh: '要写入的吊销名单（PEM）', en: 'list of revoked certificates to write (PEM)' }),
  ] as const

  collector
    .command('revoke')
    .description(
      say({
        zh: '吊销一个盒子的证书和密钥（被盗、遗失）。运行中的汇集中心数秒内生效，不用重启；恢复使用须换新密钥和新证书。',
        en: 'revoke the certificate and key of a box (stolen, lost). A running collector acts within seconds; coming back takes a new key and certificate.',
      }),
    )
    .argument('<box>', say({ zh: '盒子编号', en: 'box id' }))
    .requiredOption(...config)
    .requiredOption('--reason <text>', say({ zh: '原因，将写入证据', en: 'why; it becomes evidence' }))
    .option(
      '--certificate <file>',
      say({ zh: '证书文件，缺省取盒子证书目录中的', en: 'the certificate, if it is not among the enrolled ones' }),
    )
    .option(...authority)
    .option(...crl)
    .option(...jsonOption(terminal))
    .action(async (box: string, options: RevokeOptions) => {
      const configuration = await load(options, terminal)
      if (!configuration) return
      const files = crlFiles(options)
      if (!files.ok) return terminal.fail(options, files.error)
      const { revokeBox } = await import('#collector/fleet/revoke-box.ts')
      const { reason, certificate } = options
      const atMs = Date.now()
      const revoked = revokeBox(configuration, {
        box,
        reason,
        atMs,
        ...(certificate ? { certificate: resolve(certificate) } : {}),
      })
      if (!revoked.ok) return terminal.fail(options, revoked.error)
      const list = files.value ? await writeCrl(configuration, files.value) : undefined
      if (list && !list.ok) return terminal.fail(options, list.error)
      const { serial } = revoked.value
      const value = { ok: true, box, serial, ...(list ? { crl: list.value } : {}) }
      terminal.print(options, value, () =>
        afterwards(configuration, { box, serial, ...(list ? { crl: list.value } : {}) }, say),
      )
    })

  collector
    .command('crl')
    .description(
      say({
        zh: '写出吊销名单，供 Mosquitto 的 crlfile 使用；还没有吊销时名单为空',
        en: 'write the list of revoked certificates for the crlfile of Mosquitto; empty as long as none is',
      }),
    )
    .requiredOption(...config)
    .requiredOption(...authority)
    .requiredOption(...crl)
    .option(...jsonOption(terminal))
    .action(async (options: CrlOptions) => {
      const configuration = await load(options, terminal)
      if (!configuration) return
      const files = crlFiles(options)
      if (!files.ok) return terminal.fail(options, files.error)
      const list = await writeCrl(configuration, files.value!)
      if (!list.ok) return terminal.fail(options, list.error)
      terminal.print(options, { ok: true, crl: list.value }, () => reread(list.value, say))
    })
}

/** The files that a list needs; checked before anything is done. */
function crlFiles(options: CrlOptions): Result<{ authority: string; crl: string } | undefined> {
  if (!options.authority && !options.crl) return ok(undefined)
  if (!options.authority || !options.crl) {
    return fail('authority-missing', 'a list of revoked certificates needs both --authority and --crl')
  }
  const authority = resolve(options.authority)
  if (!existsSync(join(authority, 'ca.key'))) return fail('authority-missing', `${authority} has no ca.key`)
  return ok({ authority, crl: resolve(options.crl) })
}

async function writeCrl(
  { identity }: CollectorConfiguration,
  files: { authority: string; crl: string },
): Promise<Result<string>> {
  const [{ readRevoked, REVOKED_FILE }, { openAuthority }, { createSystemClock }, { writeFileAtomic }] =
    await Promise.all([
      import('#collector/fleet/revoked-file.ts'),
      import('#provisioning/authority.ts'),
      import('#runtime/system-clock.ts'),
      import('#runtime/atomic-file.ts'),
    ])
  const revoked = readRevoked(join(identity, REVOKED_FILE))
  if (!revoked.ok) return revoked
  const authority = await openAuthority(files.authority, { clock: createSystemClock() })
  if (!authority.ok) return authority
  const previous = existsSync(files.crl) ? readFileSync(files.crl, 'utf8') : undefined
  const certificates = revoked.value.map(({ serial, atMs }) => ({ serial, atWallMs: atMs }))
  const list = await authority.value.issueCrl(certificates, previous)
  if (!list.ok) return list
  writeFileAtomic(files.crl, list.value)
  return ok(files.crl)
}

function afterwards(
  { broker }: CollectorConfiguration,
  done: { box: string; serial: string; crl?: string },
  say: Terminal['say'],
): string {
  const { box, serial, crl } = done
  const lines = [say({ zh: `已吊销 ${box}（证书 ${serial}）。`, en: `revoked ${box} (certificate ${serial}).` })]
  if (broker.embedded) {
    lines.push(
      say({
        zh: '运行中的汇集中心会在数秒内切断它的连接并拒绝新的连接。',
        en: 'A running collector cuts its connection within seconds and refuses new ones.',
      }),
    )
    return lines.join('\n')
  }
  lines.push(
    say({
      zh: '从现在起，汇集中心不再接收它签名的数据，也不再向它发邀评。',
      en: 'From now on the collector takes nothing that it signs, and sends it no prompts.',
    }),
  )
  lines.push(
    crl
      ? reread(crl, say)
      : say({
          zh: '消息服务仍会接受它的连接：请在有签发机构的机器上运行 chuangping collector crl，更新 crlfile。',
          en: 'The broker still lets it connect: run chuangping collector crl where the authority is, and update the crlfile.',
        }),
  )
  return lines.join('\n')
}

function reread(crl: string, say: Terminal['say']): string {
  return say({
    zh: `吊销名单已写入 ${crl}。让 Mosquitto 重新读取：systemctl kill --signal=HUP mosquitto
此后它拒绝新的连接；已经连上的要断开一次才会被拒绝，需立即切断请重启：systemctl restart mosquitto（其他盒子会自动重连，不丢数据）。`,
    en: `The list is in ${crl}. Have Mosquitto read it: systemctl kill --signal=HUP mosquitto
It then refuses new connections. One that is open stays so until it ends; to cut it now: systemctl restart mosquitto (the other boxes connect again by themselves and lose nothing).`,
  })
}
