import { EventEmitter } from 'node:events'
import type { Board, PatternStep } from '#agent/pad/board.ts'
import type { firmataLibraries } from './firmata-libraries.ts'

/** The pins of one board, through johnny-five. It outlives unplugging: the same object serves every opening. */
export interface FirmataBoard {
  /** Takes one whole message from the board. */
  read(message: Uint8Array): void
  /** Whether the board has told which pins it has. */
  knowsPins(): boolean
  /** Pins of the profile that this board does not have. */
  missingPins(): number[]
  /** Sets all pins up and asks for the levels of the keys, which come with the next messages. */
  configure(): void
  /** The raw values of the keys that are down; undefined until the board has told of all since `configure`. */
  down(): number[] | undefined
  show(step: PatternStep): void
  close(): void
}

/** Never: the version is asked for by the driver, on every opening and not only on the first. */
const VERSION_MS = 2 ** 31 - 1

/**
 * johnny-five keeps every Board that was ever made, so one is made for the life of the window, not for each
 * opening. Of it only the board itself is used: its Button is no state machine (two presses without a release
 * between them when a contact bounces), its Pin looks fifty times a second, its Led blinks by a timer of its own.
 */
export function createFirmataBoard(
  { Board: FiveBoard, Firmata }: typeof firmataLibraries,
  deps: { board: Board; write(bytes: Uint8Array): void; onError(error: Error): void },
): FirmataBoard {
  const { board } = deps
  const keyPins = board.keys.map(({ pin }) => pin)
  const outputPins = [...board.lamps, ...(board.buzzer === null ? [] : [board.buzzer])]
  const transport = Object.assign(new EventEmitter(), {
    write(bytes: Uint8Array, written: () => void) {
      deps.write(bytes)
      written()
    },
  })
  const io = new Firmata(transport, { reportVersionTimeout: VERSION_MS })
  clearTimeout(io.reportVersionTimeoutId)
  io.on('error', deps.onError)
  let five: InstanceType<typeof FiveBoard> | undefined
  const levels = new Map<number, 0 | 1>()
  const written = new Map<number, 0 | 1>()

  /** Made when the pins are known; without a listener its error would end the process. */
  function fiveBoard() {
    if (five) return five
    five = new FiveBoard({ io, repl: false, debug: false, sigint: false })
    five.on('error', deps.onError)
    for (const pin of keyPins) io.on(`digital-read-${pin}`, (level: 0 | 1) => levels.set(pin, level))
    return five
  }

  function configureKey(own: InstanceType<typeof FiveBoard>, pin: number) {
    const { INPUT, PULLUP } = io.MODES
    const isPullUpMode = io.pins[pin]!.supportedModes.includes(PULLUP)
    // Before Firmata 2.5 an input is pulled up by writing to it.
    own.pinMode(pin, board.isPulledUp && isPullUpMode ? PULLUP : INPUT)
    if (board.isPulledUp && !isPullUpMode) own.digitalWrite(pin, 1, false)
  }

  function write(pin: number, level: 0 | 1) {
    if (written.get(pin) === level) return
    written.set(pin, level)
    fiveBoard().digitalWrite(pin, level, true)
  }

  function show({ lamps, isBuzzing }: PatternStep) {
    const lit = board.isLampLitHigh ? 1 : 0
    for (const pin of board.lamps) write(pin, lamps.includes(pin) ? lit : lit === 1 ? 0 : 1)
    if (board.buzzer !== null) write(board.buzzer, isBuzzing ? 1 : 0)
    // A port is written whole. For an old firmware the bit of a key is its pull-up, and the library has put the
    // level there that it read last: a lamp lit while a key is down would let that key float.
    if (board.isPulledUp) for (const pin of keyPins) io.ports[pin >> 3]! |= 1 << (pin & 7)
    io.flushDigitalPorts()
  }

  return {
    read: message => void transport.emit('data', message),
    knowsPins: () => io.isReady,
    missingPins: () => [...keyPins, ...outputPins].filter(pin => !io.pins[pin]?.supportedModes.length),
    configure() {
      const own = fiveBoard()
      levels.clear()
      written.clear()
      for (const pin of keyPins) configureKey(own, pin)
      for (const pin of outputPins) own.pinMode(pin, io.MODES.OUTPUT)
      show({ lamps: [], isBuzzing: false, forMs: null })
      // Only now: what is reported before the pull-ups are on are presses of nobody.
      const ports = new Map(keyPins.map(pin => [pin >> 3, pin]))
      for (const pin of ports.values()) io.reportDigitalPin(pin, 1)
    },
    down() {
      if (keyPins.some(pin => !levels.has(pin))) return undefined
      const pressed = board.isPressedLow ? 0 : 1
      return board.keys.filter(({ pin }) => levels.get(pin) === pressed).map(({ raw }) => raw)
    },
    show,
    close() {
      io.removeAllListeners()
      five?.removeAllListeners()
      const at = five ? FiveBoard.cache.indexOf(five) : -1
      if (at >= 0) FiveBoard.cache.splice(at, 1)
    },
  }
}
