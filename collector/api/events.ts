import type { ServerResponse } from 'node:http'
import type { BoxView, GapView, PoolView, QuarantineView, ServiceView } from '#collector/schemas.ts'
import type { Clock } from '#protocol/clock.ts'

/** What live pages are told, each with the item as it is now. */
export type LiveEvent =
  | { kind: 'service'; item: ServiceView }
  | { kind: 'box'; item: BoxView }
  | { kind: 'pool'; item: PoolView }
  | { kind: 'quarantine'; item: QuarantineView }
  | { kind: 'gap'; item: GapView }

/** Server-sent events to everybody who watches. */
export interface EventHub {
  hasWatchers(): boolean
  hasRoom(): boolean
  /** Takes over a response whose headers are sent. */
  add(response: ServerResponse): void
  send(event: LiveEvent): void
  close(): void
}

const WATCHERS_MAX = 100
const PING_MS = 15_000
/** A watcher this far behind is cut off: it connects again and reads the lists anew. */
const BEHIND_BYTES_MAX = 1024 * 1024

export function createEventHub(clock: Clock): EventHub {
  const watchers = new Set<ServerResponse>()
  let cancelPing = () => {}

  function write(text: string) {
    for (const watcher of watchers) {
      if (watcher.writableLength > BEHIND_BYTES_MAX) watcher.destroy()
      else watcher.write(text)
    }
  }

  function ping() {
    write(': \n\n')
    cancelPing = watchers.size > 0 ? clock.after(PING_MS, ping) : () => {}
  }

  return {
    hasWatchers: () => watchers.size > 0,
    hasRoom: () => watchers.size < WATCHERS_MAX,
    add(response) {
      watchers.add(response)
      response.once('close', () => watchers.delete(response))
      response.write('retry: 2000\n\n')
      if (watchers.size === 1) {
        cancelPing()
        cancelPing = clock.after(PING_MS, ping)
      }
    },
    send({ kind, item }) {
      if (watchers.size > 0) write(`event: ${kind}\ndata: ${JSON.stringify(item)}\n\n`)
    },
    close() {
      cancelPing()
      for (const watcher of watchers) watcher.end()
    },
  }
}
