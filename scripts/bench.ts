import { join } from 'node:path'
import type { Language, Text } from '#runtime/language.ts'
import { languageOfLocale } from '#runtime/language.ts'
import { agentBuild } from './bench/agent-process.ts'
import { MEASUREMENTS } from './bench/all.ts'
import { describeMachine } from './bench/machine.ts'
import type { RowPlan } from './bench/measurement.ts'
import { type BenchOptions, helpText, parseOptions } from './bench/options.ts'
import { measure, type Row } from './bench/rows.ts'
import { formatTable } from './bench/table.ts'
import { openWorkplace, type Workplace } from './bench/workplace.ts'

const BUILDS: Record<ReturnType<typeof agentBuild>, Text> = {
  built: { zh: '构建后的单文件', en: 'the one built file' },
  outdated: { zh: '旧的构建，请运行 npm run build', en: 'an outdated build: run npm run build' },
  source: { zh: '源码，请运行 npm run build', en: 'the sources: run npm run build' },
}

const CAUTION: Text = {
  zh: '会使数字失真的：机器上同时在跑别的程序、虚拟磁盘的写缓存、降频；一切都在回环上，没有网络时延。只比较比值，绝对数不是产品指标。',
  en: 'What would mislead: other programs running meanwhile, a write cache in a virtual disk, throttling; all is on loopback, without network latency. Compare ratios only; absolute figures are no product figures.',
}

/** What a shell makes of an end by Ctrl-C. */
const EXIT_INTERRUPTED = 130

const say = (text: Text, language: Language) => text[language]
const progress = (text: string) => process.stderr.write(text)

/** Runs what was chosen, one after the other; what cannot be measured is told and left out. */
async function runAll({ chosen, rounds }: BenchOptions, place: Workplace) {
  const results: { plan: RowPlan; row: Row }[] = []
  let isComplete = true
  for (const { measurement, rows } of chosen) {
    if (place.isClosed()) break
    progress(`▸ ${measurement.name.padEnd(8)}`)
    const startedMs = performance.now()
    try {
      const measured = await measure(measurement, { rounds, place, onRound: round => progress(` ${round}`) })
      progress(`  ${((performance.now() - startedMs) / 1000).toFixed(1)} s\n`)
      for (const [i, row] of measured.entries()) {
        if (rows.has(row.name)) results.push({ plan: measurement.rows[i]!, row })
      }
    } catch (error) {
      isComplete = false
      if (place.isClosed()) break // Interrupted: what follows from that is no finding.
      progress(`  ✗ ${error instanceof Error ? error.message : String(error)}\n`)
    }
  }
  return { results, isComplete }
}

function machineLine(language: Language): string {
  const { cpu, cores, memoryGiB, fileSystem, kernel, node, load } = describeMachine(process.cwd())
  const agent = say(BUILDS[agentBuild()], language)
  return language === 'zh'
    ? `机器：${cpu}，${cores} 核，${memoryGiB} GiB，${fileSystem}，Linux ${kernel}，Node ${node}，开始前负载 ${load}；盒子：${agent}`
    : `machine: ${cpu}, ${cores} cores, ${memoryGiB} GiB, ${fileSystem}, Linux ${kernel}, Node ${node}, load before ${load}; box: ${agent}`
}

async function main(): Promise<number> {
  const language = languageOfLocale(process.env)
  const options = parseOptions(process.argv.slice(2), MEASUREMENTS)
  if (!options.ok) {
    progress(`${say({ zh: '错误', en: 'error' }, language)} ${options.error.detail}\n`)
    progress(`${say({ zh: '用法见', en: 'see' }, language)} npm run bench -- --help\n`)
    return 2
  }
  if (options.value.isHelp) {
    console.log(helpText(MEASUREMENTS, language))
    return 0
  }
  process.chdir(join(import.meta.dirname, '..'))
  const machine = machineLine(language)
  if (!options.value.isJson) console.log(`${machine}\n${say(CAUTION, language)}\n`)
  const place = await openWorkplace(join(process.cwd(), 'var'))
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void place.close().finally(() => process.exit(EXIT_INTERRUPTED)))
  }
  try {
    const { results, isComplete } = await runAll(options.value, place)
    if (place.isClosed()) return EXIT_INTERRUPTED
    console.log(options.value.isJson ? JSON.stringify(results.map(({ row }) => row)) : formatTable(results, language))
    return isComplete ? 0 : 1
  } finally {
    await place.close()
  }
}

process.exitCode = await main()
