import { portHolders } from '#agent/port/port-holders.ts'
import { createSerialLine, type LineFault } from '#agent/port/serial-line.ts'
import type { Clock } from '#protocol/clock.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { TriedLine } from './line-settings.ts'
import type { Chunk } from './trace.ts'

/** A port that is open under one setting; what it brings is kept with the time it came. */
export interface OpenPort {
  /** What has come since the last call. */
  take(): Chunk[]
  /** Sends, and says when. */
  write(bytes: Uint8Array): number
  nowMs(): number
  /** True once bytes have come, false when none did in time. */
  heard(withinMs: number): Promise<boolean>
  /** Waits until the line was still for so long, but no longer than the limit. */
  still(forMs: number, limitMs: number): Promise<void>
  isOpen(): boolean
  close(): Promise<void>
}

export type PortOpener = (line: TriedLine) => Promise<Result<OpenPort, { code: LineFault; detail: string }>>

/** Opens one port, again and again under other settings; never one that another program has open. */
export function createPortOpener(deps: { clock: Clock; path: string }): PortOpener {
  return async line => {
    const [holder] = await portHolders(deps.path)
    if (holder)
      return fail('port-busy', `${deps.path} is open in ${holder.program} (process ${holder.pid}); end it first`)
    return await openOnce(deps, line)
  }
}

/** What the driver still held from before, perhaps at another speed, comes at once. */
const STALE_MS = 20

function openOnce(
  { clock, path }: { clock: Clock; path: string },
  { baud, parity }: TriedLine,
): ReturnType<PortOpener> {
  let chunks: Chunk[] = []
  let lastMonoMs = clock.monoMs()
  let wake = () => {}

  return new Promise(resolve => {
    const line = createSerialLine({
      clock,
      random: Math.random,
      settings: { path, baudRate: baud, dataBits: 8, parity, stopBits: 1 },
      onOpen: () =>
        void clock.after(STALE_MS, () => {
          chunks = []
          resolve(ok(port))
        }),
      onBytes(bytes) {
        lastMonoMs = clock.monoMs()
        chunks.push({ atMs: lastMonoMs, bytes: new Uint8Array(bytes) })
        wake()
      },
      onLost(code, detail) {
        void line.close().then(() => resolve(fail(code, detail)))
        wake()
      },
    })
    const port: OpenPort = {
      take() {
        const taken = chunks
        chunks = []
        return taken
      },
      write(bytes) {
        line.write(bytes)
        return clock.monoMs()
      },
      nowMs: clock.monoMs,
      heard: withinMs =>
        new Promise(done => {
          if (chunks.length > 0) return done(true)
          const end = (isHeard: boolean) => {
            cancel()
            wake = () => {}
            done(isHeard)
          }
          const cancel = clock.after(withinMs, () => end(false))
          wake = () => end(chunks.length > 0)
        }),
      still: (forMs, limitMs) =>
        new Promise(done => {
          const endMonoMs = clock.monoMs() + limitMs
          const look = () => {
            const now = clock.monoMs()
            const leftMs = Math.min(lastMonoMs + forMs, endMonoMs) - now
            if (leftMs <= 0 || !line.isOpen()) done()
            else clock.after(leftMs, look)
          }
          look()
        }),
      isOpen: line.isOpen,
      close: () => line.close(),
    }
  })
}
