import { dirname, resolve } from 'node:path'
import { startAgent } from '#agent/main.ts'
import type { AgentSettings } from '#agent/settings.ts'
import { createEventLog } from '#runtime/event-log.ts'
import type { Terminal } from './terminal.ts'

export interface RunOptions {
  config: string
  json?: boolean
}

/** Runs the box until a signal ends it. */
export async function runAgent(settings: AgentSettings, options: RunOptions, terminal: Terminal): Promise<void> {
  const started = await startAgent({
    settings,
    base: dirname(resolve(options.config)),
    log: createEventLog('agent', settings.configuration.logLevel),
    // The journal refused. Give the pages a moment to say so, then leave it to the service manager.
    onFatal: () => setTimeout(() => process.exit(EXIT_JOURNAL), FATAL_DELAY_MS),
  })
  if (!started.ok) return terminal.fail(options, started.error)
  const { url, isInService, close } = started.value
  // Before the ready line: whoever reads it may stop us at once.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void close().then(() => process.exit(0)))
  }
  terminal.print(options, { ready: isInService, url }, () =>
    terminal.say({ zh: `窗口人员页面：${url}`, en: `Clerk's page: ${url}` }),
  )
}

/** sysexits.h EX_IOERR. */
const EXIT_JOURNAL = 74
const FATAL_DELAY_MS = 1000
