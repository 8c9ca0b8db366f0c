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

const PREFIX = '\0stand-in:'

/** Leaves out of the box's file what its packages would load for nothing; many small files at start cost most of all. */
export function slimPackages(): Plugin {
  return {
    name: 'slim-packages',
    resolveId(source) {
      return Object.hasOwn(STAND_INS, source) ? `${PREFIX}${source}.cjs` : undefined
    },
    load(id) {
      if (id.startsWith(PREFIX)) return STAND_INS[id.slice(PREFIX.length, -'.cjs'.length)]
      return LOADERS.find(([file]) => file.test(id))?.[1]
    },
  }
}
