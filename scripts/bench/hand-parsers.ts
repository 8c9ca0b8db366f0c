import type { Grade } from '#protocol/grades.ts'

/** What a frame means; as in the codec, a key carries its raw value and some frames want an answer. */
interface Meant {
  event: { kind: string; grade?: Grade; raw?: number; down?: number[] }
  answer?: Uint8Array
}

/** What a parser says of a chunk. Like the codec it hands over the bytes of each frame, and all that were none. */
export type Heard = { kind: 'frame'; bytes: Uint8Array; meant: Meant } | { kind: 'garbage'; bytes: Uint8Array }

/** A parser written for one pad and nothing else, as good as one makes it by hand. */
export interface HandParser {
  receive(chunk: Uint8Array): Heard[]
  /** Of a pad that is polled: the query that is on its way. */
  sent(query: Uint8Array): void
}

/** How many bytes from `start` are a frame; 0 while more must come, -1 where none begins. */
type SizeOf = (bytes: Uint8Array, start: number, end: number) => number
type Meaning = (bytes: Uint8Array, start: number, size: number) => Meant

const BUFFER_BYTES = 1024

/** The stream around a parser: what is cut short waits, what is none is given up byte by byte. */
function createParser(sizeOf: SizeOf, meaningOf: Meaning): HandParser {
  const buffer = new Uint8Array(BUFFER_BYTES)
  let [start, end] = [0, 0]
  return {
    receive(chunk) {
      if (end + chunk.length > BUFFER_BYTES) {
        buffer.copyWithin(0, start, end)
        end -= start
        start = 0
      }
      for (let i = 0; i < chunk.length; i++) buffer[end + i] = chunk[i]!
      end += chunk.length
      const heard: Heard[] = []
      let told = start
      const tell = () => {
        if (told < start) heard.push({ kind: 'garbage', bytes: copyOf(buffer, told, start) })
      }
      while (start < end) {
        const size = sizeOf(buffer, start, end)
        if (size === 0) break
        if (size < 0) {
          start += 1
          continue
        }
        tell()
        heard.push({ kind: 'frame', bytes: copyOf(buffer, start, start + size), meant: meaningOf(buffer, start, size) })
        start += size
        told = start
      }
      tell()
      if (start === end) start = end = 0
      return heard
    },
    sent: () => {},
  }
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start)
  for (let i = start; i < end; i++) copy[i - start] = bytes[i]!
  return copy
}

const CRC_TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xa001 : value >>> 1
  return value
})

function crc16(bytes: Uint8Array, start: number, end: number): number {
  let value = 0xffff
  for (let i = start; i < end; i++) value = (value >>> 8) ^ CRC_TABLE[(value ^ bytes[i]!) & 0xff]!
  return value
}

const isCrcAt = (bytes: Uint8Array, from: number, at: number) =>
  crc16(bytes, from, at) === (bytes[at]! | (bytes[at + 1]! << 8))

const FIVE: readonly Grade[] = ['very-satisfied', 'satisfied', 'fairly-satisfied', 'dissatisfied', 'very-dissatisfied']

/** Five grades counted from 1, the best first. */
function keyOf(raw: number): Meant {
  const grade = FIVE[raw - 1]
  return { event: grade ? { kind: 'key', grade, raw } : { kind: 'key-unmapped', raw } }
}

/** One bare byte. */
export function createPj06Parser(): HandParser {
  return createParser(
    (bytes, start) => (bytes[start]! >= 1 && bytes[start]! <= 6 ? 1 : -1),
    (bytes, start) => (bytes[start] === 6 ? { event: { kind: 'no-rating' } } : keyOf(bytes[start]!)),
  )
}

const FOUR: Record<number, Grade> = { 0: 'dissatisfied', 2: 'satisfied', 3: 'very-satisfied' }

/** FF 68 length length 68 address command data sum 16; a key is answered with command 01. */
export function createFourKeyParser(address: number): HandParser {
  const sizeOf: SizeOf = (bytes, start, end) => {
    const there = end - start
    if (bytes[start] !== 0xff || (there > 1 && bytes[start + 1] !== 0x68)) return -1
    if (there < 3) return 0
    const length = bytes[start + 2]!
    if (length < 3 || length > 5) return -1
    if ((there > 3 && bytes[start + 3] !== length) || (there > 4 && bytes[start + 4] !== 0x68)) return -1
    const sumAt = start + 5 + length
    if (end > sumAt && sum8(bytes, start + 5, sumAt) !== bytes[sumAt]) return -1
    if (end < sumAt + 2) return 0
    return bytes[sumAt + 1] === 0x16 ? length + 7 : -1
  }
  return createParser(sizeOf, (bytes, start, size) => {
    if (bytes[start + 5] !== address) return { event: { kind: 'other-address' } }
    const raw = bytes[start + size - 3]!
    const answer = copyOf(bytes, start, start + size)
    if (bytes[start + 6] === 0x01) return { event: { kind: 'staff-key', raw }, answer }
    if (bytes[start + 6] !== 0x11 || size !== 10) return { event: { kind: 'ignored' } }
    answer[6] = 0x01
    answer[size - 2] = sum8(answer, 5, size - 2)
    const grade = FOUR[raw]
    return { event: grade ? { kind: 'key', grade, raw } : { kind: 'key-unmapped', raw }, answer }
  })
}

function sum8(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0
  for (let i = start; i < end; i++) sum += bytes[i]!
  return sum & 0xff
}

/** 5A A5 length 83 address words data crc, and 5A A5 05 82 4F 4B crc. */
export function createDwinParser(): HandParser {
  const sizeOf: SizeOf = (bytes, start, end) => {
    const there = end - start
    if (bytes[start] !== 0x5a || (there > 1 && bytes[start + 1] !== 0xa5)) return -1
    if (there < 4) return 0
    const size = bytes[start + 2]! + 3
    if (bytes[start + 3] === 0x82) {
      if (size !== 8 || (there > 4 && bytes[start + 4] !== 0x4f) || (there > 5 && bytes[start + 5] !== 0x4b)) return -1
    } else {
      const dataBytes = size - 9
      if (bytes[start + 3] !== 0x83 || dataBytes < 2 || dataBytes > 64) return -1
      if (there > 6 && bytes[start + 6]! * 2 !== dataBytes) return -1
    }
    if (there < size) return 0
    return isCrcAt(bytes, start + 3, start + size - 2) ? size : -1
  }
  return createParser(sizeOf, (bytes, start, size) => {
    if (bytes[start + 3] === 0x82) return { event: { kind: 'acknowledged' } }
    const address = (bytes[start + 4]! << 8) | bytes[start + 5]!
    const raw = (bytes[start + 7]! << 8) | bytes[start + 8]!
    if (address !== 0x1000 || size !== 11) return { event: { kind: 'status', raw } }
    return keyOf(raw)
  })
}

/** Bytes of a message by its first one, without the delimiter; 0 for none, -1 for a text. */
const TJC_BYTES = new Int8Array(256)
for (const [type, size] of Object.entries({ 101: 4, 102: 2, 103: 6, 104: 6, 112: -1, 113: 5 })) {
  TJC_BYTES[Number(type)] = size
}
for (const type of [0x01, 0x24, 0x86, 0x87, 0x88, 0x89, 0xfd, 0xfe]) TJC_BYTES[type] = 1
for (const code of [0, 2, 3, 4, 5, 6, 9, 0x11, 0x12, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x23])
  TJC_BYTES[code] = 1
const TJC_TEXT_BYTES_MAX = 250

/** Type, fields by the type, FF FF FF. */
export function createTjcParser(): HandParser {
  const sizeOf: SizeOf = (bytes, start, end) => {
    let size = TJC_BYTES[bytes[start]!]!
    if (size === 0) return -1
    if (size < 0) {
      const delimiter = bytes.indexOf(0xff, start)
      if (delimiter < 0 || delimiter >= end) return end - start > TJC_TEXT_BYTES_MAX ? -1 : 0
      size = delimiter - start
    } else if (bytes[start] === 0 && end - start > 1 && bytes[start + 1] === 0) size = 3
    if (end - start < size) return 0
    for (let at = start + size; at < start + size + 3; at++) {
      if (at === end) return 0
      if (bytes[at] !== 0xff) return -1
    }
    return size + 3
  }
  return createParser(sizeOf, (bytes, start, size) => {
    if (bytes[start] !== 0x65) return { event: { kind: size === 6 ? 'ready' : 'status', raw: bytes[start]! } }
    if (bytes[start + 1] !== 0) return { event: { kind: 'ignored' } }
    const raw = bytes[start + 2]!
    return bytes[start + 3] === 1 ? keyOf(raw) : { event: { kind: 'released', raw } }
  })
}

/** The master of five inputs: unit 02 01 bits crc, or unit 82 code crc; nothing is believed that was not asked for. */
export function createModbusParser(unit: number): HandParser {
  let query: Uint8Array | null = null
  let isEchoPossible = false

  const isEcho = (chunk: Uint8Array) => {
    if (!query || chunk.length < query.length) return false
    for (let i = 0; i < query.length; i++) if (chunk[i] !== query[i]) return false
    return true
  }
  const parser = createParser(
    (bytes, start, end) => {
      if (bytes[start] !== unit || query === null) return -1
      const there = end - start
      const isRefusal = there > 1 && bytes[start + 1] === (query[1]! | 0x80)
      if (there > 1 && bytes[start + 1] !== query[1] && !isRefusal) return -1
      const size = isRefusal ? 5 : 6
      // Five inputs are one byte.
      if (!isRefusal && there > 2 && bytes[start + 2] !== 1) return -1
      if (there < size) return 0
      return isCrcAt(bytes, start, start + size - 2) ? size : -1
    },
    (bytes, start, size) => {
      query = null
      if (size === 5) return { event: { kind: 'error', raw: bytes[start + 2]! } }
      const bits = bytes[start + 3]!
      const down: number[] = []
      for (let key = 1; key <= 16; key <<= 1) if (bits & key) down.push(key)
      return { event: { kind: 'keys', down } }
    },
  )
  return {
    receive(chunk) {
      const heard = parser.receive(isEchoPossible && isEcho(chunk) ? chunk.subarray(query!.length) : chunk)
      isEchoPossible = false
      return heard
    },
    sent(bytes) {
      query = bytes
      isEchoPossible = true
    },
  }
}
