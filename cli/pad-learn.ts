import { readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { BYTES_PATTERN, parseBytes } from '#agent/pad/bytes.ts'
import { NAME_PATTERN } from '#agent/pad/schema-words.ts'
import type { LearntLine } from '#pad-tools/draft-profile.ts'
import type { Learnt } from '#pad-tools/learn.ts'
import type { ScoredLine } from '#pad-tools/line-settings.ts'
import { formatTrace, type TraceLine } from '#pad-tools/trace.ts'
import { GRADES, type Grade } from '#protocol/grades.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import { profileFolder } from '#virtual-pad/profile-folder.ts'
import { knownProfiles } from './pad-known.ts'
import { jsonOption, type Terminal } from './terminal.ts'
import { wholeNumber } from './whole-number.ts'

interface LearnCommandOptions {
  port?: string
  from?: string
  out: string
  baud?: number
  parity?: LearntLine['parity']
  grades: Grade[]
  address: number[]
  query: Uint8Array[]
  trace?: string
  yes?: boolean
  json?: boolean
}

/** `pad learn`: a profile for a pad that nobody has described, from presses in a known order. */
export function addLearn(pad: Command, terminal: Terminal): void {
  const { say } = terminal
  pad
    .command('learn')
    .description(
      say({
        zh: '学习未知的评价器：按提示的顺序按键，推断串口参数、成帧、校验和键值，经确认后写出型号文件。按键时什么也不发的，再用只读取的查询（Modbus 读、已知型号声明无害的查询、--query）试它；从不发送会改变设置的内容。\n示例：chuangping pad learn --port /dev/ttyUSB0 --out device-profiles/acme-kp5',
        en: 'Learn an unknown pad: press its keys in the order asked; line, framing, checksum and values are inferred, and a profile is written once confirmed. One that says nothing when pressed is asked with queries that only read (Modbus reads, what known profiles declare harmless, --query); nothing that changes a setting is ever sent.\nExample: chuangping pad learn --port /dev/ttyUSB0 --out device-profiles/acme-kp5',
      }),
    )
    .option('--port <path>', say({ zh: '串口', en: 'serial port' }))
    .option(
      '--from <trace>',
      say({ zh: '从录下的记录学习，不打开串口', en: 'learn from a recorded trace, opening no port' }),
    )
    .requiredOption(
      '--out <folder>',
      say({ zh: '新型号的文件夹，末段是型号标识', en: 'the new folder; its last part is the id of the profile' }),
    )
    .option('--baud <n>', say({ zh: '固定波特率', en: 'the speed, if it is known' }), parseNumber)
    .addOption(
      new Option('--parity <parity>', say({ zh: '固定校验位', en: 'the parity, if it is known' })).choices([
        'none',
        'even',
        'odd',
      ]),
    )
    .option(
      '--grades <list>',
      say({ zh: '各键的等级，从最好到最差', en: 'grades of the keys, best to worst' }),
      gradeList,
      [...GRADES],
    )
    .option(
      '--address <n>',
      say({
        zh: '评价器现在的地址；给两次则最后改为第二个地址再按一次',
        en: 'the address the pad is set to; given twice, it is set to the second one for a last press',
      }),
      (text: string, before: number[]) => [...before, parseNumber(text)],
      [],
    )
    .option(
      '--query <hex>',
      say({
        zh: '厂家手册中读取按键的查询，如 "AA 01 00 AB"；可多次给出，给出后不再发送其他查询',
        en: 'the query of the maker\'s manual that reads the keys, such as "AA 01 00 AB"; may be given again; no other is sent then',
      }),
      (text: string, before: Uint8Array[]) => [...before, parseQuery(text)],
      [],
    )
    .option('--trace <file>', say({ zh: '同时保存记录', en: 'keep the trace in a file as well' }))
    .option('--yes', say({ zh: '不询问，直接写出', en: 'write without asking' }))
    .option(...jsonOption(terminal))
    .action((options: LearnCommandOptions) => runLearn(options, terminal))
}

const parseNumber = wholeNumber(0, 921_600)

function parseQuery(text: string): Uint8Array {
  const pairs =
    text
      .replaceAll(' ', '')
      .toUpperCase()
      .match(/.{1,2}/g)
      ?.join(' ') ?? ''
  if (!new RegExp(BYTES_PATTERN).test(pairs)) throw new InvalidArgumentError('AA 01 00 AB')
  return Uint8Array.from(parseBytes(pairs))
}

function gradeList(text: string): Grade[] {
  const list = text.split(',').map(word => word.trim())
  const isKnown = list.every(word => (GRADES as readonly string[]).includes(word)) && new Set(list).size === list.length
  if (!isKnown || list.length < 2) throw new InvalidArgumentError(GRADES.join(','))
  return list as Grade[]
}

interface LearntHere {
  learnt: Learnt
  line: LearntLine
  trace: readonly TraceLine[]
  rivals: readonly ScoredLine[]
}

async function runLearn(options: LearnCommandOptions, terminal: Terminal): Promise<void> {
  const id = basename(resolve(options.out))
  if (!new RegExp(NAME_PATTERN).test(id) || id.length > 40) {
    const detail = `--out must end in a name of small letters, digits and hyphens, found ${id}`
    return terminal.fail(options, { code: 'id-not-valid', detail })
  }
  if ((options.port === undefined) === (options.from === undefined)) {
    return terminal.fail(options, { code: 'option-missing', detail: 'give either --port or --from' })
  }
  const learnt = options.from === undefined ? await learnFromPort(id, options) : await learnFromTrace(id, options)
  if (!learnt.ok) {
    const { code, detail, needs } = learnt.error
    return terminal.fail(options, { code, detail: needs ? terminal.say(needs) : detail })
  }
  if (options.trace) writeFileSync(options.trace, formatTrace(learnt.value.trace))
  await confirmAndWrite(learnt.value, options, terminal)
}

type LearnFault = { code: string; detail: string; needs?: Text }

async function learnFromTrace(id: string, options: LearnCommandOptions): Promise<Result<LearntHere, LearnFault>> {
  const { learn } = await import('#pad-tools/learn.ts')
  const { learnPolls } = await import('#pad-tools/learn-polls.ts')
  const { divideTrace } = await import('#pad-tools/heard.ts')
  const { dividePolls } = await import('#pad-tools/heard-polls.ts')
  const { parseTrace } = await import('#pad-tools/trace.ts')
  const text = readTraceFile(options.from!)
  if (!text.ok) return text
  const trace = parseTrace(text.value)
  if (!trace.ok) return trace
  const line = { baud: options.baud ?? 9600, parity: options.parity ?? 'none' } as const
  const asked = { ...describePad(id, options), line }
  const polled = dividePolls(trace.value)
  if (polled) return learntHere(learnPolls(polled, asked), line, trace.value)
  const heard = divideTrace(trace.value, options.grades.length)
  return heard.ok ? learntHere(learn(heard.value, asked), line, trace.value) : heard
}

function learntHere(
  learnt: Result<Learnt, LearnFault>,
  line: LearntLine,
  trace: readonly TraceLine[],
): Result<LearntHere, LearnFault> {
  return learnt.ok ? ok({ learnt: learnt.value, line, trace, rivals: [] }) : learnt
}

function readTraceFile(path: string): Result<string, LearnFault> {
  try {
    return ok(readFileSync(path, 'utf8'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return fail('file-not-readable', `${path} cannot be read: ${code}`)
  }
}

async function learnFromPort(id: string, options: LearnCommandOptions): Promise<Result<LearntHere, LearnFault>> {
  const { learnLive } = await import('#pad-tools/ask-presses.ts')
  const { PATIENCE } = await import('#pad-tools/live.ts')
  const { createPortOpener } = await import('#pad-tools/open-port.ts')
  return await learnLive({
    open: createPortOpener({ clock: createSystemClock(), path: options.port! }),
    // Both languages, Chinese first: who presses need not be who typed the command. Standard output is for the result.
    person: { say: ({ zh, en }) => void process.stderr.write(`${zh}\n  ${en}\n`) },
    patience: PATIENCE,
    random: Math.random,
    options: describePad(id, options),
    fixed: { ...(options.baud && { baud: options.baud }), ...(options.parity && { parity: options.parity }) },
    addresses: options.address,
    profiles: knownProfiles(),
    queries: options.query,
  })
}

function describePad(id: string, { out, grades }: LearnCommandOptions) {
  const schema = join(dirname(profileFolder('x')), 'profile.schema.generated.json')
  return {
    id,
    title: { zh: `学习得到的评价器 ${id}`, en: `Pad ${id}, as learnt` },
    grades,
    schema: relative(resolve(out), schema),
  }
}

async function confirmAndWrite({ learnt, line, rivals }: LearntHere, options: LearnCommandOptions, terminal: Terminal) {
  const table = describeLearnt(learnt, line, rivals, terminal)
  if (!options.yes) {
    process.stderr.write(`${table}\n`)
    if (!(await isConfirmed(terminal))) {
      const detail = terminal.say({ zh: '未经确认，没有写出', en: 'not confirmed, nothing was written' })
      return terminal.fail(options, { code: 'not-confirmed', detail })
    }
  }
  const { writeLearnt } = await import('#pad-tools/write-learnt.ts')
  const written = writeLearnt(resolve(options.out), learnt)
  if (!written.ok) return terminal.fail(options, written.error)
  const { keys, direction, facts, doubts, pressesHeard, pressesMissed, bytesNotUnderstood } = learnt
  const { id, version, hash } = written.value
  const value = { folder: options.out, id, version, hash, line, rivals, keys, direction, facts, doubts }
  terminal.print(options, { ...value, pressesHeard, pressesMissed, bytesNotUnderstood }, () =>
    [
      ...(options.yes ? [table] : []),
      terminal.say({
        zh: `已写入 ${options.out}，并通过 pad lint`,
        en: `Written to ${options.out}; it passes pad lint`,
      }),
    ].join('\n'),
  )
}

/** Asks on a terminal; without one nobody can confirm. */
async function isConfirmed({ say }: Terminal): Promise<boolean> {
  if (!process.stdin.isTTY) return false
  const questions = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await questions.question(`${say({ zh: '以上是否正确？[y/N] ', en: 'Is all of this right? [y/N] ' })}`)
  questions.close()
  return /^(y|yes|是)$/i.test(answer.trim())
}

function describeLearnt(learnt: Learnt, line: LearntLine, rivals: readonly ScoredLine[], { say }: Terminal): string {
  const list = (texts: readonly Text[]) => texts.map(text => `  ${say(text)}`)
  return [
    `${say({ zh: '线路：', en: 'Line: ' })}${line.baud} 8${line.parity[0]!.toUpperCase()}1`,
    ...rivals.map(({ baud, parity }) =>
      say({
        zh: `  ${baud} ${parity} 也相符，无法区分；用 --baud 固定`,
        en: `  ${baud} ${parity} fits as well; fix it with --baud`,
      }),
    ),
    say({ zh: '按键（请逐行核对）：', en: 'Keys (check each line):' }),
    ...learnt.keys.map(({ key, raw, grade }) =>
      say({ zh: `  第 ${key + 1} 键  ${raw}  ${grade}`, en: `  key ${key + 1}  ${raw}  ${grade}` }),
    ),
    `  ${say(learnt.direction)}`,
    say({ zh: '已确定：', en: 'Certain:' }),
    ...list(learnt.facts),
    ...(learnt.doubts.length > 0 ? [say({ zh: '不能确定：', en: 'Not certain:' }), ...list(learnt.doubts)] : []),
    say({
      zh: `听清 ${learnt.pressesHeard} 次按键，漏 ${learnt.pressesMissed.length} 次，杂字节 ${learnt.bytesNotUnderstood}`,
      en: `${learnt.pressesHeard} presses heard, ${learnt.pressesMissed.length} missed, ${learnt.bytesNotUnderstood} bytes not understood`,
    }),
  ].join('\n')
}
