import { createPacedUno, RUN_MS } from '#virtual-pad/paced-uno.ts'
import { openPtyLine } from '#virtual-pad/pty.ts'

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

/** Waiting for it is waiting for events: its time does not pass faster or slower for a busy machine. */
export function createPluggedUno(): PluggedUno {
  let line: { write(bytes: Uint8Array): void; unplug(): void } | undefined
  const waiting: (() => void)[] = []
  const uno = createPacedUno({
    onBytes: bytes => line?.write(bytes),
    onRan() {
      for (const wake of waiting.splice(0)) wake()
    },
  })

  return {
    plug(link) {
      const opened = openPtyLine({ link, onBytes: uno.receive })
      if (!opened.ok) throw new Error(opened.error.detail)
      line = opened.value
    },
    unplug() {
      line?.unplug()
      line = undefined
    },
    keys(...steps) {
      for (const [pin, isDown, ms = RUN_MS] of steps) {
        uno.drive(pin, isDown ? 0 : undefined)
        uno.run(ms)
      }
    },
    level: uno.level,
    boot: uno.boot,
    reset: uno.reset,
    async untilLevel(pin, level) {
      while (uno.level(pin) !== level) await new Promise<void>(resolve => waiting.push(resolve))
    },
    stop() {
      uno.stop()
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
