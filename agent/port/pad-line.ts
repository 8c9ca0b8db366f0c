import type { Clock } from '#protocol/clock.ts'
import { createLineQueue, type Ticket } from './line-queue.ts'
import type { PadPort } from './pad-driver.ts'
import { createSerialLine, type LineFault, type LineSettings } from './serial-line.ts'

/** What a line tells the driver of each of its pads. */
export interface LinePad {
  lineOpened(): void
  lineLost(): void
  bytesArrived(bytes: Uint8Array): void
  othersSent(bytes: Uint8Array): void
  stop(): void
}

/** A pad's place on the line. */
export interface LinePlace extends PadPort {
  /**
   * Whether what comes now is for this pad to judge: all pads of a line hear everything, but garbage is counted
   * once, by the pad that was asked, else by the first.
   */
  isJudge(): boolean
}

/** One serial line with the pads on it: one, or several by address. */
export interface PadLine {
  isOpen(): boolean
  /** Something was plugged in: a line that waits to be opened again tries now. */
  wake(): void
  close(): Promise<void>
}

/** Opens a line for its pads and lets them speak one at a time. They are made when it is: each gets its place. */
export function createPadLine(deps: {
  clock: Clock
  random(): number
  settings: LineSettings
  /** The least time between two writes. */
  gapMs: number
  pads: readonly ((place: LinePlace) => LinePad)[]
  onOpen(path: string): void
  onLost(fault: LineFault, detail: string): void
}): PadLine {
  const { clock, gapMs } = deps
  const queue = createLineQueue({ clock, gapMs })
  const pads: LinePad[] = []
  let asked: LinePad | undefined

  function placeOf(index: number): LinePlace {
    function write(bytes: Uint8Array) {
      serial.write(bytes)
      for (const [i, pad] of pads.entries()) if (i !== index) pad.othersSent(bytes)
    }
    return {
      write(bytes) {
        write(bytes)
        queue.wrote()
      },
      submit(command): Ticket {
        return queue.submit({
          ...command,
          write() {
            asked = command.answer ? pads[index] : undefined
            command.write()
          },
        })
      },
      isJudge: () => (asked ?? pads[0]) === pads[index],
    }
  }

  for (const [index, create] of deps.pads.entries()) pads.push(create(placeOf(index)))

  const serial = createSerialLine({
    clock,
    random: deps.random,
    settings: deps.settings,
    onOpen(path) {
      queue.clear()
      deps.onOpen(path)
      for (const pad of pads) pad.lineOpened()
    },
    onBytes(bytes) {
      for (const pad of pads) pad.bytesArrived(bytes)
    },
    onLost(fault, detail) {
      queue.clear()
      for (const pad of pads) pad.lineLost()
      deps.onLost(fault, detail)
    },
  })

  return {
    isOpen: serial.isOpen,
    wake: serial.wake,
    async close() {
      queue.clear()
      for (const pad of pads) pad.stop()
      await serial.close()
    },
  }
}
