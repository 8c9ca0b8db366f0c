/** A way of getting presses from a box to a centre, as the outage script sees it. */
export interface Peer {
  readonly name: string
  /** Presses; resolves to whether the citizen was thanked. */
  press(id: number): Promise<boolean>
  /** Ends everything of the box without warning; the returned function starts it again. */
  kill(): Promise<() => Promise<void>>
  /** Nothing of the box goes on from here; it is killed next. */
  freeze(): void
  stop(): Promise<void>
}

/** Where one peer's box lives. */
export interface PeerPlace {
  dir: string
  /** A folder on the disk whose power can be cut. */
  store: string
  /** Port of the line to the centre's broker. */
  brokerPort: number
}

const PATIENCE_MS = 3_000

/** Presses by an HTTP request that is answered after the thanks. */
export async function pressByHttp(url: string, id: number): Promise<boolean> {
  try {
    const body = JSON.stringify({ id, grade: 'satisfied' })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(url, { method: 'POST', headers, body, signal: AbortSignal.timeout(PATIENCE_MS) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false // The box was stopped before it could thank.
  }
}
