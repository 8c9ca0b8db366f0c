import { openPtyLine } from '#virtual-pad/pty.ts'
import { createUno, firmataHex, type Uno } from './uno.ts'

/** A simulated Uno with StandardFirmata, behind a serial device of the kernel. */
export interface PluggedUno {
  /** Puts a cable in: from now on there is a device at the link. */
  plug(link: string): void
  unplug(): void
  /** Grounds pins, one after another, each change followed by so many milliseconds of the Uno's time. */
  keys(...steps: [pin: number, isDown: boolean, ms?: number][]): void
  level(pin: number): 0 | 1 | undefined
  /** Lets it start before anybody looks. */
  boot(): void
  /** Resets it; it starts again with its banner, which takes two seconds of its own time. */
  reset(): void
  /** Resolves when the level of the pin is so, now or after what the box sends next. */
  untilLevel(pin: number, level: 0 | 1): Promise<void>
  stop(): void
}

/** How long it runs for what it is told, and on while it is sending: many times around its loop. */
const RUN_MS = 5
const BOOT_MS = 2_600
const SLICE_MS = 10
const BOOT_SLICE_MS = 100

/**
 * Its time passes while it has something to do, and not faster or slower for a busy machine: a test waits for what
 * comes, and nothing burns the processor meanwhile.
 */
export function createPluggedUno(): PluggedUno {
  let line: { write(bytes: Uint8Array): void; unplug(): void } | undefined
  let remainingMs = 0
  let bootingMs = 0
  let isScheduled = false
  let isStopped = false
  const waiting: (() => void)[] = []
  const uno: Uno = createUno(firmataHex(), bytes => line?.write(bytes))

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
    for (const wake of waiting.splice(0)) wake()
    if (remainingMs > 0 || uno.isBusy()) work(RUN_MS)
  }

  return {
    plug(link) {
      const opened = openPtyLine({
        link,
        onBytes(bytes) {
          uno.receive(bytes)
          work(RUN_MS)
        },
      })
      if (!opened.ok) throw new Error(opened.error.detail)
      line = opened.value
    },
    unplug() {
      line?.unplug()
      line = undefined
    },
    keys(...steps) {
      for (const [pin, isDown, ms = RUN_MS] of steps) {
        uno.ground(pin, isDown)
        uno.run(ms)
      }
      work(RUN_MS)
    },
    level: uno.level,
    boot: () => uno.run(BOOT_MS, true),
    reset() {
      uno.reset()
      bootingMs = BOOT_MS
      work(BOOT_MS)
    },
    async untilLevel(pin, level) {
      while (uno.level(pin) !== level) await new Promise<void>(resolve => waiting.push(resolve))
    },
    stop() {
      isStopped = true
      line?.unplug()
      line = undefined
    },
  }
}

/** One that has been running since before anybody looked. */
export function createRunningUno(): PluggedUno {
  const uno = createPluggedUno()
  uno.boot()
  return uno
}
