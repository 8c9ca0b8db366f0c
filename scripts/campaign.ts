import type { ChildProcess } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { languageOfLocale } from '#runtime/language.ts'
import {
  emptyResult,
  findIsolation,
  missingTools,
  runCampaign,
  runPeers,
  type WorldOrder,
} from './campaign/campaign.ts'
import { FAULTS } from './campaign/faults/all.ts'
import { findTools, type Isolation } from './campaign/machine.ts'
import { type CampaignOptions, helpText, parseOptions } from './campaign/options.ts'
import type { PeerOrder, PeerRow } from './campaign/peers/run.ts'
import { planWorld } from './campaign/plan.ts'
import {
  crashLines,
  failureLines,
  isClean,
  jsonOf,
  listLines,
  peerLines,
  progressOf,
  skippedLines,
  summaryLines,
} from './campaign/tell.ts'

const EXIT_BROKEN = 1
const EXIT_BAD_COMMAND = 2
const EXIT_INTERRUPTED = 130
const PROGRESS_EVERY_MS = 250

/** One world, in this process: it prints what it has after each round, one JSON value a line. */
async function liveOneWorld(order: WorldOrder): Promise<void> {
  const { runWorld } = await import('./campaign/run-world.ts')
  if (order.isolation !== 'none') execFileSync('ip', ['link', 'set', 'lo', 'up'])
  const print = (value: object) => process.stdout.write(`${JSON.stringify(value)}\n`)
  const plan = planWorld(
    order.seed,
    FAULTS.map(({ name }) => name),
    order.only,
  )
  try {
    const result = await runWorld(plan, {
      ...order,
      tools: findTools(order.isolation),
      onRound: result => print({ result }),
    })
    print({ result, over: true })
  } catch (error) {
    print({ result: emptyResult([`the campaign itself failed: ${(error as Error).stack}`]), over: true })
  }
  if (!order.isKept) rmSync(order.dir, { recursive: true, force: true })
  process.exit(0)
}

/** One way of doing it through every outage, in this process. */
async function sufferAsOne(order: PeerOrder): Promise<void> {
  const { runPeer } = await import('./campaign/peers/run.ts')
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  await runPeer(order, row => process.stdout.write(`${JSON.stringify(row)}\n`))
  process.exit(0)
}

/** What has been started, and whether somebody asked to end it. */
interface Running {
  onWorld(child: ChildProcess): void
  isStopped(): boolean
}

function watchSignals(): Running {
  const children = new Set<ChildProcess>()
  let isStopped = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      isStopped = true
      for (const child of children) child.kill('SIGTERM')
    })
  }
  return {
    isStopped: () => isStopped,
    onWorld(child) {
      children.add(child)
      child.once('close', () => children.delete(child))
    },
  }
}

async function main(): Promise<number> {
  const language = languageOfLocale(process.env)
  const options = parseOptions(process.argv.slice(2), FAULTS)
  if (!options.ok) {
    process.stderr.write(`${language === 'zh' ? '错误' : 'error'} ${options.error.detail}\n`)
    process.stderr.write(`${language === 'zh' ? '用法见' : 'see'} npm run campaign -- --help\n`)
    return EXIT_BAD_COMMAND
  }
  const { isHelp, isList, peers } = options.value
  if (isHelp) {
    console.log(helpText(language))
    return 0
  }
  process.chdir(join(import.meta.dirname, '..'))
  const isolation = findIsolation()
  if (isList) {
    console.log(listLines(missingTools(findTools(isolation), FAULTS), language).join('\n'))
    return 0
  }
  const running = watchSignals()
  return await (peers.length > 0 ? comparePeers : campaign)(options.value, isolation, running)
}

async function campaign(options: CampaignOptions, isolation: Isolation, running: Running): Promise<number> {
  const language = languageOfLocale(process.env)
  const line = createStatusLine(process.stderr)
  // With --json standard output is one value; what people should know goes beside it.
  const beside = options.isJson ? process.stderr : process.stdout
  const tell = (lines: readonly string[]) => {
    line.end()
    for (const text of lines) beside.write(`${text}\n`)
  }
  const startedMs = performance.now()
  const tally = await runCampaign(options, {
    ...running,
    isolation,
    onProgress: current => line.show(progressOf(current, options, language)),
    onFailed: failed => tell(failureLines(failed, options, language)),
  })
  const minutes = (performance.now() - startedMs) / 60_000
  tell(skippedLines(tally.skipped, language))
  tell(crashLines(tally, options, language))
  if (!options.isJson) tell([progressOf(tally, options, language), ...summaryLines(tally, minutes, language)])
  else console.log(JSON.stringify(jsonOf(tally, options, minutes)))
  if (running.isStopped()) return EXIT_INTERRUPTED
  return isClean(tally) ? 0 : EXIT_BROKEN
}

/** One line that is written over itself, on a terminal only. */
function createStatusLine(stream: NodeJS.WriteStream) {
  let shownMs = 0
  return {
    show(text: string) {
      if (!stream.isTTY || performance.now() - shownMs < PROGRESS_EVERY_MS) return
      shownMs = performance.now()
      stream.write(`\r\x1b[2K${text}`)
    },
    end: () => void (stream.isTTY && stream.write('\r\x1b[2K')),
  }
}

async function comparePeers(options: CampaignOptions, isolation: Isolation, running: Running): Promise<number> {
  const language = languageOfLocale(process.env)
  const missing = missingTools(findTools(isolation), [{ name: 'peers', needs: ['image', 'mosquitto'] }])
  if (Object.keys(missing).length > 0) {
    process.stderr.write(`${skippedLines(missing, language).join('\n')}\n`)
    return EXIT_BROKEN
  }
  const onRow = (row: PeerRow) => process.stderr.write(`▸ ${JSON.stringify(row)}\n`)
  const { rows, problems } = await runPeers(options, { ...running, onRow })
  for (const problem of problems) process.stderr.write(`✗ ${problem}\n`)
  console.log(options.isJson ? JSON.stringify(rows) : peerLines(rows).join('\n'))
  return problems.length > 0 ? EXIT_BROKEN : 0
}

const [asked, order] = process.argv.slice(2)
if (asked === '--world') await liveOneWorld(JSON.parse(order!))
else if (asked === '--peer-order') await sufferAsOne(JSON.parse(order!))
else process.exitCode = await main()
