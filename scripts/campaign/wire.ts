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

export async function createWire(targetPort: () => number): Promise<Wire> {
  const pairs = new Set<Pair>()
  let state: WireState = { kind: 'up' }
  let watch: Parameters<Wire['onRecord']>[0]
  /** Bytes that the narrow line may carry before the next tick. */
  let allowance = 0
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
    pass(pair, 'up', inner, outer)
    pass(pair, 'down', outer, inner)
  }

  function end(pair: Pair) {
    pairs.delete(pair)
    pair.inner.destroy()
    pair.outer.destroy()
  }

  function pass(pair: Pair, direction: 'up' | 'down', from: Socket, to: Socket) {
    const records = createRecordReader()
    from.on('data', (bytes: Buffer) => {
      if (pair.isDead) return
      for (const length of records(bytes)) {
        if (watch?.(direction, length, performance.now() - pair.openedMs) === 'cut') return end(pair)
      }
      allowance -= bytes.length
      to.write(bytes)
      if (!isPassing()) from.pause()
    })
    from.once('end', () => void (pair.isDead || to.end()))
    if (!isPassing()) from.pause()
  }

  const isPassing = () => state.kind !== 'black-hole' && (state.kind !== 'narrow' || allowance > 0)

  function flow() {
    for (const { inner, outer, isDead } of pairs) {
      if (isDead) continue
      for (const socket of [inner, outer]) {
        if (isPassing()) socket.resume()
        else socket.pause()
      }
    }
  }

  /** A line that carries so much a second, in both directions together. */
  function tick(bytesPerSecond: number) {
    const share = (bytesPerSecond * TICK_MS) / 1000
    allowance = Math.min(allowance + share, share * 5)
    flow()
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
      if (next.kind === 'narrow') {
        allowance = 0
        ticking = setInterval(tick, TICK_MS, next.bytesPerSecond)
      }
      if (next.kind === 'refused') return await stopListening()
      if (!server.listening) await listen(port)
      for (const pair of pairs) {
        if (next.kind === 'reset') {
          pair.inner.resetAndDestroy()
          pair.outer.resetAndDestroy()
        } else if (next.kind === 'half-open') {
          pair.isDead = true
          pair.outer.destroy()
          pair.inner.resume()
        }
      }
      flow()
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
