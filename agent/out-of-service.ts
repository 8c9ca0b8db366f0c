import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Clock } from '#protocol/clock.ts'
import type { Fault } from '#protocol/result.ts'
import { ok, type Result } from '#protocol/result.ts'
import type { Sealer } from '#protocol/sealing.ts'
import type { EventLog } from '#runtime/event-log.ts'
import type { Agent } from './agent.ts'
import { createPairing } from './panel/pairing.ts'
import { pairingFile, servePanel } from './panel/serve.ts'
import { createDesk } from './rating/desk.ts'
import type { AgentSettings } from './settings.ts'
import { builtInPages } from './windows.ts'

/** The service manager starts us again after that: a disk that was read-only or full may be neither by then. */
const LASTS_MS = 10_000

/**
 * A box whose journal cannot be written: no pad asks, and the clerk's page says why, until `onFatal` is called for
 * the next try.
 */
export async function serveOutOfService(deps: {
  settings: AgentSettings
  clock: Clock
  box: string
  /** Of the journal. */
  folder: string
  log: EventLog
  why: Fault
  onFatal(error: unknown): void
}): Promise<Result<Agent>> {
  const { settings, clock, box, why } = deps
  const refuse = () => {
    throw new Error(why.code)
  }
  const desk = createDesk({
    clock,
    randomBytes,
    journal: { append: refuse, hasRoom: refuse },
    sealer: { sealGrades: refuse, prepare: refuse } as unknown as Sealer,
    box,
    rules: { askMs: 1, undoMs: 1, correctionsMax: 0 },
    windows: settings.windows.map(({ window, profile }) => ({
      window,
      profile,
      holdOffMs: 0,
      stuckMs: 0,
      show() {},
    })),
    past: [],
    onChange() {},
    onIgnored() {},
    onFatal: deps.onFatal,
  })
  desk.takeOutOfService()
  const { panel } = settings.configuration
  const served = await servePanel(panel, {
    clock,
    desk,
    pairing: createPairing({ clock, randomBytes, ...pairingFile(join(deps.folder, 'paired.json')) }),
    state: () => ({
      box,
      link: 'offline',
      backlog: 0,
      windows: desk.windows().map(view => ({ ...view, isListening: false })),
    }),
    counters: () => ({}),
    watch: () => () => {},
    allowedOrigins: panel.allowedOrigins,
    pages: builtInPages(),
  })
  if (!served.ok) return served
  deps.log.fatal({ code: why.code, detail: why.detail, url: served.value.url }, 'out-of-service')
  const cancel = clock.after(LASTS_MS, () => deps.onFatal(new Error(why.code)))
  return ok({
    url: served.value.url,
    isInService: false,
    async close() {
      cancel()
      await served.value.close()
    },
  })
}
