/**
 * Messages of the Firmata protocol (github.com/firmata/protocol, protocol.md), as far as a board of keys and lamps
 * sends them.
 */
export const REPORT_VERSION = 0xf9
const DIGITAL_MESSAGE = 0x90
const ANALOG_MESSAGE = 0xe0
const START_SYSEX = 0xf0
const END_SYSEX = 0xf7
export const REPORT_FIRMWARE = 0x79

export const ASK_VERSION = Uint8Array.of(REPORT_VERSION)
export const ASK_FIRMWARE = Uint8Array.of(START_SYSEX, REPORT_FIRMWARE, END_SYSEX)
export const ASK_CAPABILITIES = Uint8Array.of(START_SYSEX, 0x6b, END_SYSEX)
export const ASK_ANALOG_MAPPING = Uint8Array.of(START_SYSEX, 0x69, END_SYSEX)

/** The longest is the answer about the pins of a Mega, some 900 bytes. */
const MESSAGE_BYTES_MAX = 2048
/** What a sysex message must have at least to be read: firmware holds a version, the others something. */
const SYSEX_BYTES_MIN: Record<number, number> = { [REPORT_FIRMWARE]: 5, 108: 4, 106: 4 }

export interface FirmataFilter {
  push(bytes: Uint8Array): void
  /** What is pending belongs to a line that is gone. */
  reset(): void
}

/**
 * Lets through whole messages that can be read, one at a time, and tells the rest as garbage. The library that
 * reads them keeps an unended message without limit, throws at a firmware report that is too short, and takes the
 * head of a message from before an unplugging for that of the next.
 */
export function createFirmataFilter(deps: {
  onMessage(message: Uint8Array): void
  onGarbage(bytes: Uint8Array): void
}): FirmataFilter {
  let pending: number[] = []
  let garbage: number[] = []

  function take(byte: number) {
    // Only the end of a sysex message has the top bit in the middle of one.
    if (byte >= 0x80 && !(byte === END_SYSEX && pending[0] === START_SYSEX)) giveUp()
    pending.push(byte)
    if (pending[0]! < 0x80 || pending[0] === END_SYSEX || pending.length > MESSAGE_BYTES_MAX) giveUp()
    else if (isWhole(pending)) finish()
  }

  function giveUp() {
    garbage.push(...pending)
    pending = []
  }

  function finish() {
    if (!isReadable(pending)) return giveUp()
    const message = Uint8Array.from(pending)
    pending = []
    tellGarbage()
    deps.onMessage(message)
  }

  function tellGarbage() {
    if (garbage.length === 0) return
    const bytes = Uint8Array.from(garbage)
    garbage = []
    deps.onGarbage(bytes)
  }

  return {
    push(bytes) {
      for (const byte of bytes) take(byte)
      tellGarbage()
    },
    reset() {
      giveUp()
      tellGarbage()
    },
  }
}

function isWhole(bytes: readonly number[]): boolean {
  if (bytes[0] === START_SYSEX) return bytes.at(-1) === END_SYSEX
  return bytes.length === 3 || !hasTwoBytes(bytes[0]!)
}

function isReadable(bytes: readonly number[]): boolean {
  if (bytes[0] !== START_SYSEX) return hasTwoBytes(bytes[0]!)
  return bytes.length >= (SYSEX_BYTES_MIN[bytes[1]!] ?? 3)
}

function hasTwoBytes(first: number): boolean {
  return first === REPORT_VERSION || isDigital(first) || (first & 0xf0) === ANALOG_MESSAGE
}

const isDigital = (first: number) => (first & 0xf0) === DIGITAL_MESSAGE

/** What kind of message it is, for the driver; `other` is for the library alone. */
export function kindOfMessage(message: Uint8Array): 'version' | 'firmware' | 'levels' | 'other' {
  if (message[0] === REPORT_VERSION) return 'version'
  if (message[0] === START_SYSEX && message[1] === REPORT_FIRMWARE) return 'firmware'
  return isDigital(message[0]!) ? 'levels' : 'other'
}
