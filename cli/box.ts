import { spawnSync } from 'node:child_process'
import { AGENT_ENVIRONMENT_PREFIX } from '#agent/configuration.ts'
import { createKeptSettings } from '#agent/kept-settings.ts'
import type { AgentSettings, ReadSettings } from '#agent/settings.ts'
import { type RunOptions, runAgent } from './run-agent.ts'
import { createTerminal, type Terminal } from './terminal.ts'

/**
 * What a box runs (scripts/box-build.ts makes it one file): `agent run` without what only reads settings or command
 * lines. Everything else a box can be asked is in `box-program.ts` and loaded when asked.
 */
export async function main(args: readonly string[]): Promise<void> {
  const options = plainRun(args)
  if (!options) return await (await import('./box-program.ts')).runBoxProgram()
  const terminal = createTerminal(process.env)
  const settings = settingsOf(options, terminal)
  if (settings) await runAgent(settings, options, terminal)
}

/** The options of `agent run --config FILE [--json]`, as a service starts a box; undefined for anything else. */
function plainRun(args: readonly string[]): RunOptions | undefined {
  const [first, second, ...rest] = args
  const json = rest.at(-1) === '--json'
  const [flag, config, ...more] = json ? rest.slice(0, -1) : rest
  const isPlain = first === 'agent' && second === 'run' && flag === '--config' && more.length === 0
  return isPlain && config && !config.startsWith('-') ? { config, json } : undefined
}

/** As read at an earlier start; else read anew, in a process of its own, so that this one never holds the readers. */
function settingsOf(options: RunOptions, terminal: Terminal): AgentSettings | undefined {
  const kept = createKeptSettings({
    file: options.config,
    env: process.env,
    prefix: AGENT_ENVIRONMENT_PREFIX,
    program: BUILT_FROM,
  })
  const recalled = kept.recall()
  if (recalled) return recalled
  const { stdout } = spawnSync(
    process.execPath,
    [process.argv[1]!, 'agent', 'check', '--config', options.config, '--json'],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const read = JSON.parse(stdout) as ({ ok: true } & ReadSettings) | { ok: false; code: string; detail: string }
  if (!read.ok) {
    terminal.fail(options, read)
    return undefined
  }
  const { settings, files } = read
  kept.keep({ settings, files })
  return settings
}

/** Set by the build: a hash over all that it was made from. */
declare const BUILT_FROM: string
