import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createDevelopmentIdentities, type DevelopmentIdentities } from '#provisioning/development.ts'
import { freePort } from '#scripts/ports.ts'

/** Where one run of the bench works: a folder on the checkout's own disk, and everything that must end with it. */
export interface Workplace {
  /** A new empty folder. */
  folder(name: string): string
  /** Port of loopback that the brokers of this run listen on, one after the other. */
  brokerPort: number
  /** Identities of one collector and at least these boxes; made when first asked for. */
  identities(boxes: readonly string[]): Promise<DevelopmentIdentities>
  /** Keeps `end` until the returned function has run it, or the workplace closes. It runs at most once. */
  keep(end: () => Promise<unknown>): () => Promise<void>
  /** Ends what was kept, last first, and removes the folder. What is started after that is refused or ended at once. */
  close(): Promise<void>
  isClosed(): boolean
}

const PREFIX = 'bench-'

export async function openWorkplace(below: string): Promise<Workplace> {
  removeLeftovers(below)
  const root = join(below, `${PREFIX}${process.pid}`)
  mkdirSync(root, { recursive: true, mode: 0o700 })
  const kept = new Set<() => Promise<unknown>>()
  const brokerPort = await freePort()
  let folders = 0
  let isClosed = false

  async function run(end: () => Promise<unknown>) {
    if (kept.delete(end)) await end()
  }

  return {
    brokerPort,
    isClosed: () => isClosed,
    folder(name) {
      if (isClosed) throw new Error('the workplace is closed')
      folders += 1
      const folder = join(root, `${name}-${folders}`)
      mkdirSync(folder)
      return folder
    },
    async identities(boxes) {
      const dir = join(root, 'identities')
      const made = await createDevelopmentIdentities({ dir, boxes, brokerHosts: ['127.0.0.1'], brokerPort })
      if (!made.ok) throw new Error(made.error.detail)
      return made.value
    },
    keep(end) {
      const own = () => end() // The same function kept twice is two things to end.
      kept.add(own)
      if (isClosed) void run(own)
      return () => run(own)
    },
    async close() {
      isClosed = true
      for (const end of [...kept].reverse()) await run(end)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

/** Removes what a run that was killed left behind. */
function removeLeftovers(below: string) {
  mkdirSync(below, { recursive: true })
  for (const name of readdirSync(below)) {
    const pid = Number(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : Number.NaN)
    if (Number.isInteger(pid) && !isRunning(pid)) rmSync(join(below, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
