import { createRequire } from 'node:module'
import type { Plugin } from 'rolldown'

/**
 * What packages bring along for browsers and for ways of connecting that a box never takes. `readable-stream` is a
 * copy of Node's own streams.
 */
const STAND_INS: Record<string, string> = {
  'readable-stream': "module.exports = require('node:stream')",
  'worker-timers': 'module.exports = {}',
  ws: 'module.exports = {}',
  socks: 'module.exports = {}',
  // Asks the terminal for its colours first of all.
  debug: 'module.exports = () => Object.assign(() => {}, { enabled: false })',
  // Tables of every writing on earth, for pads that show text in one of them: from node_modules, when one does.
  'iconv-lite': ['encode', 'decode']
    .map(name => `exports.${name} = (...given) => nodeRequire('iconv-lite').${name}(...given)`)
    .join('\n'),
}

/**
 * Where packages load their compiled part: the one file of them that stays in node_modules. `nodeRequire` is made by
 * the build's first line.
 */
const LOADERS: readonly [file: RegExp, code: string][] = [
  [/\/better-sqlite3\/lib\/binding\.js$/, loaded('better-sqlite3', 'binding.js')],
  [/\/bindings-cpp\/dist\/serialport-bindings\.js$/, loaded('@serialport/bindings-cpp', 'serialport-bindings.js')],
  [/\/bindings-cpp\/dist\/(darwin|win32)\.js$/, 'module.exports = {}'],
]

function loaded(packageName: string, file: string): string {
  const beside = `nodeRequire.resolve(${JSON.stringify(packageName)}), '..', ${JSON.stringify(file)}`
  return `module.exports = nodeRequire(require('node:path').join(${beside}))`
}

/** Parts of Node and packages that a start can do without: loaded when a function of them is first called, or taken. */
const LATE = ['node:fs/promises', 'node:tls', 'node:child_process', 'child_process', 'node:zlib']
const LATE_DEFAULT: Record<string, string> = { mqtt: 'MqttClient' }

const PREFIX = '\0stand-in:'
const LATE_PREFIX = '\0late:'

function late(name: string): string {
  const functions = Object.entries(createRequire(import.meta.url)(name)).filter(
    ([, value]) => typeof value === 'function',
  )
  return functions
    .map(([own]) => `export const ${own} = (...given) => nodeRequire(${JSON.stringify(name)}).${own}(...given)`)
    .join('\n')
}

function lateDefault(name: string): string {
  return `export default { get ${LATE_DEFAULT[name]}() { return require(${JSON.stringify(name)}).${LATE_DEFAULT[name]} } }`
}

/** Leaves out of the box's file what its packages would load for nothing; many small files at start cost most of all. */
export function slimPackages(): Plugin {
  return {
    name: 'slim-packages',
    resolveId(source, importer = '') {
      if (LATE.includes(source) || (Object.hasOwn(LATE_DEFAULT, source) && !importer.startsWith(LATE_PREFIX))) {
        return `${LATE_PREFIX}${source}`
      }
      return Object.hasOwn(STAND_INS, source) ? `${PREFIX}${source}.cjs` : undefined
    },
    load(id) {
      if (id.startsWith(LATE_PREFIX)) {
        const name = id.slice(LATE_PREFIX.length)
        return { code: LATE.includes(name) ? late(name) : lateDefault(name), moduleSideEffects: false }
      }
      if (id.startsWith(PREFIX)) return STAND_INS[id.slice(PREFIX.length, -'.cjs'.length)]
      return LOADERS.find(([file]) => file.test(id))?.[1]
    },
  }
}
