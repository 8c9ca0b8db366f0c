import { SerialPortStream } from '@serialport/stream'
import type { Clock } from '#protocol/clock.ts'
import type { Result } from '#protocol/result.ts'
import { serialBinding } from './serial-binding.ts'

export interface LineSettings {
  /** A name, or how to find it: asked before every opening, because an adapter comes back under another name. */
  path: string | (() => Result<string, { code: LineFault; detail: string }>)
  baudRate: number
  dataBits: 5 | 6 | 7 | 8
  parity: 'none' | 'even' | 'odd'
  stopBits: 1 | 2
  /** How it is opened and closed; what is left out stays as the library has it: no flow control, DTR and RTS on. */
  opening?: LineOpening
}

export interface LineOpening {
  readonly flowControl: 'none' | 'hardware' | 'software'
  readonly dtr: 'on' | 'off' | 'unchanged'
  readonly rts: 'on' | 'off' | 'unchanged'
  /** Closing lowers DTR, which resets some boards. */
  readonly isHungUpOnClose: boolean
}

/** Why a line cannot be opened or was lost, in words that name the cure (see the catalogue of the doctor). */
export const LINE_FAULTS = [
  'port-missing',
  'port-ambiguous',
  'port-busy',
  'port-not-permitted',
  'port-not-serial',
  'line-lost',
  'line-failed',
] as const
export type LineFault = (typeof LINE_FAULTS)[number]

/** One serial line that is opened, watched, lost, and opened again, for ever. */
export interface SerialLine {
  isOpen(): boolean
  /** Writes if the line is open and takes bytes; false, and nothing kept for later, when it does not. */
  write(bytes: Uint8Array): boolean
  /** Something was plugged in: a line that waits to be opened again tries now. */
  wake(): void
  close(): Promise<void>
}

type Stream = SerialPortStream<typeof serialBinding>

const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 10_000
/** What a line that takes no bytes (flow control, a driver that hangs) may hold back. */
const UNSENT_BYTES_MAX = 4096

export function createSerialLine(deps: {
  clock: Clock
  /** Uniform in [0, 1): jitter, so that two agents of one machine do not fight in step. */
  random(): number
  settings: LineSettings
  /** `path` is the name it was opened by. */
  onOpen(path: string): void
  onBytes(bytes: Uint8Array): void
  /** The line was lost, or the first of a row of openings failed so. `detail` is for a person. */
  onLost(fault: LineFault, detail: string): void
}): SerialLine {
  const { clock, settings } = deps
  let port: Stream | undefined
  let isOpen = false
  let isStopped = false
  let retryMs = RETRY_MS_MIN
  let reported: LineFault | undefined
  let cancelRetry = () => {}

  function open() {
    const found = findPath(settings)
    if (!found.ok) return failed(found.error.code, found.error.detail)
    const path = found.value
    // A new object for every opening: the library delivers what was written to a closed port after the
    // next opening of the same object, which would be a stale "please rate" on a fresh pad.
    const own = new SerialPortStream({ binding: serialBinding, ...streamOptions(settings), path, autoOpen: false })
    port = own
    // The listener comes first: without one, an unplugged line says it is open until a write fails.
    own.on('data', (bytes: Buffer) => deps.onBytes(bytes))
    own.on('error', () => {}) // Every error that ends the line also comes as `close`.
    // `close` can come twice when the line is lost while writing.
    own.once('close', () => lost(own, 'line-lost', `${path} is gone`))
    own.open(error => {
      if (isStopped && !error) own.close(() => {})
      if (isStopped) return
      if (error) return lost(own, faultOf(error), `${path}: ${error.message}`)
      isOpen = true
      retryMs = RETRY_MS_MIN
      reported = undefined
      setSignals(own, settings.opening)
      deps.onOpen(path)
    })
  }

  function lost(own: Stream, fault: LineFault, detail: string) {
    if (port !== own || isStopped) return
    port = undefined
    isOpen = false
    failed(fault, detail)
  }

  function failed(fault: LineFault, detail: string) {
    if (fault !== reported) deps.onLost(fault, detail)
    reported = fault
    cancelRetry = clock.after(retryMs * (0.5 + deps.random() / 2), open)
    retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
  }

  open()
  return {
    isOpen: () => isOpen,
    write(bytes) {
      if (!isOpen || !port || port.writableLength > UNSENT_BYTES_MAX) return false
      port.write(Buffer.from(bytes))
      return true
    },
    wake() {
      if (isStopped || port) return
      cancelRetry()
      retryMs = RETRY_MS_MIN
      open()
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

function findPath({ path }: LineSettings): Exclude<ReturnType<Extract<LineSettings['path'], () => unknown>>, string> {
  return typeof path === 'string' ? { ok: true, value: path } : path()
}

function streamOptions({ baudRate, dataBits, parity, stopBits, opening }: LineSettings) {
  return {
    baudRate,
    dataBits,
    parity,
    stopBits,
    ...(opening && {
      rtscts: opening.flowControl === 'hardware',
      xon: opening.flowControl === 'software',
      xoff: opening.flowControl === 'software',
      hupcl: opening.isHungUpOnClose,
    }),
  }
}

/** A line without modem signals (a pseudo-terminal, some adapters) refuses; there is nothing to set then. */
function setSignals(port: Stream, opening: LineOpening | undefined) {
  const { dtr = 'unchanged', rts = 'unchanged' } = opening ?? {}
  if (dtr === 'unchanged' && rts === 'unchanged') return
  const level = { ...(dtr !== 'unchanged' && { dtr: dtr === 'on' }), ...(rts !== 'unchanged' && { rts: rts === 'on' }) }
  port.set(level, () => {})
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
