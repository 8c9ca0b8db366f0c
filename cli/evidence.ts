import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import Database from 'better-sqlite3'
import type { Command } from 'commander'
import type { StoreSource } from '#collector/verify/store-source.ts'
import { fail, type Result } from '#protocol/result.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { readIdentityOf } from './collector-files.ts'
import { createProgressLine } from './progress-line.ts'
import { jsonOption, type Terminal } from './terminal.ts'
import { fingerprintOf } from './verify.ts'
import { STAGE_TEXTS } from './verify-words.ts'

interface ExportOptions {
  config: string
  out: string
  json?: boolean
}

/** `evidence export` and `digest export`: what somebody else can check, elsewhere. */
export function addEvidenceCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  const config = [
    '--config <file>',
    say({ zh: '汇集中心配置文件（YAML）', en: "the collector's configuration (YAML)" }),
  ] as const
  const out = ['--out <file>', say({ zh: '写入的新文件', en: 'the new file to write' })] as const
  program
    .command('evidence')
    .description(say({ zh: '证据的导出', en: 'evidence, to be checked elsewhere' }))
    .command('export')
    .description(
      say({
        zh: '把全部证据写成一个文件，交给他人用 chuangping verify --evidence 核验。不含开封密钥，等级仍是封存的；含办件编号，须妥善保管。',
        en: 'Write all evidence to one file, for chuangping verify --evidence. Grades stay sealed; case numbers are in it, so keep it well.',
      }),
    )
    .requiredOption(...config)
    .requiredOption(...out)
    .option(...jsonOption(terminal))
    .action((options: ExportOptions) => exportEvidence(options, terminal))
  program
    .command('digest')
    .description(say({ zh: '每日摘要的导出', en: 'daily digests, for a third party' }))
    .command('export')
    .description(
      say({
        zh: '写出某日某大厅的摘要及其依据，第三方用 scripts/check-digest.py 核验，无需本程序。不含个人信息。',
        en: 'Write the digest of a day and hall with what it was made over. scripts/check-digest.py checks it without this program. Nothing personal is in it.',
      }),
    )
    .requiredOption(...config)
    .requiredOption(
      '--day <day>',
      say({ zh: '日期（北京时间），如 2026-11-24', en: 'day by the calendar of China, as 2026-11-24' }),
    )
    .option(
      '--hall <hall>',
      say({ zh: '大厅编号；collector 为汇集中心自己的链', en: 'hall id; collector is its own chain' }),
      'default',
    )
    .option(
      '--out <file>',
      say({ zh: '写入的文件，缺省为标准输出', en: 'the file to write; by default standard output' }),
    )
    .option(...jsonOption(terminal))
    .action((options: DigestOptions) => exportOne(options, terminal))
}

async function exportEvidence(options: ExportOptions, terminal: Terminal): Promise<void> {
  const line = createProgressLine(process.stderr)
  let entries = 0
  const written = await withStore(options.config, async (source, collectorKey) => {
    const { writeEvidenceFile } = await import('#collector/verify/evidence-file.ts')
    const total = source.lastPosition()
    const onProgress = (more: number) => {
      entries += more
      line.show(terminal.say(STAGE_TEXTS.evidence), entries, total)
    }
    const result = writeEvidenceFile(source, resolve(options.out), collectorKey, onProgress)
    return result.ok ? { ...result, value: { ...result.value, key: fingerprintOf(collectorKey) } } : result
  })
  line.end()
  if (!written.ok) return terminal.fail(options, written.error)
  const { batches, key } = written.value
  terminal.print(options, { ok: true, entries: written.value.entries, batches, key, out: options.out }, () =>
    terminal.say({
      zh: `已写入 ${options.out}：${entries} 条、${batches} 批。汇集中心公钥指纹 ${key}，请另行告知核验方`,
      en: `written to ${options.out}: ${entries} entries, ${batches} batches. Fingerprint of the collector's key, to be told by another way: ${key}`,
    }),
  )
}

interface DigestOptions {
  config: string
  day: string
  hall: string
  out?: string
  json?: boolean
}

async function exportOne(options: DigestOptions, terminal: Terminal): Promise<void> {
  const { day, hall, out } = options
  const exported = await withStore(options.config, async (source, collectorKey) => {
    const { exportDigest } = await import('#collector/digest/export-digest.ts')
    return exportDigest(source, { hall, day, collectorKey })
  })
  if (!exported.ok) return terminal.fail(options, exported.error)
  const text = `${JSON.stringify(exported.value)}\n`
  if (out === undefined) return void process.stdout.write(text)
  writeFileAtomic(resolve(out), text)
  const entries = exported.value.leaves.length
  terminal.print(options, { ok: true, hall, day, entries, out }, () =>
    terminal.say({
      zh: `已写入 ${out}：${hall} ${day}，${entries} 条。核验：python3 scripts/check-digest.py ${out}`,
      en: `written to ${out}: ${hall} ${day}, ${entries} entries. To check it: python3 scripts/check-digest.py ${out}`,
    }),
  )
}

/** Opens the store of a configuration to read; a running collector is not disturbed. */
async function withStore<T>(
  config: string,
  use: (source: StoreSource, collectorKey: KeyObject) => Promise<Result<T>>,
): Promise<Result<T>> {
  const own = await readIdentityOf(config)
  if (!own.ok) return own
  const { openStoreSource } = await import('#collector/verify/store-source.ts')
  let source: StoreSource | undefined
  try {
    source = openStoreSource(own.value.path)
    return await use(source, own.value.collectorKey)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!(error instanceof Database.SqliteError) && code === undefined) throw error
    return fail('export-failed', code === 'EEXIST' ? 'the file is there already; it is never written over' : message)
  } finally {
    source?.close()
  }
}
