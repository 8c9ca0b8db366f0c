import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { loadProfile } from '#agent/pad/load-profile.ts'
import { freePort } from '#scripts/ports.ts'
import { BUILT_AGENT } from '#scripts/program.ts'
import { profileFolder } from '#virtual-pad/profile-folder.ts'
import { createDisk, type Disk } from './disk.ts'
import { FAKETIME } from './machine.ts'
import { createSupervised, type Ending, type Supervised } from './supervised.ts'
import { ASK_MS, createWindow, UNDO_MS, type Window } from './window.ts'
import type { Wire } from './wire.ts'

/** One box with its pads, its disk, its clock and its line to the broker. */
export interface Box {
  readonly name: string
  readonly agent: Supervised
  readonly windows: readonly Window[]
  readonly disk: Disk
  readonly wire: Wire
  readonly journal: string
  /** Sets the box's wall clock off by so many seconds; false where it has none that can be set. */
  setClock(offsetS: number): boolean
  /** What the box says of itself; undefined while it does not answer. */
  state(): Promise<BoxState | undefined>
  stop(): Promise<void>
}

export interface BoxState {
  link: 'online' | 'offline'
  backlog: number
  windows: { pad: { state: string }; session: { state: string } }[]
}

/** Everything short, so that a campaign sees many of each; the shares between them are those of the field. */
export const LINK = {
  reconnect: '100ms',
  reconnectMax: '1s',
  keepalive: '1s',
  connectTimeout: '2s',
} as const

const STATE_PATIENCE_MS = 1_000

export async function startBox(deps: {
  dir: string
  name: string
  identity: string
  wire: Wire
  profiles: readonly string[]
  seed: number
  isBuilt: boolean
  diskKind: Disk['kind']
  hasClock: boolean
  onUnasked(ending: Ending): void
}): Promise<Box> {
  const { dir, name, wire, hasClock } = deps
  const disk = await createDisk(dir, `disk-${name}`, deps.diskKind)
  const clockFile = join(dir, `${name}.clock`)
  if (hasClock) writeFileSync(clockFile, '+0\n')
  const configuration = join(dir, `${name}.yaml`)
  const windows: Window[] = []

  async function panel(patienceMs: number): Promise<string> {
    const late = new Promise<never>((_, reject) => setTimeout(reject, patienceMs, new Error('no page')).unref())
    return String((await Promise.race([agent.ready(), late])).ready['url'])
  }

  const settings: object[] = []
  for (const [index, id] of deps.profiles.entries()) {
    const profile = loadProfile(profileFolder(id))
    if (!profile.ok) throw new Error(profile.error.detail)
    const link = join(dir, `${name}-pad${index}`)
    const window = `W${index}`
    settings.push({ window, profile: id, port: link })
    windows.push(
      createWindow({ box: name, name: window, profile: profile.value, link, seed: deps.seed + index, panel }),
    )
  }
  const journal = join(disk.path, 'journal')
  writeFileSync(
    configuration,
    stringify({
      identity: deps.identity,
      journal,
      windows: settings,
      session: { ask: `${ASK_MS}ms`, undo: `${UNDO_MS}ms` },
      link: { ...LINK, resend: '500ms', resendMax: '4s' },
      panel: { port: await freePort() },
    }),
  )
  const agent = createSupervised({
    name,
    args: ['agent', 'run', '--config', configuration],
    ...(deps.isBuilt ? { entry: BUILT_AGENT } : {}),
    ...(hasClock ? { env: clockEnvironment(clockFile) } : {}),
    onEnd() {
      for (const window of windows) window.agentEnded()
    },
    onUnasked: deps.onUnasked,
  })

  return {
    name,
    agent,
    windows,
    disk,
    wire,
    journal,
    setClock(offsetS) {
      if (hasClock) writeFileSync(clockFile, `${offsetS < 0 ? '' : '+'}${offsetS}\n`)
      return hasClock
    },
    async state() {
      const url = agent.now()?.ready['url']
      if (!url) return undefined
      try {
        const response = await fetch(`${url}/v1/state`, { signal: AbortSignal.timeout(STATE_PATIENCE_MS) })
        return response.ok ? ((await response.json()) as BoxState) : undefined
      } catch {
        return undefined // It is ending, or busy: it will be asked again.
      }
    },
    async stop() {
      await agent.stop()
      for (const { pad } of windows) pad.close()
      await wire.close()
      await disk.close()
      rmSync(clockFile, { force: true })
    },
  }
}

/** A clock of its own for a process: only the wall clock, as a clock that is set does not touch the monotonic one. */
export function clockEnvironment(file: string): NodeJS.ProcessEnv {
  return {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
}
