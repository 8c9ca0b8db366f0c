import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { summarise, type TestReport } from './test-report.ts'

/** Every check there is, in one command: `npm run check`, or one of them with `-- --only NAME`. */
interface Check {
  name: string
  title: string
  command: readonly [string, ...string[]]
}

/** A log is read as plain text. Biome listens to this only. */
const COLOURS = process.stdout.isTTY ? '--colors=force' : '--colors=off'

const REPORT = 'dist/test-report.json'

const INDEPENDENT: readonly Check[] = [
  { name: 'types', title: '类型', command: ['tsc'] },
  { name: 'style', title: '格式与规范', command: ['biome', 'ci', '--error-on-warnings', COLOURS, '.'] },
  {
    name: 'layering',
    title: '分层',
    command: ['node', '--disable-warning=ExperimentalWarning', 'scripts/layering.ts'],
  },
  { name: 'unused', title: '无用代码', command: ['knip', '--no-progress'] },
  { name: 'generated', title: '生成文件', command: ['node', 'scripts/generate.ts', '--check'] },
]

/** Tests open the pages in a browser and run the agent's one file. */
const BUILD: Check = { name: 'build', title: '构建', command: ['node', 'scripts/build.ts'] }

const TESTS: Check = {
  name: 'tests',
  title: '测试',
  command: [
    'vitest',
    'run',
    '--reporter=default',
    '--reporter=./scripts/skip-reasons.ts',
    '--reporter=json',
    `--outputFile.json=${REPORT}`,
  ],
}

interface Outcome {
  isClean: boolean
  output: string
}

function run([program, ...args]: Check['command'], isLive: boolean): Promise<Outcome> {
  const env = {
    ...process.env,
    PATH: `${join(process.cwd(), 'node_modules/.bin')}:${process.env['PATH']}`,
    ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }),
  }
  const child = spawn(program, args, { env, stdio: isLive ? 'inherit' : ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout?.on('data', text => (output += text))
  child.stderr?.on('data', text => (output += text))
  return new Promise(resolve => {
    child.on('error', error => resolve({ isClean: false, output: `${program}: ${error.message}\n` }))
    child.on('close', code => resolve({ isClean: code === 0, output }))
  })
}

async function runAndTell(check: Check): Promise<boolean> {
  const startedMs = performance.now()
  const { isClean, output } = await run(check.command, check === TESTS)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  process.stdout.write(`${isClean ? '✓' : '✗'} ${check.name} ${check.title}  ${seconds} s\n`)
  if (!isClean) process.stdout.write(output)
  return isClean
}

/** Two at a time: more would only take turns on the smallest machine we promise to run on. */
async function runSideBySide(checks: readonly Check[]): Promise<boolean> {
  const waiting = [...checks]
  let isClean = true
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) isClean = (await runAndTell(next)) && isClean
  }
  await Promise.all([worker(), worker()])
  return isClean
}

/** The tests come last and alone: some of them measure time. Their counts are the last line of all. */
async function runTests(): Promise<boolean> {
  rmSync(REPORT, { force: true })
  mkdirSync('dist', { recursive: true })
  const isClean = await runAndTell(TESTS)
  const summary = summarise(readReport(), isClean)
  process.stdout.write(`${summary.lines.join('\n')}\n`)
  return summary.isClean
}

function readReport(): TestReport {
  try {
    return JSON.parse(readFileSync(REPORT, 'utf8'))
  } catch {
    // The runner ended before it could write a report; its own output says why.
    return { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }
  }
}

const ALL = [...INDEPENDENT, BUILD, TESTS]

async function runAll(only: string | undefined): Promise<boolean> {
  const isChosen = (check: Check) => only === undefined || check.name === only
  const areClean = await runSideBySide(INDEPENDENT.filter(isChosen))
  if (!areClean) process.stdout.write('✗ 有检查未通过，见上 / some checks failed, see above\n')
  const isBuilt = isChosen(BUILD) || isChosen(TESTS) ? await runAndTell(BUILD) : true
  const areTestsClean = isChosen(TESTS) ? await runTests() : true
  return areClean && isBuilt && areTestsClean
}

if (import.meta.main) {
  process.chdir(join(import.meta.dirname, '..'))
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values
  if (only !== undefined && !ALL.some(check => check.name === only)) {
    const names = ALL.map(check => check.name).join(', ')
    process.stderr.write(`没有这项检查 / there is no check "${only}"; there are: ${names}\n`)
    process.exitCode = 1
  } else {
    process.exitCode = (await runAll(only)) ? 0 : 1
  }
}
