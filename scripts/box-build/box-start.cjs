'use strict'
/**
 * The first lines that run on a box: how much memory V8 may take, and where compiled code is kept. A box waits all
 * day, so it is told to stay small rather than to become fast.
 */
const { join } = require('node:path')
const nodeModule = require('node:module')
const v8 = require('node:v8')

const FLAGS = [
  // The optimising compilers are 2 MiB of code that the start alone would bring into memory.
  '--no-opt',
  '--no-maglev',
  // Room for young objects stays as it is at the beginning.
  '--semi-space-growth-factor=1',
  '--expose-gc',
]
for (const flag of FLAGS) v8.setFlagsFromString(flag)

// Where the service manager says (systemd.exec(5)), else beside the program; where nothing can be written nothing is kept.
const kept = (process.env.CACHE_DIRECTORY || '').split(':')[0] || __dirname
nodeModule.enableCompileCache(join(kept, '.compiled'))
require('./box.js').main(process.argv.slice(2))

/** By then everything has run once. */
const SETTLED_MS = 10_000
setTimeout(() => {
  // A box is seldom ended, mostly its power goes: what was compiled is kept now.
  nodeModule.flushCompileCache()
  // From now on the agent collects in quiet times (runtime/collect-young.ts); a flag set this late shows in new contexts only.
  globalThis.gc = require('node:vm').runInNewContext('gc')
  // What only the start needed goes, to the last page; nothing else would make V8 look while nothing happens.
  globalThis.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}, SETTLED_MS).unref()
