import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buildBox } from './box-build.ts'
import { sourceFiles } from './source-files.ts'

/**
 * Builds what is not run as it stands: the three pages (Vite) and what runs on a box (rolldown: a third of
 * the start-up, half the memory). What was built from the same sources and packages is left alone.
 */
interface Target {
  name: string
  entry: string
  /** Folders whose every file may have a part in the result. */
  sources: readonly string[]
  made: string
  build(entry: string, made: string, builtFrom: string): Promise<void>
}

const BUILDERS = ['scripts/build.ts', 'scripts/box-build.ts', 'package.json', 'package-lock.json']

const TARGETS: readonly Target[] = [
  page('panel', 'agent/panel/page'),
  page('virtual-pad', 'virtual-pad/page'),
  page('console', 'collector/console'),
  {
    name: 'agent',
    entry: 'cli/box.ts',
    sources: ['agent', 'cli', 'protocol', 'runtime'],
    made: 'dist/agent/agent.js',
    build: buildBox,
  },
]

function page(name: string, folder: string): Target {
  return {
    name,
    entry: `${folder}/vite.config.ts`,
    sources: [folder, 'protocol', 'runtime'],
    made: `dist/${name}/index.html`,
    build: buildPage,
  }
}

async function buildPage(configFile: string): Promise<void> {
  const vite = await import('vite')
  await vite.build({ configFile, logLevel: 'warn' })
}

/** One hash over everything the result depends on. */
function fingerprint(target: Target): string {
  const hash = createHash('sha256')
  const files = target.sources.flatMap(folder => sourceFiles(folder, /(?<!\.test\.ts)$/))
  for (const file of [...files, ...sourceFiles('scripts/box-build', /\.ts$/), ...BUILDERS]) {
    hash.update(`${file}\0`).update(readFileSync(file)).update('\0')
  }
  return hash.digest('hex')
}

/** Returns whether the target is there and up to date. */
async function buildIfChanged(target: Target): Promise<boolean> {
  const stamp = join('dist/.built-from', target.name)
  const present = fingerprint(target)
  if (existsSync(target.made) && existsSync(stamp) && readFileSync(stamp, 'utf8') === present) return true
  const startedMs = performance.now()
  rmSync(stamp, { force: true })
  try {
    await target.build(target.entry, target.made, present)
  } catch (error) {
    // Bundlers throw whatever they found wrong in the sources; where it is stands in the message.
    process.stderr.write(`✗ 构建失败 / could not be built: ${target.name}\n${(error as Error).message}\n`)
    return false
  }
  mkdirSync('dist/.built-from', { recursive: true })
  writeFileSync(stamp, present)
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1)
  process.stderr.write(`▸ 已构建 / built ${target.name}  ${seconds} s\n`)
  return true
}

if (import.meta.main) {
  process.chdir(join(import.meta.dirname, '..'))
  for (const target of TARGETS) if (!(await buildIfChanged(target))) process.exitCode = 1
}
