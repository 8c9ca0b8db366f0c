import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

/**
 * Pushes the state at once and after each change, as server-sent events, until the reader goes away. A slow
 * reader gets the states in order, and of a burst only the newest.
 */
export async function pushState(
  response: ServerResponse,
  deps: { state(): unknown; watch(onChange: () => void): () => void },
): Promise<void> {
  let isStale = true
  let wake = () => {}
  const stop = deps.watch(() => {
    isStale = true
    wake()
  })
  const gone = once(response, 'close')
  gone.then(() => wake())
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  while (!response.destroyed) {
    if (!isStale) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
      continue
    }
    isStale = false
    const hasRoom = response.write(`event: state\ndata: ${JSON.stringify(deps.state())}\n\n`)
    if (!hasRoom) await Promise.race([once(response, 'drain'), gone])
  }
  stop()
}
