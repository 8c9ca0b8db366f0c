import type { PadCodec, PadEvent, PadOutput } from '#agent/pad/codec.ts'
import type { Clock } from '#protocol/clock.ts'
import { toHex } from '#protocol/codec.ts'

/** What the driver needs from a pad's codec: bytes in, frames and garbage out; an intent in, bytes out. */
export type DriverCodec = Pick<PadCodec, 'receive' | 'silence' | 'silenceMs' | 'command' | 'sent'>

export interface PadDriver {
  /** The line was opened: initialise the pad, then say it is ready. */
  lineOpened(): void
  lineLost(): void
  bytesArrived(bytes: Uint8Array): void
  /** Shows one thing; a newer one replaces what is still waiting to be written. */
  show(intent: 'ask' | 'thank' | 'idle'): void
  /** Whether a press would be believed now, if a prompt is open: the pad has been asked and its waits are over. */
  isListening(): boolean
  stop(): void
}

/**
 * Drives one pad over an open line: answers what must be answered before anything else, writes commands
 * one after another with the gaps the pad needs, and ends a frame that stops in the middle by silence.
 */
export function createPadDriver(deps: {
  clock: Clock
  /** Each opening of the line takes a new one: half a frame and an awaited echo do not outlive the line. */
  createCodec(): DriverCodec
  write(bytes: Uint8Array): boolean
  /** Whether a prompt is open: pads without framing are believed only then. */
  isArmed(): boolean
  onReady(): void
  /** The last wait after an ask is over. */
  onListening(): void
  onEvent(event: PadEvent): void
  /** Bytes that became no frame, by reason. */
  onGarbage(reason: string, bytes: number): void
}): PadDriver {
  const { clock } = deps
  let codec = deps.createCodec()
  let queue: { bytes: Uint8Array; waitAfterMs: number }[] = []
  let isWaiting = false
  let isReady = false
  /** From the ask until its last wait is over: what comes in that time was not an answer to it. */
  let isAsking = false
  /** The bytes of what was shown last: a pad that already shows it is left in peace, and its voice silent. */
  let shown = ''
  let cancelWait = () => {}
  let cancelSilence = () => {}

  function writeNext() {
    if (isWaiting) return
    const next = queue.shift()
    if (!next) return queueEmptied()
    write(next.bytes)
    if (next.waitAfterMs === 0) return writeNext()
    isWaiting = true
    cancelWait = clock.after(next.waitAfterMs, () => {
      isWaiting = false
      writeNext()
    })
  }

  function queueEmptied() {
    if (isAsking) {
      isAsking = false
      deps.onListening()
    }
    if (isReady) return
    isReady = true
    deps.onReady()
  }

  function write(bytes: Uint8Array) {
    codec.sent(bytes)
    deps.write(bytes)
    waitForSilence()
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
  }

  function waitForSilence() {
    cancelSilence()
    cancelSilence = clock.after(codec.silenceMs, () => take(codec.silence()))
  }

  function reset() {
    cancelWait()
    cancelSilence()
    queue = []
    isWaiting = false
    isReady = false
    isAsking = false
    shown = ''
  }

  return {
    lineOpened() {
      reset()
      codec = deps.createCodec()
      queue = codec.command('initialise')
      writeNext()
    },
    lineLost() {
      reset()
      take(codec.silence())
    },
    bytesArrived(bytes) {
      waitForSilence()
      take(codec.receive(bytes, deps.isArmed() && !isAsking))
    },
    show(intent) {
      if (!isReady) return
      const steps = codec.command(intent)
      const bytes = steps.map(step => toHex(step.bytes)).join(' ')
      if (intent === 'idle' && bytes === shown) return
      shown = bytes
      isAsking = intent === 'ask'
      queue = steps
      writeNext()
    },
    isListening: () => isReady && !isAsking,
    stop: reset,
  }
}
