import { SerialPortStream } from '@serialport/stream'
import type { Clock } from '#protocol/clock.ts'
import { serialBinding } from './serial-binding.ts'

export interface LineSettings {
  path: string
  baudRate: number
  dataBits: 5 | 6 | 7 | 8
  parity: 'none' | 'even' | 'odd'
  stopBits: 1 | 2
}

/** Why a line cannot be opened or was lost, in words that name the cure (see the catalogue of the doctor). */
export type LineFault =
  | 'port-missing'
  | 'port-busy'
  | 'port-not-permitted'
  | 'port-not-serial'
  | 'line-lost'
  | 'line-failed'

/** One serial line that is opened, watched, lost, and opened again, for ever. */
export interface SerialLine {
  isOpen(): boolean
  /** Writes if the line is open; false, and nothing kept for later, when it is not. */
  write(bytes: Uint8Array): boolean
  close(): Promise<void>
}

type Stream = SerialPortStream<typeof serialBinding>

const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 10_000

export function createSerialLine(deps: {
  clock: Clock
  /** Uniform in [0, 1): jitter, so that two agents of one machine do not fight in step. */
  random(): number
  settings: LineSettings
  onOpen(): void
  onBytes(bytes: Uint8Array): void
  /** The line was lost, or the first of a row of openings failed. */
  onLost(fault: LineFault): void
}): SerialLine {
  const { clock, settings } = deps
  let port: Stream | undefined
  let isOpen = false
  let isStopped = false
  let retryMs = RETRY_MS_MIN
  let reported: LineFault | undefined
  let cancelRetry = () => {}

  function open() {
    // A new object for every opening: the library delivers what was written to a closed port after the
    // next opening of the same object, which would be a stale "please rate" on a fresh pad.
    const own = new SerialPortStream({ binding: serialBinding, ...settings, autoOpen: false })
    port = own
    // The listener comes first: without one, an unplugged line says it is open until a write fails.
    own.on('data', (bytes: Buffer) => deps.onBytes(bytes))
    own.on('error', () => {}) // Every error that ends the line also comes as `close`.
    // `close` can come twice when the line is lost while writing.
    own.once('close', () => lost(own, 'line-lost'))
    own.open(error => {
      if (isStopped && !error) own.close(() => {})
      if (isStopped) return
      if (error) return lost(own, faultOf(error))
      isOpen = true
      retryMs = RETRY_MS_MIN
      reported = undefined
      deps.onOpen()
    })
  }

  function lost(own: Stream, fault: LineFault) {
    if (port !== own || isStopped) return
    port = undefined
    isOpen = false
    if (fault !== reported) deps.onLost(fault)
    reported = fault
    cancelRetry = clock.after(retryMs * (0.5 + deps.random() / 2), open)
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }

  open()
  return {
    isOpen: () => isOpen,
    write(bytes) {
      if (!isOpen || !port) return false
      port.write(Buffer.from(bytes))
      return true
    },
    async close() {
      isStopped = true
      isOpen = false
      cancelRetry()
      const own = port
      port = undefined
      if (own?.isOpen) await new Promise<void>(resolve => own.close(() => resolve()))
    },
  }
}

/** serialport gives the operating system's words, not its codes. */
function faultOf(error: Error): LineFault {
  const { message } = error
  if (/No such file|No such device|ENOENT|ENXIO/i.test(message)) return 'port-missing'
  if (/Cannot lock port|temporarily unavailable|busy/i.test(message)) return 'port-busy'
  if (/Permission denied|EACCES/i.test(message)) return 'port-not-permitted'
  if (/Inappropriate ioctl|Not a (typewriter|tty)|ENOTTY|Is a directory|Invalid argument/i.test(message))
    return 'port-not-serial'
  return 'line-failed'
}
