import { createUno, firmataHex, type Uno } from './uno.ts'

/** A simulated Uno with StandardFirmata whose time passes while it has something to do. */
export interface PacedUno {
  receive(bytes: Uint8Array): void
  /** What is wired to the pin holds it at this level; the Uno looks at it soon. */
  drive(pin: number, level: 0 | 1 | undefined): void
  level(pin: number): 0 | 1 | undefined
  /** Runs at once for so long of its own time. */
  run(ms: number): void
  /** Lets it start at once, before anybody looks. */
  boot(): void
  /** Resets it; it starts again with its banner, which takes two seconds of its own time. */
  reset(): void
  stop(): void
}

/** How long it runs for what it is told, and on while it is sending: many times around its loop. */
export const RUN_MS = 5
const BOOT_MS = 2_600
const SLICE_MS = 10
const BOOT_SLICE_MS = 100

/**
 * Its time is not that of the machine: it answers as soon as a busy machine lets it, and one that nobody speaks to
 * burns no processor.
 */
export function createPacedUno(deps: {
  onBytes(bytes: Uint8Array): void
  /** It ran for a while: its pins may have changed. */
  onRan(): void
}): PacedUno {
  let remainingMs = 0
  let bootingMs = 0
  let isScheduled = false
  let isStopped = false
  const uno: Uno = createUno(firmataHex(), deps.onBytes)

  function work(ms: number) {
    remainingMs = Math.max(remainingMs, ms)
    if (isScheduled || isStopped) return
    isScheduled = true
    setImmediate(slice)
  }

  function slice() {
    isScheduled = false
    if (isStopped) return
    const ms = bootingMs > 0 ? BOOT_SLICE_MS : Math.min(SLICE_MS, remainingMs)
    uno.run(ms, bootingMs > 0)
    bootingMs = Math.max(0, bootingMs - ms)
    remainingMs -= ms
    deps.onRan()
    if (remainingMs > 0 || uno.isBusy()) work(RUN_MS)
  }

  return {
    receive(bytes) {
      uno.receive(bytes)
      work(RUN_MS)
    },
    drive(pin, level) {
      uno.drive(pin, level)
      work(RUN_MS)
    },
    level: uno.level,
    run: uno.run,
    boot: () => uno.run(BOOT_MS, true),
    reset() {
      uno.reset()
      bootingMs = BOOT_MS
      work(BOOT_MS)
    },
    stop() {
      isStopped = true
    },
  }
}
