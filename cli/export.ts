import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { ParcelPart, TakenReceipts } from '#agent/uplink/parcels.ts'
import { isParcel } from '#protocol/parcel.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { openBoxParcels } from './box-parcels.ts'
import { createProgressLine } from './progress-line.ts'
import { writeStickFile } from './stick-file.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface ExportOptions {
  config: string
  to: string
  json?: boolean
}

/** `export` and `receipts take`: what is done at a box whose link is down for long. */
export function addExportCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  const config = [
    '--config <file>',
    say({ zh: '盒子的配置文件（YAML）', en: "the box's configuration (YAML)" }),
  ] as const
  program
    .command('export')
    .summary(say({ zh: '把尚无回执的条目导出为摆渡包', en: 'write what has no receipt yet to a file that is carried' }))
    .description(
      say({
        zh: '线路长期不通时，把尚无回执的全部条目写成一个文件（摆渡包），用优盘送到汇集中心导入。盒子运行中即可导出，不影响评价。\n文件只有汇集中心打得开；优盘丢失不会泄露任何内容。导出不删除任何条目：只有带回的回执才算送达，可以反复导出。\n全过程：\n  1. 盒子：chuangping export --config agent.yaml --to /media/usb\n  2. 中心：chuangping import /media/usb/*.parcel --receipts /media/usb/receipts.txt\n  3. 盒子：chuangping receipts take /media/usb/receipts.txt --config agent.yaml',
        en: 'Where the link is down for long: write everything without a receipt to one file (a parcel), to be carried to the collector on a stick. The box may be running; ratings go on.\nOnly the collector can open the file: a lost stick tells nothing. Exporting removes nothing, and may be repeated: only receipts that are carried back count as delivered.\nThe whole way:\n  1. box:       chuangping export --config agent.yaml --to /media/usb\n  2. collector: chuangping import /media/usb/*.parcel --receipts /media/usb/receipts.txt\n  3. box:       chuangping receipts take /media/usb/receipts.txt --config agent.yaml',
      }),
    )
    .requiredOption(...config)
    .requiredOption(
      '--to <path>',
      say({
        zh: '要写的新文件；给出文件夹则自动取名（不含盒子编号）',
        en: 'the new file; in a folder it gets a name of its own (without the box id)',
      }),
    )
    .option(...jsonOption(terminal))
    .action((options: ExportOptions) => exportParcel(options, terminal))

  const receipts = program
    .command('receipts')
    .description(say({ zh: '从汇集中心带回的回执', en: 'receipts that were carried back from the collector' }))
  receipts
    .command('take')
    .description(
      say({
        zh: '收下带回的回执，此后这些条目不再导出。文件可含多台盒子的回执，各取自己的；可以重复执行。回执由汇集中心签名，伪造、改动或不完整的文件一条也不收。\n示例：chuangping receipts take /media/usb/receipts.txt --config agent.yaml',
        en: 'Take the receipts that were carried back; those entries are exported no more. The file may hold receipts of many boxes, each takes its own; it may be repeated. The collector signed them: of a file that is forged, altered or cut none is taken.\nExample: chuangping receipts take /media/usb/receipts.txt --config agent.yaml',
      }),
    )
    .argument('<file>', say({ zh: '回执文件', en: 'the file of receipts' }))
    .requiredOption(...config)
    .option(...jsonOption(terminal))
    .action((file: string, options: ExportOptions) => takeReceipts(file, options, terminal))
}

async function exportParcel(options: ExportOptions, terminal: Terminal): Promise<void> {
  const { say } = terminal
  const target = chooseFile(options.to)
  if (!target.ok) return terminal.fail(options, target.error)
  const box = await openBoxParcels(options.config, process.env)
  if (!box.ok) return terminal.fail(options, box.error)
  try {
    const packed = await box.value.pack()
    if (!packed.ok) return terminal.fail(options, packed.error)
    const { parts, bytes } = packed.value
    const entries = parts.reduce((sum, part) => sum + part.entries, 0)
    if (entries === 0) {
      const nothing = say({ zh: '没有尚无回执的条目，未写文件', en: 'everything has its receipt; no file was written' })
      // Taken to its end, so that the agent is not left with half an answer.
      for await (const _ of bytes);
      return terminal.print(options, { ok: true, entries: 0, parts: [] }, () => nothing)
    }
    const written = await writeParcel(target.value, bytes, say({ zh: '已写 KiB', en: 'KiB written' }))
    if (!written.ok) return terminal.fail(options, written.error)
    const value = { ok: true, file: target.value, bytes: written.value, entries, parts }
    terminal.print(options, value, () => describeExport(target.value, entries, parts, terminal))
  } finally {
    box.value.close()
  }
}

function describeExport(file: string, entries: number, parts: readonly ParcelPart[], { say }: Terminal): string {
  const spans = parts.map(({ epoch, after, to }) => `  ${epoch.slice(0, 8)}…  ${after + 1}–${to}`)
  return [
    say({
      zh: `已导出 ${entries} 条到 ${file}，已写入磁盘，可以拔出优盘。条目仍保留在盒子里，直到带回回执。`,
      en: `${entries} entries written to ${file} and on its disk: the stick can be pulled. The box keeps them until their receipts are carried back.`,
    }),
    ...spans,
  ].join('\n')
}

/** The file to write: the path itself, or in a folder a name that tells nothing. */
function chooseFile(path: string): Result<string> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  const file = isFolder ? join(path, `chuangping-${randomBytes(4).toString('hex')}.parcel`) : path
  return statSync(file, { throwIfNoEntry: false })
    ? fail('file-exists', `${file} is there already: name another, or a folder`)
    : ok(file)
}

/** The parcel as a file, or why there is none. */
async function writeParcel(file: string, bytes: AsyncIterable<Uint8Array>, words: string): Promise<Result<number>> {
  const line = createProgressLine(process.stderr)
  try {
    return await writeStickFile(file, bytes, written => line.show(words, Math.round(written / 1024)))
  } catch (error) {
    const { code = '', name, message } = error as NodeJS.ErrnoException
    if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') {
      return fail('agent-broke-off', 'the agent ended the export before it was whole: see its log')
    }
    if (!code.startsWith('SQLITE_') && name !== 'StoreDamaged') throw error
    return fail('journal-damaged', `${message}. Start the agent once: it saves what is whole; then export again`)
  } finally {
    line.end()
  }
}

async function takeReceipts(file: string, options: ExportOptions, terminal: Terminal): Promise<void> {
  const read = readSmall(file)
  if (!read.ok) return terminal.fail(options, read.error)
  const box = await openBoxParcels(options.config, process.env)
  if (!box.ok) return terminal.fail(options, box.error)
  try {
    const taken = await box.value.takeReceipts(read.value)
    if (!taken.ok) return terminal.fail(options, { ...taken.error, detail: `${file}: ${taken.error.detail}` })
    const isAllTaken = taken.value.refused.length === 0
    if (!isAllTaken) process.exitCode = 1
    terminal.print(options, { ok: isAllTaken, ...taken.value }, () => describeTaken(taken.value, terminal))
  } finally {
    box.value.close()
  }
}

function describeTaken({ taken, refused, backlog }: TakenReceipts, { say }: Terminal): string {
  return [
    ...taken.map(({ epoch, seq }) =>
      say({
        zh: `${epoch.slice(0, 8)}…：回执到第 ${seq} 条`,
        en: `${epoch.slice(0, 8)}…: receipted up to entry ${seq}`,
      }),
    ),
    ...refused.map(({ line, code, detail }) =>
      say({ zh: `第 ${line} 行未收 ${code}：${detail}`, en: `line ${line} not taken, ${code}: ${detail}` }),
    ),
    say({ zh: `尚无回执的条目：${backlog}`, en: `entries without a receipt: ${backlog}` }),
  ].join('\n')
}

const FILE_BYTES_MAX = 16 * 1024 * 1024

function readSmall(file: string): Result<Uint8Array> {
  const stat = statSync(file, { throwIfNoEntry: false })
  if (!stat?.isFile()) return fail('file-not-readable', `${file} is not there, or is no file`)
  if (stat.size > FILE_BYTES_MAX)
    return fail('not-receipts', `${file} has ${stat.size} bytes, at most ${FILE_BYTES_MAX}`)
  try {
    const bytes = readFileSync(file)
    return isParcel(bytes.subarray(0, 32))
      ? fail('not-receipts', `${file} is a parcel: it is imported at the collector (chuangping import)`)
      : ok(bytes)
  } catch (error) {
    return fail('file-not-readable', `${file}: ${(error as NodeJS.ErrnoException).code}`)
  }
}
