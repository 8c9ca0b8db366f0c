import { createPadCodec } from '#agent/pad/codec.ts'
import type { Clock } from '#protocol/clock.ts'
import type { Logger } from '#runtime/logger.ts'
import type { Counters } from './health/counters.ts'
import { createPadDriver, type PadDriver } from './port/pad-driver.ts'
import { createSerialLine, type SerialLine } from './port/serial-line.ts'
import type { Desk } from './rating/desk.ts'
import type { ConfiguredWindow } from './windows.ts'

/** Joins one window's serial line, pad driver and desk. */
export function driveWindow(
  { window, port, profile }: ConfiguredWindow,
  deps: {
    clock: Clock
    desk: Desk
    counters: Counters
    log: Logger
    onPad(): void
    onListening(): void
  },
): { driver: PadDriver; line: SerialLine } {
  const { clock, desk, counters, log } = deps
  const own = desk.window(window)
  const driver = createPadDriver({
    clock,
    createCodec: () => createPadCodec(profile),
    write: bytes => line.write(bytes),
    isArmed: () => desk.isArmed(window),
    onReady() {
      log.info({ window }, 'pad-ready')
      own.padChanged('ready')
      deps.onPad()
    },
    onListening: deps.onListening,
    onEvent(event) {
      counters.add(`pad-${event.kind}`)
      if (event.kind === 'key') own.pressed(event.grade)
      else if (event.kind === 'key-unmapped') own.touched()
      else if (event.kind === 'declined') own.declined()
    },
    onGarbage: (reason, bytes) => counters.add(`garbage-${reason}`, bytes),
  })
  const { baud: baudRate, ...settings } = profile.line
  const line = createSerialLine({
    clock,
    random: Math.random,
    settings: { path: port, baudRate, ...settings },
    onOpen: driver.lineOpened,
    onBytes: driver.bytesArrived,
    onLost(fault) {
      log.warn({ window, port, code: fault }, 'pad-lost')
      driver.lineLost()
      own.padChanged('lost', fault)
      deps.onPad()
    },
  })
  return { driver, line }
}
