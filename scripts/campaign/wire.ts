import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What is the matter with a line between a program and its broker. */
export type WireState =
  | { kind: 'up' }
  /** Nobody answers the port; what was connected is closed. */
  | { kind: 'refused' }
  /** Everything connected, and everything that tries, is reset. */
  | { kind: 'reset' }
  /** Nothing passes and nobody is told; what waits passes afterwards. */
  | { kind: 'black-hole' }
  /** What is connected now is dead and nobody is told, for ever; new connections live. */
  | { kind: 'half-open' }
  | { kind: 'narrow'; bytesPerSecond: number }

/** A line of TCP between a program and its broker that can be disturbed in every way; TLS passes through untouched. */
export interface Wire {
  port: number
  set(state: WireState): Promise<void>
  /**
   * Told of each TLS record of application data that comes from the broker (`down`) or goes to it (`up`), before it
   * is passed on, with the age of its connection. `cut` ends the connection instead, and the record is gone.
   */
  onRecord(watch: ((direction: 'up' | 'down', bytes: number, ageMs: number) => 'pass' | 'cut') | undefined): void
  close(): Promise<void>
}

const TICK_MS = 20

interface Pair {
  inner: Socket
  outer: Socket
  isDead: boolean
  openedMs: number
}

/** One direction of one connection, with what it could not pass on yet. */
interface Flow {
  pair: Pair
  from: Socket
  to: Socket
  waiting: Buffer[]
}

export async function createWire(targetPort: () => number): Promise<Wire> {
  const pairs = new Set<Pair>()
  const flows = new Set<Flow>()
  let state: WireState = { kind: 'up' }
  let watch: Parameters<Wire['onRecord']>[0]
  /** Bytes that may pass before the next tick. */
  let allowance = Number.POSITIVE_INFINITY
  let ticking: NodeJS.Timeout | undefined
  const server = createServer({ noDelay: true }, accept)

  function accept(inner: Socket) {
    inner.on('error', () => {}) // Followed by `close`, which is what counts.
    if (state.kind === 'reset') return void inner.resetAndDestroy()
    const outer = connect({ port: targetPort(), host: '127.0.0.1', noDelay: true })
    outer.on('error', () => {})
    const pair: Pair = { inner, outer, isDead: false, openedMs: performance.now() }
    pairs.add(pair)
    inner.once('close', () => end(pair))
    outer.once('close', () => void (pair.isDead || end(pair)))
    pass({ pair, from: inner, to: outer, waiting: [] }, 'up')
    pass({ pair, from: outer, to: inner, waiting: [] }, 'down')
  }

  function end(pair: Pair) {
    pairs.delete(pair)
    for (const flow of flows) if (flow.pair === pair) flows.delete(flow)
    pair.inner.destroy()
    pair.outer.destroy()
  }

  function pass(flow: Flow, direction: 'up' | 'down') {
    const { pair, from, to } = flow
    const records = createRecordReader()
    flows.add(flow)
    from.on('data', (bytes: Buffer) => {
      if (pair.isDead) return
      for (const length of records(bytes)) {
        if (watch?.(direction, length, performance.now() - pair.openedMs) === 'cut') return end(pair)
      }
      flow.waiting.push(bytes)
      move(flow)
    })
    from.once('end', () => void (pair.isDead || to.end()))
    move(flow)
  }

  /** Passes on what may pass, and reads no further while something waits: the sender is to feel it. */
  function move({ pair, from, to, waiting }: Flow) {
    if (pair.isDead) return void from.resume()
    while (waiting[0] && allowance >= 1) {
      const piece = waiting[0].subarray(0, Math.floor(Math.min(allowance, waiting[0].length)))
      allowance -= piece.length
      to.write(piece)
      if (piece.length === waiting[0].length) waiting.shift()
      else waiting[0] = waiting[0].subarray(piece.length)
    }
    if (waiting.length === 0 && allowance > 0) from.resume()
    else from.pause()
  }

  function moveAll() {
    for (const flow of flows) move(flow)
  }

  /** A line that carries so much a second, in both directions together. */
  function tick(bytesPerSecond: number) {
    const share = (bytesPerSecond * TICK_MS) / 1000
    allowance = Math.min(allowance + share, share * 5)
    moveAll()
  }

  async function listen(at: number) {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
  }

  async function stopListening() {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const pair of pairs) end(pair)
    await closed
  }

  await listen(0)
  const { port } = server.address() as AddressInfo
  return {
    port,
    async set(next) {
      state = next
      clearInterval(ticking)
      const isFree = next.kind !== 'narrow' && next.kind !== 'black-hole'
      allowance = isFree ? Number.POSITIVE_INFINITY : 0
      if (next.kind === 'narrow') ticking = setInterval(tick, TICK_MS, next.bytesPerSecond)
      if (next.kind === 'refused') return await stopListening()
      if (!server.listening) await listen(port)
      for (const pair of pairs) {
        if (next.kind === 'reset') {
          pair.inner.resetAndDestroy()
          pair.outer.resetAndDestroy()
        } else if (next.kind === 'half-open') {
          pair.isDead = true
          pair.outer.destroy()
        }
      }
      moveAll()
    },
    onRecord(next) {
      watch = next
    },
    async close() {
      clearInterval(ticking)
      await stopListening()
    },
  }
}

const HEADER_BYTES = 5
const APPLICATION_DATA = 23

/** Reads the lengths of a TLS stream's records of application data; they stand in the clear (RFC 8446, 5.1). */
function createRecordReader() {
  let header: number[] = []
  let left = 0
  return (bytes: Buffer): number[] => {
    const lengths: number[] = []
    for (let at = 0; at < bytes.length; ) {
      if (left > 0) {
        const taken = Math.min(left, bytes.length - at)
        left -= taken
        at += taken
        continue
      }
      header.push(bytes[at++]!)
      if (header.length < HEADER_BYTES) continue
      left = header[3]! * 256 + header[4]!
      if (header[0] === APPLICATION_DATA) lengths.push(left)
      header = []
    }
    return lengths
  }
}
