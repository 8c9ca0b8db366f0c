import type { PadEvent, PadIntent, PadOutput } from '#agent/pad/codec.ts'
import type { Clock } from '#protocol/clock.ts'

/** What the driver needs from a pad's codec: bytes in, frames and garbage out; an intent in, bytes out. */
export interface DriverCodec {
  readonly silenceMs: number
  receive(bytes: Uint8Array, isArmed: boolean): PadOutput[]
  silence(): PadOutput[]
  pendingBytes(): number
  command(intent: PadIntent): { name: string; bytes: Uint8Array; waitAfterMs: number }[]
  sent(bytes: Uint8Array): void
}

export interface PadDriver {
  /** The line was opened: initialise the pad, then say it is ready. */
  lineOpened(): void
  lineLost(): void
  bytesArrived(bytes: Uint8Array): void
  /** Shows one thing; a newer one replaces what is still waiting to be written. */
  show(intent: 'ask' | 'thank' | 'idle'): void
  stop(): void
}

/**
 * Drives one pad over an open line: answers what must be answered before anything else, writes commands
 * one after another with the gaps the pad needs, and rules out a frame that stops in the middle by silence.
 */
export function createPadDriver(deps: {
  clock: Clock
  codec: DriverCodec
  write(bytes: Uint8Array): boolean
  /** Whether a prompt is open: pads without framing are believed only then. */
  isArmed(): boolean
  onReady(): void
  onEvent(event: PadEvent): void
  /** Bytes that became no frame, by reason. */
  onGarbage(reason: string, bytes: number): void
}): PadDriver {
  const { clock, codec } = deps
  let queue: { bytes: Uint8Array; waitAfterMs: number }[] = []
  let isWaiting = false
  let isReady = false
  let cancelWait = () => {}
  let cancelSilence = () => {}

  function writeNext() {
    if (isWaiting) return
    const next = queue.shift()
    if (!next) {
      if (!isReady) {
        isReady = true
        deps.onReady()
      }
      return
    }
    write(next.bytes)
    if (next.waitAfterMs === 0) return writeNext()
    isWaiting = true
    cancelWait = clock.after(next.waitAfterMs, () => {
      isWaiting = false
      writeNext()
    })
  }

  function write(bytes: Uint8Array) {
    if (deps.write(bytes)) codec.sent(bytes)
  }

  function take(outputs: PadOutput[]) {
    for (const output of outputs) {
      if (output.kind === 'garbage') {
        deps.onGarbage(output.reason, output.bytes.length)
      } else {
        // The pad repeats itself until it hears this, so it comes before any thinking.
        if (output.answer) write(output.answer)
        deps.onEvent(output.event)
      }
    }
    cancelSilence()
    if (codec.pendingBytes() > 0) cancelSilence = clock.after(codec.silenceMs, () => take(codec.silence()))
  }

  function reset() {
    cancelWait()
    cancelSilence()
    queue = []
    isWaiting = false
    isReady = false
  }

  return {
    lineOpened() {
      reset()
      queue = codec.command('initialise')
      writeNext()
    },
    lineLost() {
      reset()
      take(codec.silence())
    },
    bytesArrived: bytes => take(codec.receive(bytes, deps.isArmed())),
    show(intent) {
      if (!isReady) return
      queue = codec.command(intent)
      writeNext()
    },
    stop: reset,
  }
}
