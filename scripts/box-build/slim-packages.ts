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
}

const PREFIX = '\0stand-in:'

/** Leaves out of the box's file what its MQTT client would load for nothing. */
export function slimPackages(): Plugin {
  return {
    name: 'slim-packages',
    resolveId(source) {
      return Object.hasOwn(STAND_INS, source) ? `${PREFIX}${source}.cjs` : undefined
    },
    load(id) {
      return id.startsWith(PREFIX) ? STAND_INS[id.slice(PREFIX.length, -'.cjs'.length)] : undefined
    },
  }
}
