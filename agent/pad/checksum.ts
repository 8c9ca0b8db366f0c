import type { ByteList } from './bytes.ts'

/** What a checksum field may hold. A profile states which fields it covers; nothing is covered by habit. */
export const CHECKSUMS = ['sum8', 'xor8', 'lrc', 'crc16-modbus', 'crc'] as const
export type ChecksumName = (typeof CHECKSUMS)[number]

/** A cyclic redundancy check by the parameters of the Rocksoft model, as catalogues list them. */
export interface CrcParameters {
  readonly width: 8 | 16 | 24 | 32
  readonly poly: number
  readonly init: number
  readonly reflectIn: boolean
  readonly reflectOut: boolean
  readonly xorOut: number
}

export interface Checksum {
  /** Bytes of the result, as binary. */
  readonly size: number
  /** The unsigned value over the bytes from `start` to before `end`. Allocates nothing. */
  valueOf(bytes: ByteList, start: number, end: number): number
}

const MODBUS: CrcParameters = {
  width: 16,
  poly: 0x8005,
  init: 0xffff,
  reflectIn: true,
  reflectOut: true,
  xorOut: 0,
}

export function createChecksum(name: ChecksumName, crc?: CrcParameters): Checksum {
  switch (name) {
    case 'sum8':
      return { size: 1, valueOf: sum }
    case 'lrc':
      // MODBUS over serial line 1.02, 2.5.1.2: the two's complement of the sum.
      return { size: 1, valueOf: (bytes, start, end) => -sum(bytes, start, end) & 0xff }
    case 'xor8':
      return { size: 1, valueOf: xor }
    case 'crc16-modbus':
      return createCrc(MODBUS)
    case 'crc':
      return createCrc(crc!)
  }
}

function sum(bytes: ByteList, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) value += bytes[i]!
  return value & 0xff
}

function xor(bytes: ByteList, start: number, end: number): number {
  let value = 0
  for (let i = start; i < end; i++) value ^= bytes[i]!
  return value
}

function createCrc(parameters: CrcParameters): Checksum {
  const { width, poly, init, reflectIn, reflectOut, xorOut } = parameters
  const table = Uint32Array.from({ length: 256 }, (_, byte) => remainder(byte, width, poly, reflectIn))
  const mask = 2 ** width - 1
  const first = reflectIn ? reflect(init, width) : init
  const finish = (value: number) => ((reflectIn === reflectOut ? value : reflect(value, width)) ^ xorOut) & mask
  return {
    size: width / 8,
    valueOf: reflectIn
      ? (bytes, start, end) => {
          let value = first
          for (let i = start; i < end; i++) value = (value >>> 8) ^ table[(value ^ bytes[i]!) & 0xff]!
          return finish(value) >>> 0
        }
      : (bytes, start, end) => {
          let value = first
          for (let i = start; i < end; i++) {
            value = ((value << 8) ^ table[((value >>> (width - 8)) ^ bytes[i]!) & 0xff]!) & mask
          }
          return finish(value) >>> 0
        },
  }
}

/** What one byte leaves: the table entry of a reflected or a straight register. */
function remainder(byte: number, width: number, poly: number, isReflected: boolean): number {
  if (isReflected) {
    const reversed = reflect(poly, width)
    let value = byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ reversed : value >>> 1
    return value >>> 0
  }
  const top = 2 ** (width - 1)
  let value = byte * 2 ** (width - 8)
  for (let bit = 0; bit < 8; bit++) {
    const isSet = value >= top
    value = (value * 2) % 2 ** width
    if (isSet) value = (value ^ poly) >>> 0
  }
  return value
}

function reflect(value: number, width: number): number {
  let turned = 0
  for (let bit = 0; bit < width; bit++) if ((value >>> bit) & 1) turned += 2 ** (width - 1 - bit)
  return turned
}
