import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { stringify } from 'yaml'
import { sourceFiles } from '#scripts/source-files.ts'
import type { Workplace } from './workplace.ts'

const ROOT = join(import.meta.dirname, '../..')
const BUILT = join(ROOT, 'dist/agent/agent.js')
const STOP_MS_MAX = 5_000
/** When a box is quiet: past the idle checkpoint, five seconds after the last entry, and past the collection ten seconds after the start. */
export const SETTLE_MS = 13_000

/** The one built file if there is one, as on a box; else the source. */
export const agentFile = () => (existsSync(BUILT) ? BUILT : join(ROOT, 'cli/main.ts'))

/** Whether the box is measured as built, and from the present sources. */
export function agentBuild(): 'built' | 'outdated' | 'source' {
  if (!existsSync(BUILT)) return 'source'
  const builtMs = statSync(BUILT).mtimeMs
  const files = ['agent', 'cli', 'protocol', 'runtime'].flatMap(folder =>
    sourceFiles(join(ROOT, folder), /(?<!\.test)\.ts$/),
  )
  return files.some(file => statSync(file).mtimeMs > builtMs) ? 'outdated' : 'built'
}

/** Writes a configuration of one window and returns its path. */
export function writeAgentConfiguration(
  folder: string,
  settings: { identity: string; port: string; logLevel: 'info' | 'silent' },
): string {
  const file = join(folder, 'agent.yaml')
  const { identity, port, logLevel } = settings
  const windows = [{ window: 'A01', profile: 'generic-pj06', port }]
  writeFileSync(file, stringify({ identity, journal: 'journal', windows, panel: { port: 0 }, logLevel }))
  return file
}

export interface NodeProcess {
  pid: number
  /** Resolves when a line of its standard output fits, also one already printed; rejects when it ends before. */
  line(isIt: (line: string) => boolean): Promise<string>
  stop(): Promise<void>
}

/** Starts Node on `args` and ends it with the workplace at the latest. */
export function startNode(place: Workplace, args: readonly string[]): NodeProcess {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const said: string[] = []
  const waiting = new Set<() => void>()
  const tell = () => {
    for (const look of [...waiting]) look()
  }
  const closed = once(child, 'close').then(tell)
  createInterface({ input: child.stderr }).on('line', line => said.push(line))
  createInterface({ input: child.stdout }).on('line', line => {
    lines.push(line)
    tell()
  })
  const stop = place.keep(() => stopChild(child, closed))
  return {
    pid: child.pid!,
    stop,
    line: isIt =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find(isIt)
          const hasEnded = child.exitCode !== null || child.signalCode !== null
          if (found === undefined && !hasEnded) return
          waiting.delete(look)
          if (found !== undefined) resolve(found)
          else reject(new Error(`a process ended too early: ${[...lines, ...said].join('\n')}`))
        }
        waiting.add(look)
        look()
      }),
  }
}

async function stopChild(child: ChildProcess, closed: Promise<unknown>): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
  const insist = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX)
  await closed
  clearTimeout(insist)
}

export interface AgentProcess extends NodeProcess {
  /** Address of the clerk's page and API. */
  url: string
}

export async function startAgentProcess(place: Workplace, configuration: string): Promise<AgentProcess> {
  const agent = startNode(place, [agentFile(), 'agent', 'run', '--config', configuration, '--json'])
  const ready = JSON.parse(await agent.line(line => line.startsWith('{"ready":true')))
  return { ...agent, url: String(ready.url) }
}

/** Resolves at the first state of the box that fits, told by its own live events. */
export async function untilState(
  url: string,
  isIt: (state: { link: string; backlog: number }) => boolean,
): Promise<void> {
  const aborting = new AbortController()
  const response = await fetch(`${url}/v1/events`, { signal: aborting.signal })
  let text = ''
  try {
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk
      const blocks = text.split('\n\n')
      text = blocks.pop()!
      const states = blocks.flatMap(block => /^data: (.*)$/m.exec(block)?.[1] ?? [])
      if (states.some(state => isIt(JSON.parse(state)))) return
    }
  } finally {
    aborting.abort()
  }
  throw new Error('the box closed its events')
}
