/** What we use of two packages that bring no types. */

declare module 'firmata-io' {
  import type { EventEmitter } from 'node:events'

  export interface FirmataTransport extends EventEmitter {
    write(bytes: Uint8Array, written: () => void): void
  }

  export class Firmata extends EventEmitter {
    constructor(transport: FirmataTransport, options: { reportVersionTimeout: number })
    readonly isReady: boolean
    readonly MODES: { INPUT: number; OUTPUT: number; PULLUP: number }
    /** In the order of their numbers; empty until the board has told its capabilities. */
    readonly pins: { supportedModes: number[]; mode: number | undefined }[]
    /** The levels of eight pins each, as they are written. */
    readonly ports: number[]
    readonly reportVersionTimeoutId: NodeJS.Timeout
    reportDigitalPin(pin: number, value: 0 | 1): void
    flushDigitalPorts(): void
  }

  const bindTransport: { Firmata: typeof Firmata }
  export default bindTransport
}

declare module 'johnny-five/lib/board.js' {
  import type { EventEmitter } from 'node:events'
  import type { Firmata } from 'firmata-io'

  class Board extends EventEmitter {
    /** Every board ever made; the package never takes one out. */
    static readonly cache: Board[]
    constructor(options: { io: Firmata; repl: false; debug: false; sigint: false })
    pinMode(pin: number, mode: number): void
    digitalRead(pin: number, told: (level: 0 | 1) => void): void
    digitalWrite(pin: number, level: 0 | 1, isQueued: boolean): void
  }
  export default Board
}
