import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { FoundEntry } from '#collector/verify/find-entry.ts'
import { verifyBatch } from '#protocol/batch.ts'
import { parseHex, toHex } from '#protocol/codec.ts'
import type { Entry, EntryOf } from '#protocol/entry.ts'
import { isPromptRequestSigned } from '#protocol/prompt-request.ts'
import { isReceiptSigned } from '#protocol/receipt.ts'
import { type Message, recognise } from '#protocol/recognise.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { createOpener, sealingContext } from '#protocol/sealing.ts'
import { isTimeAnswerSigned } from '#protocol/time-answer.ts'
import { readIdentityOf } from './collector-files.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface ShowOptions {
  config?: string
  box?: string
  epoch?: string
  seq?: string
  key?: string
  openingKey?: string
  json?: boolean
}

/** What is shown: the message, what was checked of it, and the rating if an opening key was given. */
interface Shown {
  message: Message['message']
  value: unknown
  checks: Record<string, boolean>
  place?: object
  rating?: unknown
}

/** `entry show`: prints any entry, batch, receipt, status or prompt request, and says what of it holds. */
export function addEntryCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  program
    .command('entry')
    .description(
      say({
        zh: '查看条目、批、回执等的内容与真伪',
        en: 'look at entries, batches and receipts, and what of them holds',
      }),
    )
    .command('show')
    .argument('[bytes]', say({ zh: '十六进制、文件名，或 - 表示标准输入', en: 'hex, a file, or - for standard input' }))
    .description(
      say({
        zh: '显示条目、批、回执、状态或邀评请求，并说明哈希、签名、回执是否成立。\n评价等级只有在给出 --opening-key 时才显示。\n示例：chuangping entry show --config collector.yaml --box box-a01 --seq 5',
        en: 'Show an entry, batch, receipt, status or prompt request, and say whether hash, signature and receipt hold.\nA grade is shown only with --opening-key.\nExample: chuangping entry show --config collector.yaml --box box-a01 --seq 5',
      }),
    )
    .option(
      '--config <file>',
      say({ zh: '汇集中心配置：从其数据中查找', en: "the collector's configuration: look in its store" }),
    )
    .option('--box <id>', say({ zh: '盒子编号', en: 'box id' }))
    .option('--epoch <hex>', say({ zh: '纪元，缺省为最近的', en: 'epoch; by default the one written last' }))
    .option('--seq <n>', say({ zh: '序号', en: 'sequence number' }))
    .option(
      '--key <file>',
      say({ zh: '验证签名的公钥或证书（PEM）', en: 'public key or certificate to check with (PEM)' }),
    )
    .option(
      '--opening-key <file>',
      say({ zh: '开封密钥（PEM）：显示评价等级', en: 'opening key (PEM): show the grade' }),
    )
    .option(...jsonOption(terminal))
    .action(async (bytes: string | undefined, options: ShowOptions) => {
      const shown = await look(bytes, options)
      if (!shown.ok) return terminal.fail(options, shown.error)
      const readable = toReadable(shown.value) as Shown
      terminal.print(options, readable, () => describe(readable, terminal))
      if (Object.values(shown.value.checks).includes(false)) process.exitCode = 1
    })
}

async function look(argument: string | undefined, options: ShowOptions): Promise<Result<Shown>> {
  if (options.config) return await lookInStore(options.config, options)
  const bytes = await readBytes(argument)
  if (!bytes.ok) return bytes
  const known = recognise(bytes.value)
  if (!known.ok) return known
  const key = options.key ? readKey(options.key) : ok(undefined)
  if (!key.ok) return key
  const { message, value } = known.value
  return await withRating({ message, value, checks: checksOf(known.value, key.value) }, value as Entry, options)
}

async function lookInStore(config: string, options: ShowOptions): Promise<Result<Shown>> {
  const seq = Number(options.seq)
  if (!options.box || !Number.isInteger(seq)) return fail('place-missing', '--config needs --box and --seq')
  const epoch = options.epoch === undefined ? undefined : parseHex(options.epoch)
  if (options.epoch !== undefined && epoch?.length !== 16) return fail('epoch-not-valid', '--epoch is 32 hex digits')
  const files = await readIdentityOf(config)
  if (!files.ok) return files
  const { findEntry } = await import('#collector/verify/find-entry.ts')
  const place = { box: options.box, seq, ...(epoch && { epoch }) }
  const found = findEntry(files.value.path, place, files.value.collectorKey)
  if (!found.ok) return found
  const known = recognise(found.value.bytes)
  if (!known.ok) return known
  const { isHashRight, isLinked, isSigned, isReceipted, bytes: _bytes, ...where } = found.value satisfies FoundEntry
  const checks = { hash: isHashRight, link: isLinked, signature: isSigned, receipt: isReceipted }
  const { message, value } = known.value
  return await withRating({ message, value, checks, place: where }, value as Entry, { ...options, box: where.box })
}

/** Only what the machine that holds the opening key was told to open. */
async function withRating(shown: Shown, entry: Entry, options: ShowOptions): Promise<Result<Shown>> {
  const isRating = shown.message === 'entry' && (entry.kind === 'rating' || entry.kind === 'correction')
  if (!options.openingKey || !isRating) return ok(shown)
  if (!options.box) return fail('box-missing', 'a rating opens only with the box it came from: --box')
  const { prompt, sealed } = (entry as EntryOf<'rating'>).body
  let key: KeyObject
  try {
    key = createPrivateKey(readFileSync(options.openingKey))
  } catch (error) {
    return fail(
      'key-not-readable',
      `${options.openingKey}: ${(error as NodeJS.ErrnoException).code ?? 'no private key'}`,
    )
  }
  const opened = await (await createOpener([key])).open(sealed, sealingContext(options.box, prompt))
  return opened.ok ? ok({ ...shown, rating: opened.value }) : opened
}

function checksOf(known: Message, key: KeyObject | undefined): Record<string, boolean> {
  if (!key) return {}
  if (known.message === 'batch') return { signature: verifyBatch(known.value, key).ok }
  if (known.message === 'receipt') return { signature: isReceiptSigned(known.value, key) }
  if (known.message === 'prompt-request') return { signature: isPromptRequestSigned(known.value, key) }
  if (known.message === 'time-answer') return { signature: isTimeAnswerSigned(known.value, key) }
  return {}
}

async function readBytes(argument: string | undefined): Promise<Result<Uint8Array>> {
  if (argument === undefined) return fail('bytes-missing', 'give hex, a file, or -, or look in a store with --config')
  if (argument === '-') return ok(fromText(Buffer.concat(await process.stdin.toArray())))
  if (existsSync(argument)) return ok(fromText(readFileSync(argument)))
  const bytes = parseHex(argument.replaceAll(/\s/g, ''))
  return bytes ? ok(bytes) : fail('bytes-not-readable', 'the argument is neither hex nor a file')
}

/** A file may hold the bytes themselves, or their hex. */
function fromText(raw: Buffer): Uint8Array {
  const text = raw.toString('latin1').replaceAll(/\s/g, '')
  return (/^[0-9a-fA-F]+$/.test(text) ? parseHex(text) : undefined) ?? raw
}

function readKey(file: string): Result<KeyObject> {
  try {
    return ok(createPublicKey(readFileSync(file)))
  } catch (error) {
    return fail(
      'key-not-readable',
      `${file}: ${(error as NodeJS.ErrnoException).code ?? 'no public key or certificate'}`,
    )
  }
}

/** Bytes as hex, and the entries of a batch read. */
function toReadable(value: unknown): unknown {
  if (value instanceof Uint8Array) {
    const inner = recognise(value)
    return inner.ok && inner.value.message === 'entry' ? toReadable(inner.value.value) : toHex(value)
  }
  if (Array.isArray(value)) return value.map(toReadable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, toReadable(child)]))
}

const WORDS: Record<string, { zh: string; en: string }> = {
  entry: { zh: '条目', en: 'entry' },
  batch: { zh: '批', en: 'batch' },
  receipt: { zh: '回执', en: 'receipt' },
  status: { zh: '状态', en: 'status' },
  'prompt-request': { zh: '邀评请求', en: 'prompt request' },
  'time-answer': { zh: '授时', en: 'time answer' },
  hash: { zh: '哈希', en: 'hash' },
  link: { zh: '与上一条的衔接', en: 'link to the entry before' },
  signature: { zh: '签名', en: 'signature' },
}

/** The kind of an entry first, then when, then what. */
function inReadingOrder(shown: Shown): unknown {
  if (shown.message !== 'entry') return shown.value
  const { kind, time, body } = shown.value as Entry
  return { kind, time, body }
}

function describe(shown: Shown, { say }: Terminal): string {
  const word = (name: string) => (WORDS[name] ? say(WORDS[name]) : name)
  const lines = [word(shown.message), ...fields(inReadingOrder(shown), '  ')]
  if (shown.place) lines.push(say({ zh: '位置', en: 'place' }), ...fields(shown.place, '  '))
  for (const [name, holds] of Object.entries(shown.checks)) {
    lines.push(
      `${holds ? '✓' : '✗'} ${word(name)} ${say(holds ? { zh: '成立', en: 'holds' } : { zh: '不成立', en: 'does not hold' })}`,
    )
  }
  if (Object.keys(shown.checks).length === 0) {
    lines.push(
      say({
        zh: '未核验：单独一条没有可核验的内容，或未给 --key',
        en: 'nothing checked: it proves nothing by itself, or no --key',
      }),
    )
  }
  if (shown.rating) lines.push(say({ zh: '评价', en: 'rating' }), ...fields(shown.rating, '  '))
  return lines.join('\n')
}

/** One line per value, nested by indentation; a time of the wall beside its number. */
function fields(value: unknown, indent: string): string[] {
  if (typeof value !== 'object' || value === null) return [`${indent}${String(value)}`]
  return Object.entries(value).flatMap(([name, child]) => {
    if (typeof child === 'object' && child !== null) return [`${indent}${name}`, ...fields(child, `${indent}  `)]
    const isTime = typeof child === 'number' && /^(wall|at|truth|receivedAtMs)$/.test(name)
    return [`${indent}${name}: ${String(child)}${isTime ? `  (${new Date(child).toISOString()})` : ''}`]
  })
}
