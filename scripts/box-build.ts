import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative } from 'node:path'
import { type InputOptions, type OutputOptions, type Plugin, rolldown } from 'rolldown'
import { replaceChecks } from './box-build/check-calls.ts'
import { slimPackages } from './box-build/slim-packages.ts'
import { type KnownCheck, writtenCheck } from './box-build/written-check.ts'
import { sourceFiles } from './source-files.ts'

const ROOT = dirname(import.meta.dirname)

/** Packages that stay as they are, in node_modules beside the built files. */
const OUTSIDE = [/^johnny-five/, /^firmata-io/, /^@lydell\/node-pty/]
/** Those with a compiled part stay outside too, but for what a running box needs of them. */
const COMPILED = [/^better-sqlite3/, /^@serialport\//]

/** In no case may what a running box loads hold these: that is what the build is for. */
const NOT_IN_A_BOX =
  /node_modules\/(typebox\/build\/(type|value|schema|compile|error|format)|yaml|commander|fastify|kysely|ws)\//

/** Packages that do nothing at import, though they do not say so; of our own sources it is the rule of the house. */
const SILENT = /node_modules\/(typebox|cborg|yaml)\//
const PURE = { moduleSideEffects: (id: string) => (id.includes('node_modules') ? !SILENT.test(id) : false) }

/**
 * Builds what runs on a box into the folder of `made`: its start (`made` itself, which turns on V8's compile cache),
 * the box (`box.js`), and what is seldom needed. In CommonJS, because Node's loader of modules costs 3 MiB.
 */
export async function buildBox(entry: string, made: string, builtFrom: string): Promise<void> {
  const folder = dirname(made)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }\n')
  const options = { builtFrom, folder }
  await buildSeldom(options)
  const checks = createRequire(import.meta.url)(join(ROOT, folder, 'explain.js')).checks as Map<string, KnownCheck>
  await buildRunning(entry, checks, options)
  copyFileSync(join(ROOT, 'scripts/box-build/box-start.cjs'), made)
}

interface BoxOptions {
  builtFrom: string
  folder: string
}

async function buildRunning(
  entry: string,
  checks: ReadonlyMap<string, KnownCheck>,
  options: BoxOptions,
): Promise<void> {
  const chunks = await write(
    {
      input: { box: 'virtual:box' },
      plugins: [
        virtual('virtual:box', `export { main } from ${JSON.stringify(join(ROOT, entry))}\n${exportChecks(checks)}`),
        writtenChecks(checks),
        replaceChecks(ROOT, onlyWritten, true),
        seldomApart(),
        slimPackages(),
      ],
      treeshake: PURE,
      external: OUTSIDE,
    },
    { codeSplitting: false },
    options,
  )
  const unwanted = chunks.flatMap(({ moduleIds }) => moduleIds).filter(id => NOT_IN_A_BOX.test(id))
  if (unwanted.length > 0) {
    const some = unwanted.slice(0, 5).map(id => relative(ROOT, id))
    throw new Error(`a running box would load ${unwanted.length} modules it must not: ${some.join(', ')} …`)
  }
}

async function buildSeldom(options: BoxOptions): Promise<void> {
  const sources = boxSources()
  const files = sources.filter(file => /\bcreate(Check|WireForm)\(/.test(readFileSync(file, 'utf8')))
  const late = sources.flatMap(file =>
    [...readFileSync(file, 'utf8').matchAll(LATE_IMPORT)].map(([, source]) => join(dirname(file), source!)),
  )
  const entries = late.map(file => [lateName(file), file])
  await write(
    {
      input: { explain: 'virtual:explain', ...Object.fromEntries(entries) },
      plugins: [
        virtual('virtual:registry', REGISTRY),
        virtual('virtual:explain', [...files.map(file => `import ${JSON.stringify(file)}`), EXPLAIN].join('\n')),
        replaceChecks(ROOT, registering, false),
      ],
      external: [...OUTSIDE, ...COMPILED],
    },
    { chunkFileNames: 'seldom-[hash].js' },
    options,
  )
}

/** `import('./neighbour.ts')`: loaded when it is needed, and built as a file of its own. */
const LATE_IMPORT = /\bimport\('(\.\/[^']+\.ts)'\)/g

const lateName = (file: string) => relative(ROOT, file).replaceAll('/', '-').replace(/\.ts$/, '')

/** All that a running box is made from; what only its commands load late is part of the commands' file. */
function boxSources(): string[] {
  const folders = ['protocol', 'runtime', 'agent'].flatMap(folder =>
    sourceFiles(join(ROOT, folder), /(?<!\/page\/.*)(?<!\.test)\.ts$/),
  )
  return [...folders, join(ROOT, 'cli/box.ts')]
}

async function write(
  input: InputOptions & { external: RegExp[] },
  output: OutputOptions,
  { builtFrom, folder }: BoxOptions,
) {
  const bundle = await rolldown({
    ...input,
    cwd: ROOT,
    platform: 'node',
    logLevel: 'warn',
    // The sources find profiles and pages from where they stand; the built files stand elsewhere.
    transform: { define: { 'import.meta.dirname': 'agentFolder', BUILT_FROM: JSON.stringify(builtFrom) } },
  })
  const written = await bundle.write({
    dir: folder,
    format: 'cjs',
    minify: true,
    entryFileNames: '[name].js',
    // Node keeps quiet about deprecated calls under node_modules; these packages only moved in here.
    banner: [
      'const nodeRequire = require',
      "const agentFolder = require('node:path').join(__dirname, '../../agent')",
      'process.noDeprecation = true',
    ].join('\n'),
    ...output,
  })
  await bundle.close()
  const chunks = written.output.filter(({ type }) => type === 'chunk') as { fileName: string; moduleIds: string[] }[]
  for (const { fileName } of chunks) rewriteAscii(join(folder, fileName))
  return chunks
}

/** One character outside of Latin-1 makes V8 keep the whole text of a program at two bytes each. */
function rewriteAscii(file: string): void {
  const escaped = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
  writeFileSync(file, readFileSync(file, 'utf8').replaceAll(/[^\0-\x7f]/g, escaped))
}

/** `import()` of a file that is seldom needed loads what was built from it. */
function seldomApart(): Plugin {
  return {
    name: 'seldom-apart',
    async resolveId(source, importer, { kind }) {
      if (kind !== 'dynamic-import') return undefined
      const resolved = await this.resolve(source, importer, { kind, skipSelf: true })
      if (resolved?.external) return resolved
      return { id: `./${lateName(resolved!.id)}.js`, external: true }
    },
  }
}

const CHECK = 'virtual:check/'

const onlyWritten = ({ key, form }: { key: string; form: string | undefined }) => {
  const name = `check_${key.replaceAll(/\W/g, '_')}`
  return {
    text: form === undefined ? name : `createCheckedForm(${form}, ${name})`,
    imports: [`import ${name} from '${CHECK}${key}'`, ...importForm(form)],
  }
}

const registering = ({ key, form, schema }: { key: string; form: string | undefined; schema: string }) => {
  const check = `registered('${key}', ${schema})`
  return {
    text: form === undefined ? check : `createCheckedForm(${form}, ${check})`,
    imports: ["import { registered } from 'virtual:registry'", ...importForm(form)],
  }
}

const importForm = (form: string | undefined) =>
  form === undefined ? [] : ["import { createCheckedForm } from '#protocol/codec.ts'"]

const REGISTRY = `
import { createCheck } from '#protocol/check.ts'
export const checks = new Map()
export function registered(key, schema) {
  const check = createCheck(schema)
  checks.set(key, { ...check, schema })
  return check
}`

const EXPLAIN = `
export { checks } from 'virtual:registry'
import { checks } from 'virtual:registry'
export const explain = (key, value) => checks.get(key).explain(value)`

/** All written checks, by their keys: for the test that holds them beside the sources'. */
function exportChecks(checks: ReadonlyMap<string, KnownCheck>): string {
  const keys = [...checks.keys()]
  const imports = keys.map((key, i) => `import c${i} from '${CHECK}${key}'`)
  return `${imports.join('\n')}\nexport const checks = { ${keys.map((key, i) => `${JSON.stringify(key)}: c${i}`).join(', ')} }`
}

function writtenChecks(checks: ReadonlyMap<string, KnownCheck>): Plugin {
  return {
    name: 'written-checks',
    resolveId(source) {
      if (source === './explain.js') return { id: source, external: true }
      return source.startsWith(CHECK) ? `\0${source}` : undefined
    },
    load(id) {
      if (!id.startsWith(`\0${CHECK}`)) return undefined
      const key = id.slice(CHECK.length + 1)
      const known = checks.get(key)
      if (!known) throw new Error(`${key} makes its check somewhere else than at the top of its module`)
      return writtenCheck(key, known)
    },
  }
}

function virtual(name: string, code: string): Plugin {
  return {
    name,
    resolveId: source => (source === name ? `\0${name}` : undefined),
    load: id => (id === `\0${name}` ? code : undefined),
  }
}
