import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

/** One running `chuangping …` process. */
export interface Program {
  /** What it printed when it was ready. */
  ready: Record<string, unknown>
  child: ChildProcess
  /** Asks it to end, and insists after five seconds. */
  stop(): Promise<void>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Resolves when it has ended, however that came. */
  ended: Promise<unknown>
}

const ROOT = dirname(import.meta.dirname)
const MAIN = join(ROOT, 'cli', 'main.ts')
/** The one file that is put on a box (scripts/build.ts). */
export const BUILT_AGENT = join(ROOT, 'dist', 'agent', 'agent.js')
const STOP_MS_MAX = 5_000
const SETPRIV = '/usr/bin/setpriv'

/**
 * Starts `chuangping …args --json` and waits for its `{"ready":true,…}` line. Other lines go to `onLine`.
 * Rejects with what it said when it ends before.
 */
export async function startProgram(
  args: readonly string[],
  options: {
    onLine?(line: string): void
    env?: NodeJS.ProcessEnv
    entry?: string
    /** Told before it is ready. */
    onSpawn?(child: ChildProcess): void
  } = {},
): Promise<Program> {
  const child = spawnBound(process.execPath, [options.entry ?? MAIN, ...args, '--json'], options.env)
  options.onSpawn?.(child)
  const said: string[] = []
  const ended = once(child, 'exit')
  createInterface({ input: child.stderr! }).on('line', line => {
    said.push(line)
    options.onLine?.(line)
  })
  const ready = await new Promise<Record<string, unknown>>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', line => {
      const value = parseObject(line)
      if (value?.['ready'] === true) return resolve(value)
      if (value?.['ok'] === false) said.push(`${value['code']}: ${value['detail']}`)
      options.onLine?.(line)
    })
    ended.then(
      ([code]) => reject(new Error(`chuangping ${args.join(' ')} ended with ${code}\n${said.join('\n')}`)),
      reject,
    )
  })
  return {
    ready,
    child,
    ended,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGTERM')
      const insist = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
      await ended
      clearTimeout(insist)
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Starts a process that the kernel ends when this one is gone, however that came. */
export function spawnBound(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const bound = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'TERM', file, ...args] : [file, ...args]
  return spawn(bound[0]!, bound.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
}

function parseObject(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined // A line that only looks like JSON is passed on as it is.
  }
}
