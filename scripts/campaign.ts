import type { ChildProcess } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { languageOfLocale } from '#runtime/language.ts'
import { emptyResult, findIsolation, missingTools, runCampaign, type WorldOrder } from './campaign/campaign.ts'
import { FAULTS } from './campaign/faults/all.ts'
import { findTools } from './campaign/machine.ts'
import { helpText, parseOptions } from './campaign/options.ts'
import { planWorld } from './campaign/plan.ts'
import { failureLines, isClean, jsonOf, listLines, progressOf, skippedLines, summaryLines } from './campaign/tell.ts'

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

async function main(): Promise<number> {
  const language = languageOfLocale(process.env)
  const options = parseOptions(process.argv.slice(2), FAULTS)
  if (!options.ok) {
    process.stderr.write(`${language === 'zh' ? '错误' : 'error'} ${options.error.detail}\n`)
    process.stderr.write(`${language === 'zh' ? '用法见' : 'see'} npm run campaign -- --help\n`)
    return EXIT_BAD_COMMAND
  }
  const { value } = options
  if (value.isHelp) {
    console.log(helpText(language))
    return 0
  }
  process.chdir(join(import.meta.dirname, '..'))
  const isolation = findIsolation()
  if (value.isList) {
    console.log(listLines(missingTools(findTools(isolation), FAULTS), language).join('\n'))
    return 0
  }
  const children = new Set<ChildProcess>()
  let isStopped = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      isStopped = true
      for (const child of children) child.kill('SIGTERM')
    })
  }
  let shownMs = 0
  const startedMs = performance.now()
  const tally = await runCampaign(value, {
    isolation,
    isStopped: () => isStopped,
    onWorld(child) {
      children.add(child)
      child.once('close', () => children.delete(child))
    },
    onProgress(current) {
      if (!process.stderr.isTTY || performance.now() - shownMs < PROGRESS_EVERY_MS) return
      shownMs = performance.now()
      process.stderr.write(`\r\x1b[2K${progressOf(current, value, language)}`)
    },
  })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
  const minutes = (performance.now() - startedMs) / 60_000
  const tell = (lines: readonly string[]) => {
    // With --json standard output is one value; what people should know goes beside it.
    const text = lines.length > 0 ? `${lines.join('\n')}\n` : ''
    ;(value.isJson ? process.stderr : process.stdout).write(text)
  }
  tell(skippedLines(tally.skipped, language))
  tell(failureLines(tally, value, language))
  if (!value.isJson) tell([progressOf(tally, value, language), ...summaryLines(tally, minutes, language)])
  else console.log(JSON.stringify(jsonOf(tally, value, minutes)))
  if (isStopped) return EXIT_INTERRUPTED
  return isClean(tally) ? 0 : EXIT_BROKEN
}

const worldAt = process.argv.indexOf('--world')
if (worldAt > 0) await liveOneWorld(JSON.parse(process.argv[worldAt + 1]!))
else process.exitCode = await main()
