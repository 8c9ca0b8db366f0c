import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Identity, loadIdentity } from '#agent/identity.ts'
import { type Card, readCard } from '#agent/journal/card.ts'
import { createParcels } from '#agent/uplink/parcels.ts'
import { EnrolmentSchema } from '#protocol/enrolment.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { loadYaml } from '#runtime/configuration.ts'
import { durationMs } from '#runtime/duration.ts'
import { createProgressLine } from './progress-line.ts'
import { deliverCard } from './recover-deliver.ts'
import { describeCard, sayCard } from './recover-words.ts'
import { writeStickFile } from './stick-file.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface RecoverOptions {
  identity?: string
  journal?: string
  show?: boolean
  to?: string
  broker?: string
  timeout: string
  json?: boolean
}

/** Delivered, but entries in between were damaged beyond reading, or a store could not be read at all. */
const EXIT_DAMAGED = 3
/** Not everything has its receipt: what is missing can be delivered by running it again. */
const EXIT_NOT_DELIVERED = 4

/** `recover`: what a pulled card holds reaches the collector from another machine. */
export function addRecoverCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  program
    .command('recover')
    .summary(say({ zh: '从拔下的存储卡中取回评价并送达', en: 'deliver what a pulled card still holds' }))
    .description(
      say({
        zh: '盒子损坏、存储卡还在时：在另一台机器上读出卡中的日志链，列出所含内容，并以该盒子的身份送达汇集中心，直到全部取得回执。\n不向卡写入任何内容；损坏的日志链逐条按哈希核对，能证明的都取回。等级始终是封存的，本命令看不到，也不显示办件编号。\n同一盒子不得同时在线：代理以盒子编号连接，会互相顶替。重复执行不会重复计数。\n示例：\n  chuangping recover /media/card/var/lib/chuangping --show      只查看\n  chuangping recover /media/card/var/lib/chuangping             经网络送达\n  chuangping recover /media/card/var/lib/chuangping --to /media/usb/box.parcel   写成摆渡包\n退出码：0 全部送达（或查看完毕）；1 无法读取；3 已送达，但有条目损坏、无法取回；4 尚未全部送达，可再次执行。',
        en: 'For a box that is broken while its card is not: read the journal of the card on another machine, say what it holds, and deliver it to the collector in the name of that box until everything has its receipt.\nNothing is written to the card. A damaged journal is checked entry by entry, and what its hashes prove is delivered. Grades stay sealed: this command cannot see them, and shows no case number.\nThe box itself must be off: two connections under one name take it from each other. Running it again counts nothing twice.\nExamples:\n  chuangping recover /media/card/var/lib/chuangping --show      only look\n  chuangping recover /media/card/var/lib/chuangping             deliver over the network\n  chuangping recover /media/card/var/lib/chuangping --to /media/usb/box.parcel   write a parcel to carry\nExit codes: 0 delivered (or shown); 1 not readable; 3 delivered, but entries were damaged beyond recovery; 4 not everything is delivered, run it again.',
      }),
    )
    .argument(
      '<folder>',
      say({ zh: '盒子的文件夹，内有 identity 与 journal', en: 'folder of the box, with identity and journal in it' }),
    )
    .option(
      '--identity <folder>',
      say({ zh: '身份文件夹，缺省为其中的 identity', en: 'identity folder; by default the one in it' }),
    )
    .option(
      '--journal <folder>',
      say({ zh: '日志链文件夹，缺省为其中的 journal', en: 'journal folder; by default the one in it' }),
    )
    .option('--show', say({ zh: '只列出内容，不送达', en: 'say what it holds and deliver nothing' }))
    .option(
      '--to <file>',
      say({
        zh: '不经网络，写成摆渡包（用 chuangping import 导入）',
        en: 'write a parcel for chuangping import instead of using the network',
      }),
    )
    .option(
      '--broker <url>',
      say({ zh: '消息代理地址，缺省按身份文件', en: 'address of the broker, if another than the identity says' }),
    )
    .option(
      '--timeout <duration>',
      say({ zh: '多久没有进展就停止', en: 'how long without progress before it stops' }),
      '30min',
    )
    .option(...jsonOption(terminal))
    .action((folder: string, options: RecoverOptions) => recover(folder, options, terminal))
}

async function recover(folder: string, options: RecoverOptions, terminal: Terminal): Promise<void> {
  const identity = readIdentity(options.identity ?? join(folder, 'identity'))
  if (!identity.ok) return terminal.fail(options, identity.error)
  if (!/^[0-9]{1,8}(ms|s|min|h|d)$/.test(options.timeout)) {
    return terminal.fail(options, {
      code: 'bad-duration',
      detail: `--timeout ${options.timeout}: write it as 30min or 2h`,
    })
  }
  const scratch = mkdtempSync(join(tmpdir(), 'chuangping-recover-'))
  try {
    const card = openCard(resolve(options.journal ?? join(folder, 'journal')), identity.value.box, scratch)
    if (!card.ok) return terminal.fail(options, card.error)
    try {
      await take(card.value, identity.value, options, terminal)
    } finally {
      card.value.close()
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

async function take(card: Card, identity: Identity, options: RecoverOptions, terminal: Terminal): Promise<void> {
  const held = describeCard(card, identity.box)
  const isDamaged = card.unreadable.length > 0 || card.chains.some(({ holes }) => holes.length > 0)
  if (!options.json) process.stdout.write(`${sayCard(held, terminal)}\n`)
  if (options.show || held.entries === 0) {
    if (isDamaged) process.exitCode = EXIT_DAMAGED
    if (options.json) terminal.print(options, { ok: true, ...held }, () => '')
    return
  }
  if (options.to !== undefined) return await pack(card, identity, { ...options, to: options.to }, held, terminal)
  const delivered = await deliverCard(card, identity, {
    broker: options.broker ?? identity.brokerUrl,
    patienceMs: durationMs(options.timeout),
    terminal,
  })
  if (delivered.left > 0) process.exitCode = EXIT_NOT_DELIVERED
  else if (isDamaged) process.exitCode = EXIT_DAMAGED
  terminal.print(options, { ok: delivered.left === 0, ...held, ...delivered }, () =>
    delivered.left === 0
      ? terminal.say({ zh: '全部条目已有汇集中心的回执。', en: 'Every entry has the receipt of the collector.' })
      : terminal.say({
          zh: `还有 ${delivered.left} 条没有回执（${delivered.why}）。可再次执行。`,
          en: `${delivered.left} entries have no receipt (${delivered.why}). Run it again.`,
        }),
  )
}

async function pack(
  card: Card,
  identity: Identity,
  options: RecoverOptions & { to: string },
  held: object,
  terminal: Terminal,
): Promise<void> {
  const parcels = createParcels({
    ...identity,
    chains: () => card.chains.map(({ chain }) => chain),
    receiptBrought: () => fail('not-here', 'receipts of a card are of no use: the box is gone'),
    onFailure(error) {
      throw error
    },
  })
  const file = resolve(options.to)
  const line = createProgressLine(process.stderr)
  const words = terminal.say({ zh: '已写 KiB', en: 'KiB written' })
  const written = await writeStickFile(file, parcels.pack().bytes, bytes => line.show(words, Math.round(bytes / 1024)))
  line.end()
  if (!written.ok) return terminal.fail(options, written.error)
  terminal.print(options, { ok: true, ...held, file, bytes: written.value }, () =>
    terminal.say({
      zh: `已写入 ${file}。在汇集中心导入：chuangping import ${file}`,
      en: `written to ${file}. At the collector: chuangping import ${file}`,
    }),
  )
}

function readIdentity(folder: string): Result<Identity> {
  const enrolment = loadYaml(join(folder, 'enrolment.yaml'), EnrolmentSchema)
  return enrolment.ok ? loadIdentity(resolve(folder), enrolment.value) : enrolment
}

function openCard(directory: string, box: string, scratch: string): Result<Card> {
  try {
    const card = readCard(directory, box, scratch)
    if (card.chains.length > 0 || card.unreadable.length > 0) return ok(card)
    card.close()
    return fail('no-journal', `${directory} holds no journal`)
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return fail('card-not-readable', `${path ?? directory}: ${code}`)
  }
}
