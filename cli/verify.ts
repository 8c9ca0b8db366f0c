import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import type { VerifyFault } from '#collector/verify/fault.ts'
import type { VerifyResult, VerifyStage } from '#collector/verify/verify-store.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { readIdentityOf } from './collector-files.ts'
import { createProgressLine } from './progress-line.ts'
import { jsonOption, type Terminal } from './terminal.ts'
import { FAULT_TEXTS, NOTE_TEXTS, STAGE_TEXTS } from './verify-words.ts'

interface VerifyOptions {
  config?: string
  store?: string
  evidence?: string
  key?: string
  openingKeys?: string
  everySignature?: boolean
  limit: number
  jobs?: number
  work: string
  json?: boolean
}

/** What is to be verified, and with which keys. */
interface Subject {
  path: string
  isFile: boolean
  collectorKey?: KeyObject
  openingKeys?: KeyObject[]
}

const EXIT_FAULTS = 1
const EXIT_NOT_READABLE = 2
/** A file system for files, not for memory, where there is one. */
const WORK_FOLDER = existsSync('/var/tmp') ? '/var/tmp' : tmpdir()

/** `verify`: whether a store, or exported evidence, is what was signed. Exit code 0 clean, 1 faults, 2 not readable. */
export function addVerifyCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  program
    .command('verify')
    .summary(
      say({
        zh: '核验全部证据与由其得出的各表',
        en: 'check all evidence and every table that follows from it',
      }),
    )
    .description(
      say({
        zh: '核验全部证据与由其得出的各表，指出有问题的那一条。只读；汇集中心运行时也可核验。\n退出码：0 无误，1 有问题，2 读不了。示例：chuangping verify --config collector.yaml',
        en: 'Check all evidence and every table that follows from it, and name what is wrong. Reads only; a collector may be running.\nExit code: 0 clean, 1 faults, 2 not readable. Example: chuangping verify --config collector.yaml',
      }),
    )
    .option(
      '--config <file>',
      say({ zh: '汇集中心配置：核验其数据', en: "the collector's configuration: check its store" }),
    )
    .option('--store <file>', say({ zh: '数据文件的副本（须同时给 --key）', en: 'a copy of a store (with --key)' }))
    .option('--evidence <file>', say({ zh: '导出的证据文件', en: 'an exported evidence file' }))
    .option('--key <file>', say({ zh: '汇集中心签名公钥（PEM）', en: "the collector's public signing key (PEM)" }))
    .option(
      '--opening-keys <folder>',
      say({ zh: '开封密钥目录，用于核对等级', en: 'folder of opening keys, to compare grades' }),
    )
    .option(
      '--every-signature',
      say({
        zh: '逐个验证所有签名，包括每日摘要已覆盖的',
        en: 'check each signature, also where a daily digest covers it',
      }),
    )
    .option('--limit <n>', say({ zh: '最多列出的问题数', en: 'how many faults are listed' }), parseCount, 100)
    .option('--jobs <n>', say({ zh: '线程数，缺省每核一个', en: 'threads; by default one for each core' }), parseCount)
    .option('--work <folder>', say({ zh: '临时文件目录', en: 'folder for temporary files' }), WORK_FOLDER)
    .option(...jsonOption(terminal))
    .action((options: VerifyOptions) => verify(options, terminal))
}

async function verify(options: VerifyOptions, terminal: Terminal): Promise<void> {
  const subject = await subjectOf(options)
  const verified = subject.ok ? await run(subject.value, options, terminal) : subject
  if (!verified.ok) {
    terminal.fail(options, verified.error)
    process.exitCode = EXIT_NOT_READABLE
    return
  }
  const result = verified.value
  const { faultCount, ...rest } = result
  terminal.print(options, { ok: faultCount === 0, ...rest, faultCount }, () => describe(result, terminal))
  if (faultCount > 0) process.exitCode = EXIT_FAULTS
}

async function run(subject: Subject, options: VerifyOptions, terminal: Terminal): Promise<Result<VerifyResult>> {
  const { everySignature = false, limit: faultsMax, work: workFolder, jobs } = options
  const { path, collectorKey, openingKeys } = subject
  const common = { path, everySignature, faultsMax, workFolder }
  const line = createProgressLine(process.stderr)
  const show = (stage: VerifyStage, done: number, total?: number) =>
    line.show(terminal.say(STAGE_TEXTS[stage]), done, total)
  try {
    if (subject.isFile) {
      const { verifyEvidenceFile } = await import('#collector/verify/verify-file.ts')
      const onProgress = (entries: number) => show('evidence', entries)
      return verifyEvidenceFile({ ...common, onProgress, ...(collectorKey ? { collectorKey } : {}) })
    }
    const { verifyStore } = await import('#collector/verify/verify-store.ts')
    const keys = { collectorKey: collectorKey!, ...(openingKeys ? { openingKeys } : {}) }
    return await verifyStore({ ...common, ...keys, onProgress: show, ...(jobs ? { jobs } : {}) })
  } finally {
    line.end()
  }
}

async function subjectOf(options: VerifyOptions): Promise<Result<Subject>> {
  const { config, store, evidence } = options
  if ([config, store, evidence].filter(value => value !== undefined).length !== 1) {
    return fail('what-to-verify', 'give exactly one of --config, --store, --evidence')
  }
  const key = options.key === undefined ? undefined : readPublicKey(options.key)
  if (key && !key.ok) return key
  const { openingKeys: folder } = options
  const opening = folder === undefined ? undefined : await readOpening(folder)
  if (opening && !opening.ok) return opening
  const given = { ...(key ? { collectorKey: key.value } : {}), ...(opening ? { openingKeys: opening.value } : {}) }
  if (evidence !== undefined) return ok({ path: resolve(evidence), isFile: true, ...given })
  if (store !== undefined) {
    if (!key) return fail('key-missing', '--store needs --key, the public signing key of the collector')
    return ok({ path: resolve(store), isFile: false, ...given })
  }
  const own = await readIdentityOf(config!)
  return own.ok ? ok({ ...own.value, isFile: false, ...given }) : own
}

async function readOpening(folder: string): Promise<Result<KeyObject[]>> {
  const { readOpeningKeys } = await import('#collector/opening/opening.ts')
  try {
    const keys = readOpeningKeys(folder)
    return keys.length > 0 ? ok(keys) : fail('opening-keys-missing', `${folder} holds no *.key`)
  } catch (error) {
    // A folder that is not there, or a file in it that is no key.
    return fail(
      'opening-keys-not-readable',
      `${folder}: ${(error as NodeJS.ErrnoException).code ?? 'not a private key'}`,
    )
  }
}

function readPublicKey(file: string): Result<KeyObject> {
  try {
    return ok(createPublicKey(readFileSync(file)))
  } catch (error) {
    // A file that is missing or holds no key.
    return fail('key-not-readable', `${file}: ${(error as NodeJS.ErrnoException).code ?? 'no public key'}`)
  }
}

function parseCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1) return count
  throw new InvalidArgumentError('≥ 1')
}

function describe(result: VerifyResult, terminal: Terminal): string {
  const { say } = terminal
  const { entries, batches, chains, prompts, notes, faults, faultCount } = result
  const number = (count: number) => count.toLocaleString('en')
  const more = faultCount - faults.length
  return [
    say({
      zh: `已核验 ${number(entries)} 条、${number(batches)} 批、${number(chains)} 条链；邀评 ${number(prompts.opened)}，已有结果 ${number(prompts.ended)}，未结束 ${number(prompts.open)}`,
      en: `checked ${number(entries)} entries, ${number(batches)} batches, ${number(chains)} chains; prompts ${number(prompts.opened)}, ended ${number(prompts.ended)}, open ${number(prompts.open)}`,
    }),
    ...notes.map(note => `! ${say(NOTE_TEXTS[note.code])}${'entries' in note ? ` (${number(note.entries)})` : ''}`),
    ...faults.map(fault => `✗ ${describeFault(fault, terminal)}`),
    ...(more > 0 ? [say({ zh: `……另有 ${number(more)} 处`, en: `… and ${number(more)} more` })] : []),
    faultCount === 0
      ? say({ zh: '✓ 没有发现问题', en: '✓ nothing is wrong' })
      : say({
          zh: `✗ 共 ${number(faultCount)} 处问题，处置见 docs/evidence.md`,
          en: `✗ ${number(faultCount)} faults: see docs/evidence.md`,
        }),
  ].join('\n')
}

function describeFault(
  { code, table, row, columns, position, box, epoch, seq, detail }: VerifyFault,
  { say }: Terminal,
) {
  const place = [
    `${say({ zh: '表', en: 'table' })} ${table}`,
    ...(row === undefined ? [] : [`${say({ zh: '行', en: 'row' })} ${row}`]),
    ...(columns ? [`${say({ zh: '列', en: 'columns' })} ${columns.join(', ')}`] : []),
    ...(position === undefined ? [] : [`${say({ zh: '位置', en: 'position' })} ${position}`]),
    ...(box === undefined ? [] : [`${say({ zh: '盒子', en: 'box' })} ${box}`]),
    ...(epoch === undefined ? [] : [`${say({ zh: '纪元', en: 'epoch' })} ${epoch}`]),
    ...(seq === undefined ? [] : [`${say({ zh: '序号', en: 'seq' })} ${seq}`]),
  ]
  return `${code} ${say(FAULT_TEXTS[code])}\n    ${place.join(' · ')}\n    ${detail}`
}

/** SHA-256 over the SubjectPublicKeyInfo: what people compare by eye. */
export function fingerprintOf(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ format: 'der', type: 'spki' }))
    .digest('hex')
}
