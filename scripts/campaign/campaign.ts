import { type ChildProcess, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { spawnBound } from '#scripts/program.ts'
import type { FaultKind } from './fault.ts'
import { FAULTS } from './faults/all.ts'
import { findTools, type Isolation, isolating, isThere, type Tool } from './machine.ts'
import type { CampaignOptions } from './options.ts'
import { fetchNodeRed } from './peers/node-red.ts'
import { SIZES } from './peers/outages.ts'
import type { PeerOrder, PeerRow } from './peers/run.ts'
import type { WorldResult } from './run-world.ts'

/** What a world's own process is told. */
export interface WorldOrder {
  seed: number
  rounds: number
  only: readonly string[]
  dir: string
  isBuilt: boolean
  isolation: Isolation
  untilMs: number
  isKept: boolean
}

/** A world that broke a promise. */
export interface Failed {
  seed: number
  rounds: number
  failures: string[]
}

export interface Tally extends Omit<WorldResult, 'drainMs' | 'failures' | 'crashes'> {
  worlds: number
  drainMs: number[]
  failed: Failed[]
  crashes: { seed: number; detail: string }[]
  /** Kinds of fault this machine cannot do, by the tool that is missing. */
  skipped: Partial<Record<Tool, string[]>>
}

const ENTRY = join(import.meta.dirname, '../campaign.ts')
const SILENT_MS_MAX = 300_000
const VAR = join(import.meta.dirname, '../../var')

/** How far a world can be set apart on this machine. */
export function findIsolation(): Isolation {
  if (!isThere('unshare') || !isThere('ip')) return 'none'
  const tries = process.getuid?.() === 0 ? (['root'] as const) : (['user'] as const)
  return (
    tries.find(isolation => {
      const [command, ...args] = [...isolating(isolation), 'ip', 'link', 'set', 'lo', 'up']
      return spawnSync(command!, args).status === 0
    }) ?? 'none'
  )
}

export function missingTools(
  tools: ReadonlySet<Tool>,
  kinds: readonly Pick<FaultKind, 'name' | 'needs'>[],
): Tally['skipped'] {
  const skipped: Tally['skipped'] = {}
  for (const { name, needs } of kinds) {
    const missing = needs.find(tool => !tools.has(tool))
    if (missing) skipped[missing] = [...(skipped[missing] ?? []), name]
  }
  return skipped
}

/** Runs worlds, so many at a time, until all rounds are done, time is up, or `stopped` is true. */
export async function runCampaign(
  options: CampaignOptions,
  deps: {
    isolation: Isolation
    onProgress(tally: Tally): void
    /** Told at once: a campaign may take hours. */
    onFailed(failed: Failed): void
    onWorld(child: ChildProcess): void
    isStopped(): boolean
  },
): Promise<Tally> {
  const { isolation } = deps
  const untilMs = Date.now() + options.minutes * 60_000
  const kinds = options.only.length > 0 ? FAULTS.filter(({ name }) => options.only.includes(name)) : FAULTS
  const skipped = missingTools(findTools(isolation), kinds)
  const finished: { seed: number; result: WorldResult }[] = []
  const running = new Map<number, WorldResult>()
  const failed: Tally['failed'] = []
  let nextSeed = options.seed
  let left = options.rounds
  const root = options.keep ?? join(VAR, `campaign-${process.pid}`)
  mkdirSync(root, { recursive: true, mode: 0o700 })

  const sum = (): Tally =>
    tallyOf([...finished.map(({ result }) => result), ...running.values()], {
      worlds: finished.length + running.size,
      failed,
      crashes: finished.flatMap(({ seed, result }) => result.crashes.map(detail => ({ seed, detail }))),
      skipped,
    })

  async function work() {
    while (left > 0 && Date.now() < untilMs && !deps.isStopped()) {
      const rounds = Math.min(options.life, left)
      left -= rounds
      const seed = nextSeed
      nextSeed += 1
      const { only, isBuilt, keep } = options
      const dir = join(root, `world-${seed}`)
      const order: WorldOrder = { seed, rounds, only, dir, isBuilt, isolation, untilMs, isKept: keep !== undefined }
      const result = await runChild(order, deps.onWorld, current => {
        running.set(seed, current)
        deps.onProgress(sum())
      })
      running.delete(seed)
      if (deps.isStopped() && !result) return
      const own = result ?? emptyResult(['the process of this world ended without a word'])
      finished.push({ seed, result: own })
      if (own.failures.length > 0) {
        // What broke before its first round is repeated with all of them.
        failed.push({ seed, rounds: own.rounds || rounds, failures: own.failures })
        deps.onFailed(failed.at(-1)!)
      }
      deps.onProgress(sum())
    }
  }

  await Promise.all(Array.from({ length: options.jobs }, work))
  if (!options.keep) rmSync(root, { recursive: true, force: true })
  return sum()
}

/** Runs one world in a process of its own, with a network and mounts of its own. */
async function runChild(
  order: WorldOrder,
  onWorld: (child: ChildProcess) => void,
  onRound: (result: WorldResult) => void,
): Promise<WorldResult | undefined> {
  let last: WorldResult | undefined
  let isOver = false
  let world: ChildProcess | undefined
  // A round takes seconds. One that never ends would keep the campaign, and nobody would know.
  const silent: string[] = []
  const silence = setTimeout(() => {
    silent.push(`the world said nothing for ${SILENT_MS_MAX / 1000} s and was ended`)
    world?.kill('SIGKILL')
  }, SILENT_MS_MAX)
  const started = (child: ChildProcess) => {
    world = child
    onWorld(child)
  }
  const { errors } = await runIsolated(order.isolation, ['--world', JSON.stringify(order)], started, line => {
    silence.refresh()
    const { result, over } = JSON.parse(line) as { result: WorldResult; over?: true }
    last = result
    isOver = over === true
    if (!isOver) onRound(result)
  })
  clearTimeout(silence)
  const why = [...silent, ...errors.slice(-20)]
  if (isOver || !last) return last ?? (why.length > 0 ? emptyResult(why) : undefined)
  return { ...last, failures: [...last.failures, 'the process of this world broke off', ...why] }
}

export function emptyResult(failures: string[] = []): WorldResult {
  const none = { sessions: 0, pressed: 0, thanked: 0, arrived: 0, lost: 0, doubled: 0, wrong: 0, gaps: 0, stuck: 0 }
  return { rounds: 0, faults: {}, ...none, crashed: 0, gaveUp: 0, renewed: 0, drainMs: [], failures, crashes: [] }
}

const COUNTS = [
  'rounds',
  'sessions',
  'pressed',
  'thanked',
  'arrived',
  'lost',
  'doubled',
  'wrong',
  'gaps',
  'stuck',
  'crashed',
  'gaveUp',
  'renewed',
] as const

function tallyOf(
  results: readonly WorldResult[],
  rest: Pick<Tally, 'worlds' | 'failed' | 'crashes' | 'skipped'>,
): Tally {
  const counts = Object.fromEntries(
    COUNTS.map(name => [name, results.reduce((total, result) => total + result[name], 0)]),
  ) as Record<(typeof COUNTS)[number], number>
  const faults: Record<string, number> = {}
  for (const result of results) {
    for (const [name, times] of Object.entries(result.faults)) faults[name] = (faults[name] ?? 0) + times
  }
  return { ...counts, faults, drainMs: results.flatMap(({ drainMs }) => drainMs), ...rest }
}

/** Puts each way of doing it through the same outages, one after the other. Node-RED is fetched when its turn comes. */
export async function runPeers(
  options: CampaignOptions,
  deps: { onRow(row: PeerRow): void; onWorld(child: ChildProcess): void; isStopped(): boolean },
): Promise<{ rows: PeerRow[]; problems: string[] }> {
  const root = options.keep ?? join(VAR, `campaign-${process.pid}`)
  // Kept from run to run, beside the project's own packages and never among them.
  const nodeRed = join(VAR, 'peers')
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const rows: PeerRow[] = []
  const problems: string[] = []
  for (const name of options.peers) {
    if (deps.isStopped()) break
    // Fetched out here: in there is no network.
    if (name === 'node-red') await fetchNodeRed(nodeRed)
    const order: PeerOrder = { name, dir: root, seed: options.seed, sizes: SIZES, isBuilt: options.isBuilt, nodeRed }
    const said = await runIsolated('root', ['--peer-order', JSON.stringify(order)], deps.onWorld, line => {
      const row = JSON.parse(line) as PeerRow
      rows.push(row)
      deps.onRow(row)
    })
    if (said.code !== 0) problems.push(`${name}: ${said.errors.slice(-12).join('\n')}`)
  }
  if (!options.keep) rmSync(root, { recursive: true, force: true })
  return { rows, problems }
}

/** Runs this program again in a process that is set apart, and reads what it prints line by line. */
async function runIsolated(
  isolation: Isolation,
  own: readonly string[],
  onWorld: (child: ChildProcess) => void,
  onLine: (line: string) => void,
): Promise<{ code: number | null; errors: string[] }> {
  const [command, ...args] = [...isolating(isolation), process.execPath, ENTRY, ...own]
  const child = spawnBound(command!, args)
  onWorld(child)
  const errors: string[] = []
  createInterface({ input: child.stderr! }).on('line', line => errors.push(line))
  createInterface({ input: child.stdout! }).on('line', onLine)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, errors }
}
