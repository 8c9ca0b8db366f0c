import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pretty from 'pino-pretty'
import { languageOfLocale } from '#runtime/language.ts'
import { type Counter, startCounter } from './counter.ts'

const HELP = `./scripts/start [--dir DIR] [--quiet]

在本机运行一个完整的窗口（盒子和虚拟评价器）和汇集中心，打印三个页面地址。Ctrl-C 结束。
Runs one whole counter (box and virtual pad) and its collector on this machine and prints the addresses
of three pages. Ctrl-C ends it.

  --dir DIR  数据目录，默认 var/counter；下次启动继续使用 · where everything is kept, used again next time
  --quiet    不显示运行日志 · no log lines`

const STEPS = {
  identities: { zh: '准备开发证书', en: 'development certificates' },
  collector: { zh: '启动汇集中心', en: 'starting the collector' },
  pad: { zh: '接上虚拟评价器', en: 'plugging in the virtual pad' },
  agent: { zh: '启动窗口盒子', en: 'starting the box' },
} as const

const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: join('var', 'counter') },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

const language = languageOfLocale(process.env)
mkdirSync(values.dir, { recursive: true })
const logs = pretty({
  colorize: process.stdout.isTTY,
  ignore: 'pid,hostname',
  translateTime: 'SYS:HH:MM:ss',
  sync: true,
})
let counter: Counter | undefined
let isStopping = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    isStopping = true
    console.log(language === 'zh' ? '\n正在结束…' : '\nStopping…')
    void counter?.stop().then(() => process.exit(0))
  })
}

try {
  counter = await startCounter({
    dir: values.dir,
    powerOffMs: 1_500,
    ports: { clerk: 8610, pad: 8620, collector: 8640 },
    onStep: step => console.log(`· ${STEPS[step].zh}  ${STEPS[step].en}`),
    onLine(_, line) {
      if (!values.quiet && !isStopping) logs.write(`${line}\n`)
    },
  })
  console.log(`
  窗口人员页面  Clerk's page      ${counter.clerkUrl}
  虚拟评价器    Virtual pad       ${counter.padUrl}
  汇集中心      Collector         ${counter.collectorUrl}

  试一试：在窗口人员页面输入办件编号并回车，在虚拟评价器上按一张笑脸，到汇集中心看结果。
  Try it: type a case number on the clerk's page and press Enter, press a face on the virtual pad, see it arrive.
  Ctrl-C 结束 · ends everything
`)
  if (isStopping) await counter.stop()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
