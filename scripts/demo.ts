import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { GRADES, type Grade } from '#protocol/grades.ts'
import { startCounter } from './counter.ts'
import { createCounterClient } from './counter-client.ts'

const HELP = `npm run demo -- --once [--json] [--grade satisfied] [--case NUMBER] [--service N]
                       [--broker embedded|mosquitto] [--keep DIR]

Runs one whole counter and its collector on free ports and does the main job once: register a case,
prompt, press the grade on the virtual pad, wait until the collector has the rating tied.
在空闲端口上运行一个完整的窗口和汇集中心，完成一次：登记办件、邀评、按键、核对汇集中心的评价。

--keep DIR leaves the stores there. Exit code 0 when the collector has exactly that grade, else 1.`

interface DemoOptions {
  grade: Grade
  service: { case: string; service: number }
  dir: string
  broker: 'embedded' | 'mosquitto'
}

/** Does the main job once and says how long each step took. */
async function demo({ grade, service, dir, broker }: DemoOptions) {
  const ms: Record<string, number> = {}
  let lastMs = performance.now()
  const lap = (step: string) => {
    const nowMs = performance.now()
    ms[step] = Math.round((nowMs - lastMs) * 10) / 10
    lastMs = nowMs
  }
  const counter = await startCounter({ dir, broker })
  stopNow = counter.stop
  try {
    const client = createCounterClient(counter)
    await client.padReady()
    lap('start')
    await client.register(service)
    lap('register')
    const prompt = await client.prompt(service)
    lap('prompt')
    await client.listening()
    lap('ask')
    await client.press(grade)
    const outcome = await client.ended(prompt)
    lap('press')
    if (outcome !== 'rated') throw new Error(`the prompt ended as ${outcome}`)
    const rating = await client.tied(service)
    lap('tied')
    if (rating.grade !== grade) throw new Error('the collector has another grade than was pressed')
    const { box, epoch, seq, hash } = rating
    return { ok: true, ...service, grade, box, epoch, seq, hash, ms }
  } finally {
    await counter.stop()
  }
}

let stopNow: () => Promise<void> = async () => {}

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: true },
    json: { type: 'boolean', default: false },
    grade: { type: 'string', default: 'satisfied' },
    case: { type: 'string', default: '370000202611240001' },
    service: { type: 'string', default: '1' },
    broker: { type: 'string', default: 'embedded' },
    keep: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit(0)
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void stopNow().finally(() => process.exit(1)))
}

const dir = values.keep ? resolve(values.keep) : mkdtempSync(join(tmpdir(), 'chuangping-demo-'))
try {
  const grade = GRADES.find(name => name === values.grade)
  if (!grade) throw new Error(`--grade ${values.grade}: must be one of ${GRADES.join(', ')}`)
  const broker = (['embedded', 'mosquitto'] as const).find(name => name === values.broker)
  if (!broker) throw new Error(`--broker ${values.broker}: must be embedded or mosquitto`)
  const done = await demo({
    broker,
    grade,
    service: { case: values.case, service: Number(values.service) },
    dir,
  })
  console.log(values.json ? JSON.stringify(done) : describe(done))
} catch (error) {
  process.exitCode = 1
  const reason = error instanceof Error ? error.message : String(error)
  if (values.json) console.log(JSON.stringify({ ok: false, reason }))
  else console.error(reason)
} finally {
  if (!values.keep) rmSync(dir, { recursive: true, force: true })
}

function describe(done: Awaited<ReturnType<typeof demo>>): string {
  const steps = Object.entries(done.ms).map(([step, took]) => `  ${step.padEnd(9)} ${took} ms`)
  return [
    `${done.case}#${done.service} → ${done.grade}, ${done.box} #${done.seq} ${done.hash.slice(0, 12)}…`,
    ...steps,
  ].join('\n')
}
