import { createChecksum } from '#agent/pad/checksum.ts'

/** A request that reads and changes nothing (Modbus application protocol 1.1b3, 6.1 to 6.4). */
export interface ModbusRead {
  readonly address: number
  readonly reads: ModbusFunction
  readonly first: number
  readonly count: number
}

/** Coils, discrete inputs, holding registers, input registers. */
export const MODBUS_READS = [1, 2, 3, 4] as const
export type ModbusFunction = (typeof MODBUS_READS)[number]

const crc = createChecksum('crc16-modbus')
const REQUEST_BYTES = 8
/** Address, function, number of bytes before the data; the checksum behind it. */
export const MODBUS_DATA_AT = 3
const OVERHEAD_BYTES = 5
const EXCEPTION = 0x80

export function modbusRequest({ address, reads, first, count }: ModbusRead): Uint8Array {
  return withCrc([address, reads, first >> 8, first & 0xff, count >> 8, count & 0xff])
}

/** The read that a request is; null where it is none. */
export function modbusReadOf(bytes: Uint8Array): ModbusRead | null {
  const reads = MODBUS_READS.find(one => one === bytes[1])
  if (bytes.length !== REQUEST_BYTES || reads === undefined || !hasCrc(bytes)) return null
  const word = (at: number) => bytes[at]! * 256 + bytes[at + 1]!
  return { address: bytes[0]!, reads, first: word(2), count: word(4) }
}

/** What came is the data asked for, a refusal with its code, or no answer to this request. */
export type ModbusAnswer = { kind: 'data'; data: Uint8Array } | { kind: 'refused'; code: number } | { kind: 'none' }

export function modbusAnswer({ address, reads, count }: ModbusRead, bytes: Uint8Array): ModbusAnswer {
  if (bytes.length < OVERHEAD_BYTES || bytes[0] !== address || !hasCrc(bytes)) return { kind: 'none' }
  if (bytes[1] === (reads | EXCEPTION) && bytes.length === OVERHEAD_BYTES) return { kind: 'refused', code: bytes[2]! }
  const size = reads <= 2 ? Math.ceil(count / 8) : count * 2
  const isData = bytes[1] === reads && bytes[2] === size && bytes.length === size + OVERHEAD_BYTES
  return isData ? { kind: 'data', data: bytes.subarray(MODBUS_DATA_AT, MODBUS_DATA_AT + size) } : { kind: 'none' }
}

function hasCrc(bytes: Uint8Array): boolean {
  const end = bytes.length - 2
  return crc.valueOf(bytes, 0, end) === bytes[end]! + bytes[end + 1]! * 256
}

/** The checksum goes low byte first (Modbus over serial line 1.02, 2.5.1.2). */
export function withCrc(bytes: readonly number[]): Uint8Array {
  const value = crc.valueOf(bytes, 0, bytes.length)
  return Uint8Array.of(...bytes, value & 0xff, value >> 8)
}
