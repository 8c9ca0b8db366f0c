import type { ByteList } from '#agent/pad/bytes.ts'
import { type Checksum, type ChecksumName, type CrcParameters, createChecksum } from '#agent/pad/checksum.ts'

/** An algorithm as a profile writes it. */
export interface CheckAlgorithm {
  readonly title: string
  readonly algorithm: ChecksumName
  readonly crc?: CrcParameters
}

const crc = (title: string, width: 8 | 16 | 32, poly: number, init: number, reflect: boolean, xorOut = 0) => ({
  title,
  algorithm: 'crc' as const,
  crc: { width, poly, init, reflectIn: reflect, reflectOut: reflect, xorOut },
})

/** What serial pads use, the plain ones first; names and parameters as the catalogue of CRC algorithms has them. */
export const ALGORITHMS: readonly CheckAlgorithm[] = [
  { title: 'sum8', algorithm: 'sum8' },
  { title: 'xor8', algorithm: 'xor8' },
  { title: 'lrc', algorithm: 'lrc' },
  { title: 'CRC-16/MODBUS', algorithm: 'crc16-modbus' },
  crc('CRC-16/IBM-3740 (CCITT-FALSE)', 16, 0x1021, 0xffff, false),
  crc('CRC-16/XMODEM', 16, 0x1021, 0, false),
  crc('CRC-16/KERMIT', 16, 0x1021, 0, true),
  crc('CRC-16/IBM-SDLC (X-25)', 16, 0x1021, 0xffff, true, 0xffff),
  crc('CRC-16/ARC', 16, 0x8005, 0, true),
  crc('CRC-16/UMTS', 16, 0x8005, 0, false),
  crc('CRC-16/USB', 16, 0x8005, 0xffff, true, 0xffff),
  crc('CRC-8/SMBUS', 8, 0x07, 0, false),
  crc('CRC-8/MAXIM-DOW', 8, 0x31, 0, true),
  crc('CRC-8/NRSC-5', 8, 0x31, 0xff, false),
  crc('CRC-8/ROHC', 8, 0x07, 0xff, true),
  crc('CRC-8/SAE-J1850', 8, 0x1d, 0xff, false, 0xff),
  crc('CRC-8/AUTOSAR', 8, 0x2f, 0xff, false, 0xff),
  crc('CRC-8/I-432-1', 8, 0x07, 0, false, 0x55),
  crc('CRC-8/DVB-S2', 8, 0xd5, 0, false),
  crc('CRC-16/GENIBUS', 16, 0x1021, 0xffff, false, 0xffff),
  crc('CRC-16/MCRF4XX', 16, 0x1021, 0xffff, true),
  crc('CRC-16/SPI-FUJITSU (AUG-CCITT)', 16, 0x1021, 0x1d0f, false),
  crc('CRC-16/DNP', 16, 0x3d65, 0, true, 0xffff),
  crc('CRC-16/EN-13757', 16, 0x3d65, 0, false, 0xffff),
  crc('CRC-16/MAXIM-DOW', 16, 0x8005, 0, true, 0xffff),
  crc('CRC-32/ISO-HDLC', 32, 0x04c11db7, 0xffffffff, true, 0xffffffff),
  crc('CRC-32/MPEG-2', 32, 0x04c11db7, 0xffffffff, false),
  crc('CRC-32/BZIP2', 32, 0x04c11db7, 0xffffffff, false, 0xffffffff),
  crc('CRC-32/JAMCRC', 32, 0x04c11db7, 0xffffffff, true),
]

/** A checksum that fits every frame. */
export interface FoundChecksum extends CheckAlgorithm {
  /** Bytes it takes on the wire: twice its size where it is written as hex digits. */
  readonly size: number
  readonly isLittle: boolean
  readonly isHex: boolean
  /** Bytes behind it. */
  readonly tailSize: number
  /** First byte covered, from the front. */
  readonly from: number
  /** Bytes at the end of the frame that are not covered, itself and the tail among them. */
  readonly leftOut: number
}

const DIFFERENT_MIN = 3

/**
 * Finds every checksum that fits all frames: each kind, byte order, place before at most `tailSizeMax` bytes of
 * tail, and coverage. `covers` must be inside: a checksum that leaves the key out would prove nothing. Nor would one
 * that fits fewer than three different frames.
 */
export function findChecksums(
  different: readonly { bytes: ByteList }[],
  tailSizeMax: number,
  covers: { first: number; lastFromEnd(tail: number, size: number): number },
): FoundChecksum[] {
  if (different.length < DIFFERENT_MIN) return []
  const frames = different.map(({ bytes }) => bytes)
  const shortest = Math.min(...frames.map(({ length }) => length))
  const found: FoundChecksum[] = []
  for (const kind of ALGORITHMS) {
    const checksum = checksumOf(kind)
    for (const isHex of [false, true]) {
      const size = isHex ? checksum.size * 2 : checksum.size
      for (let tailSize = 0; tailSize <= tailSizeMax && tailSize + size < shortest; tailSize++) {
        if (!isVaried(frames, tailSize, size)) continue
        for (const isLittle of checksum.size > 1 ? [false, true] : [false]) {
          const stated = frames.map(frame => readChecksum(frame, frame.length - tailSize - size, size, isLittle, isHex))
          if (stated.includes(-1)) continue
          const leftOutMax = covers.lastFromEnd(tailSize, size)
          for (let from = 0; from <= covers.first; from++) {
            for (let leftOut = tailSize + size; leftOut <= leftOutMax; leftOut++) {
              const isFit = frames.every(
                (frame, i) =>
                  from < frame.length - leftOut && checksum.valueOf(frame, from, frame.length - leftOut) === stated[i],
              )
              if (isFit) found.push({ ...kind, size, isLittle, isHex, tailSize, from, leftOut })
            }
          }
        }
      }
    }
  }
  return found
}

/** Their tables are made once: learning tries every algorithm on hundreds of ways to cut the frames. */
const made = new Map<CheckAlgorithm, Checksum>()

function checksumOf(kind: CheckAlgorithm): Checksum {
  const checksum = made.get(kind) ?? createChecksum(kind.algorithm, kind.crc)
  made.set(kind, checksum)
  return checksum
}

/** Whether what would be the checksum is not the same in all frames. */
function isVaried(frames: readonly ByteList[], tailSize: number, size: number): boolean {
  const texts = frames.map(frame => {
    const at = frame.length - tailSize - size
    return Array.from({ length: size }, (_, i) => frame[at + i]).join()
  })
  return new Set(texts).size > 1
}

function readChecksum(frame: ByteList, at: number, size: number, isLittle: boolean, isHex: boolean): number {
  const bytes: number[] = []
  for (let i = 0; i < size; i += isHex ? 2 : 1) {
    if (!isHex) bytes.push(frame[at + i]!)
    else {
      const digits = String.fromCharCode(frame[at + i]!, frame[at + i + 1]!)
      if (!/^[0-9A-F]{2}$/.test(digits)) return -1
      bytes.push(Number.parseInt(digits, 16))
    }
  }
  return (isLittle ? bytes.reverse() : bytes).reduce((sum, byte) => sum * 256 + byte, 0)
}

/** The widest that fits proves most; of equals the plainest. */
export function bestChecksum(checks: readonly FoundChecksum[]): FoundChecksum | null {
  const bytesOf = ({ size, isHex }: FoundChecksum) => (isHex ? size / 2 : size)
  const widest = Math.max(0, ...checks.map(bytesOf))
  return checks.find(check => bytesOf(check) === widest) ?? null
}
