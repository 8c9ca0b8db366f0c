import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Command } from 'commander'
import { toHex } from '#protocol/codec.ts'
import { decodeReceipt } from '#protocol/receipt.ts'
import { isReceiptsFile, readReceiptsFile, writeReceiptsFile } from '#protocol/receipts-file.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { createImportClient, type ImportClient, type ParcelAnswer } from './import-client.ts'
import { describeImported, describeReceipts, type Imported } from './import-words.ts'
import { createProgressLine } from './progress-line.ts'
import { writeStickFile } from './stick-file.ts'
import { jsonOption, type Terminal } from './terminal.ts'

interface ImportOptions {
  receipts: string
  collector: string
  keyFile?: string
  giveUpMissing?: boolean
  json?: boolean
}

const KEY_VARIABLE = 'CHUANGPING_API_KEY'

/** `import`: at the collector, what boxes exported. */
export function addImportCommands(program: Command, terminal: Terminal): void {
  const { say } = terminal
  program
    .command('import')
    .summary(say({ zh: '在汇集中心导入盒子的摆渡包', en: 'take in what boxes exported, at the collector' }))
    .description(
      say({
        zh: '把盒子导出的摆渡包交给运行中的汇集中心，逐批核验入库，规则与线路上来的完全相同；并写出回执文件，带回盒子（chuangping receipts take）。\n可一次导入多个文件、多台盒子，先后不限；重复导入不会产生任何变化。文件损坏时，损坏处以前的整批照收，并说明坏在哪里。\n缺前面的条目时，后面的不收：先导入带有它们的文件。盒子确已丢失它们时用 --give-up-missing，缺口永久留存。\n密钥需有 fleet:write 权限（chuangping collector key add 导入 --scope fleet:write），用 --key-file 或环境变量 CHUANGPING_API_KEY 给出。退出码：0 全部收下，1 有问题。\n示例：chuangping import /media/usb/*.parcel --receipts /media/usb/receipts.txt --key-file import.key',
        en: 'Give the parcels of boxes to the running collector, which checks and commits each batch as if it had come over the link; and write the receipts to carry back (chuangping receipts take).\nMany files of many boxes at once, in any order; importing again changes nothing. Of a damaged file the whole batches before the damage are taken, and it is said where that is.\nWhat comes behind missing entries is not taken: import the file that has them first. Where the box has lost them, --give-up-missing; the gap stays for ever.\nThe key needs the scope fleet:write (chuangping collector key add NAME --scope fleet:write); give it by --key-file or CHUANGPING_API_KEY in the environment. Exit code: 0 all taken, 1 something was wrong.\nExample: chuangping import /media/usb/*.parcel --receipts /media/usb/receipts.txt --key-file import.key',
      }),
    )
    .argument('<files...>', say({ zh: '摆渡包，可多个', en: 'parcels, one or more' }))
    .requiredOption(
      '--receipts <path>',
      say({
        zh: '回执文件，或存放它的文件夹；已有的回执文件会并入',
        en: 'file of receipts to write, or a folder for it; one that is there is added to',
      }),
    )
    .option(
      '--collector <url>',
      say({ zh: '汇集中心接口地址', en: "address of the collector's API" }),
      'http://127.0.0.1:8640',
    )
    .option('--key-file <file>', say({ zh: '存有接口密钥的文件', en: 'file that holds the API key' }))
    .option(
      '--give-up-missing',
      say({ zh: '放弃缺少的条目，接收其后的', en: 'give up missing entries and take what is behind them' }),
    )
    .option(...jsonOption(terminal))
    .action((files: string[], options: ImportOptions) => importParcels(files, options, terminal))
}

async function importParcels(files: string[], options: ImportOptions, terminal: Terminal): Promise<void> {
  const key = readKey(options)
  if (!key.ok) return terminal.fail(options, key.error)
  const kept = readKept(options.receipts)
  if (!kept.ok) return terminal.fail(options, kept.error)
  const client = createImportClient(options.collector, key.value, terminal.language)
  const imported = await importAll(client, files, options)
  const receipts = collectReceipts(kept.value.receipts, imported)
  const written = receipts.length > 0 ? await writeReceipts(kept.value.file, receipts) : ok(0)
  if (!written.ok) return terminal.fail(options, written.error)
  const isAllTaken = imported.every(one => one.ok)
  if (!isAllTaken) process.exitCode = 1
  const value = {
    ok: isAllTaken,
    files: imported.map(viewOf),
    receipts: { file: kept.value.file, receipts: receipts.length },
  }
  terminal.print(options, value, () =>
    [
      ...imported.flatMap(one => describeImported(one, terminal)),
      describeReceipts(kept.value.file, receipts.length, terminal),
    ].join('\n'),
  )
}

/** Every file once; those with something missing again, as long as that brings anything. */
async function importAll(client: ImportClient, files: string[], options: ImportOptions): Promise<Imported[]> {
  const results = new Map<string, Imported>()
  const giveUpMissing = options.giveUpMissing ?? false
  const pass = async (some: readonly string[], giveUp: boolean) => {
    let isProgress = false
    for (const file of some) {
      const before = results.get(file)?.answer
      const now = await importOne(client, file, giveUp)
      isProgress ||= (now.answer?.entries.new ?? 0) > 0
      results.set(file, withBefore(now, before))
    }
    return isProgress
  }
  const behindGap = () => files.filter(file => results.get(file)?.answer?.chains.some(chain => chain.missing))
  let isProgress = await pass(files, false)
  while (isProgress && behindGap().length > 0) isProgress = await pass(behindGap(), false)
  // Only now is it known that no file at hand has them. In the order given: each may close the gap of the next.
  if (giveUpMissing) await pass(behindGap(), true)
  return files.map(file => results.get(file)!)
}

/** What a file brought in an earlier pass counts as new, not as known before. */
function withBefore(now: Imported, before: ParcelAnswer | undefined): Imported {
  if (!before || !now.answer) return now
  const { new: fresh, known } = now.answer.entries
  const entries = { new: fresh + before.entries.new, known: Math.max(0, known - before.entries.new) }
  return { ...now, answer: { ...now.answer, entries } } as Imported
}

async function importOne(client: ImportClient, file: string, giveUpMissing: boolean): Promise<Imported> {
  const line = createProgressLine(process.stderr)
  try {
    const size = checkFile(file)
    if (!size.ok) return { file, ok: false, problem: size.error }
    const sent = await client.send(file, { giveUpMissing }, bytes => line.show(basename(file), bytes, size.value))
    if (!sent.ok) return { file, ok: false, problem: sent.error }
    const problem = problemOf(sent.value)
    return problem ? { file, ok: false, answer: sent.value, problem } : { file, ok: true, answer: sent.value }
  } finally {
    line.end()
  }
}

/** The first thing that keeps an import from being whole. */
function problemOf({ fault, refused, chains }: ParcelAnswer): { code: string; detail: string } | undefined {
  if (fault) return fault
  const behind = chains.find(chain => chain.missing)
  if (behind?.missing) {
    const { from, to } = behind.missing
    return { code: 'missing-before', detail: `entries ${from} to ${to} of ${behind.box} are not there yet` }
  }
  const [first] = refused
  return (
    first && { code: 'batches-refused', detail: `${refused.length} batches, the first: ${first.code}, ${first.detail}` }
  )
}

/** The size of a file that may be a parcel. */
function checkFile(file: string): Result<number> {
  try {
    const { size } = statSync(file)
    const start = Buffer.alloc(32)
    const handle = openSync(file, 'r')
    try {
      readSync(handle, start)
    } finally {
      closeSync(handle)
    }
    return isReceiptsFile(start)
      ? fail('not-a-parcel', `${file} holds receipts: they are taken at the box (chuangping receipts take)`)
      : ok(size)
  } catch (error) {
    return fail('file-not-readable', `${file}: ${(error as NodeJS.ErrnoException).code}`)
  }
}

function readKey({ keyFile }: ImportOptions): Result<string> {
  const inEnvironment = process.env[KEY_VARIABLE]?.trim()
  if (!keyFile) {
    return inEnvironment
      ? ok(inEnvironment)
      : fail(
          'key-missing',
          `give a key with the scope fleet:write by --key-file, or ${KEY_VARIABLE} in the environment`,
        )
  }
  try {
    return ok(readFileSync(keyFile, 'utf8').trim())
  } catch (error) {
    return fail('file-not-readable', `${keyFile}: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** Where receipts go, and which are there already: those of an earlier import must not be lost to their boxes. */
function readKept(path: string): Result<{ file: string; receipts: Uint8Array[] }> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
  const file = isFolder ? join(path, 'chuangping-receipts.txt') : path
  if (!statSync(file, { throwIfNoEntry: false })) return ok({ file, receipts: [] })
  try {
    const read = readReceiptsFile(readFileSync(file))
    return read.ok
      ? ok({ file, receipts: read.value.map(({ bytes }) => bytes) })
      : fail('file-exists', `${file} is there, and no file of receipts to add to: ${read.error.detail}`)
  } catch (error) {
    return fail('file-not-readable', `${file}: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** One receipt of each chain: the newest of this import, else the one that was there. */
function collectReceipts(kept: readonly Uint8Array[], imported: readonly Imported[]): Uint8Array[] {
  const fresh = imported.flatMap(({ answer }) => answer?.receipts ?? []).map(text => Buffer.from(text, 'base64'))
  return [...new Map([...newestOfEach(kept), ...newestOfEach(fresh)]).values()]
}

/** By chain. Files are taken in another order than they are given, so the collector's time decides. */
function newestOfEach(receipts: readonly Uint8Array[]): Map<string, Uint8Array> {
  const newest = new Map<string, { at: number; bytes: Uint8Array }>()
  for (const bytes of receipts) {
    const receipt = decodeReceipt(bytes)
    if (!receipt.ok) throw new Error(`a collector gave a receipt that is none: ${receipt.error.detail}`)
    const { box, epoch, at } = receipt.value
    const chain = `${box} ${toHex(epoch)}`
    if (at >= (newest.get(chain)?.at ?? Number.NEGATIVE_INFINITY)) newest.set(chain, { at, bytes })
  }
  return new Map([...newest].map(([chain, { bytes }]) => [chain, bytes]))
}

async function writeReceipts(file: string, receipts: readonly Uint8Array[]): Promise<Result<number>> {
  async function* text() {
    yield await Promise.resolve(Buffer.from(writeReceiptsFile(receipts)))
  }
  return await writeStickFile(file, text())
}

function viewOf(one: Imported) {
  const { receipts: _, ...answer } = one.answer ?? { receipts: [] }
  return { file: one.file, ok: one.ok, ...(one.ok ? {} : { problem: one.problem }), ...answer }
}
