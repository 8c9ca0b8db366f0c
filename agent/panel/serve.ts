import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fail, ok, type Result } from '#protocol/result.ts'
import { writeFileAtomic } from '#runtime/atomic-file.ts'
import { createPanelApp } from './app.ts'

/** Listens for clerks; refuses when the address is taken or not this machine's. */
export async function servePanel(
  panel: { host: string; port: number },
  deps: Parameters<typeof createPanelApp>[0],
): Promise<Result<{ url: string; close(): Promise<void> }>> {
  const server = createServer(createPanelApp(deps))
  const listening = await new Promise<Error | undefined>(resolve => {
    server.once('error', resolve)
    server.listen(panel.port, panel.host, () => resolve(undefined))
  })
  if (listening) {
    const { code } = listening as NodeJS.ErrnoException
    return fail('panel-not-listening', `panel.host ${panel.host}, panel.port ${panel.port}: ${code}`)
  }
  const { port } = server.address() as AddressInfo
  return ok({
    url: `http://${panel.host.includes(':') ? `[${panel.host}]` : panel.host}:${port}`,
    async close() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  })
}

/** Where the hashes of paired computers' tokens are kept. */
export function pairingFile(path: string) {
  return {
    load: () => readHashes(path),
    save: (hashes: string[]) => writeFileAtomic(path, JSON.stringify(hashes), 0o600),
  }
}

/** A file that a bad disk made unreadable pairs nobody; it keeps no box from starting. */
function readHashes(path: string): string[] {
  if (!existsSync(path)) return []
  try {
    const stored: unknown = JSON.parse(readFileSync(path, 'utf8'))
    return Array.isArray(stored) ? stored.filter(hash => typeof hash === 'string') : []
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code) return []
    throw error
  }
}
