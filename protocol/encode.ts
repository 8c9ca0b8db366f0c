/** What this protocol is made of. Text is well-formed by its schemas; a number is a whole one, and exact. */
type Encodable = boolean | number | string | Uint8Array | readonly Encodable[] | EncodableMap

interface EncodableMap {
  readonly [name: string]: Encodable | undefined
}

/** Major types of CBOR (RFC 8949 section 3.1), as they stand in the first byte. */
const UNSIGNED = 0 << 5
const NEGATIVE = 1 << 5
const BYTES = 2 << 5
const TEXT = 3 << 5
const ARRAY = 4 << 5
const MAP = 5 << 5
const FALSE = 0xf4
const TRUE = 0xf5

/**
 * The one encoding of a value: CBOR in core deterministic encoding (RFC 8949 section 4.2.1). A name whose value is
 * undefined is left out. The library that decodes encodes the same, at four times the cost, and every press waits
 * for this. A test holds the two together. Throws on what the protocol is not made of.
 */
export function encodeDeterministic(value: unknown): Uint8Array {
  const bytes = Buffer.from(new ArrayBuffer(sizeOf(value as Encodable)))
  write(bytes, 0, value as Encodable)
  return new Uint8Array(bytes.buffer)
}

function sizeOf(value: Encodable): number {
  switch (typeof value) {
    case 'boolean':
      return 1
    case 'number':
      if (!Number.isSafeInteger(value)) throw new Error(`${value} is no whole number that is exact`)
      return headSize(value < 0 ? -1 - value : value)
    case 'string':
      return sizeOfBytes(Buffer.byteLength(value))
    case 'object':
      if (value instanceof Uint8Array) return sizeOfBytes(value.length)
      if (Array.isArray(value)) return sizeOfArray(value)
      if (value !== null) return sizeOfMap(value as EncodableMap)
  }
  throw new Error(`${value === null ? 'null' : typeof value} has no encoding here`)
}

function sizeOfArray(items: readonly Encodable[]): number {
  let size = headSize(items.length)
  for (const item of items) size += sizeOf(item)
  return size
}

function sizeOfMap(map: EncodableMap): number {
  let size = 0
  let count = 0
  for (const name of Object.keys(map)) {
    const value = map[name]
    if (value === undefined) continue
    // Then the order of their characters is the order of their bytes.
    if (Buffer.byteLength(name) !== name.length) throw new Error('a name that is not ASCII has no encoding here')
    count += 1
    size += sizeOfBytes(name.length) + sizeOf(value)
  }
  return size + headSize(count)
}

const sizeOfBytes = (length: number) => headSize(length) + length

function headSize(value: number): number {
  if (value < 24) return 1
  if (value < 2 ** 8) return 2
  if (value < 2 ** 16) return 3
  return value < 2 ** 32 ? 5 : 9
}

/** Writes a value at `at` and gives where the next one begins. */
function write(bytes: Buffer, at: number, value: Encodable): number {
  if (typeof value === 'string') return writeText(bytes, at, value, Buffer.byteLength(value))
  if (typeof value === 'number') {
    return value < 0 ? writeHead(bytes, at, NEGATIVE, -1 - value) : writeHead(bytes, at, UNSIGNED, value)
  }
  if (typeof value === 'boolean') {
    bytes[at] = value ? TRUE : FALSE
    return at + 1
  }
  if (value instanceof Uint8Array) {
    const next = writeHead(bytes, at, BYTES, value.length)
    bytes.set(value, next)
    return next + value.length
  }
  if (!Array.isArray(value)) return writeMap(bytes, at, value as EncodableMap)
  let next = writeHead(bytes, at, ARRAY, value.length)
  for (const item of value) next = write(bytes, next, item)
  return next
}

function writeMap(bytes: Buffer, at: number, map: EncodableMap): number {
  const names = sortedNames(map)
  let next = writeHead(bytes, at, MAP, names.length)
  for (const name of names) next = write(bytes, writeText(bytes, next, name, name.length), map[name]!)
  return next
}

/**
 * Names stand in the order of their encoded bytes: the head says the length, so shorter ones come first. They are
 * few and nearly in order, so each is put where it belongs as it comes.
 */
function sortedNames(map: EncodableMap): string[] {
  const names: string[] = []
  for (const name of Object.keys(map)) {
    if (map[name] === undefined) continue
    let at = names.length
    while (at > 0 && isBefore(name, names[at - 1]!)) {
      names[at] = names[at - 1]!
      at -= 1
    }
    names[at] = name
  }
  return names
}

const isBefore = (a: string, b: string) => a.length < b.length || (a.length === b.length && a < b)

function writeText(bytes: Buffer, at: number, text: string, length: number): number {
  const next = writeHead(bytes, at, TEXT, length)
  bytes.write(text, next, length)
  return next + length
}

function writeHead(bytes: Buffer, at: number, major: number, value: number): number {
  if (value < 24) {
    bytes[at] = major | value
    return at + 1
  }
  if (value < 2 ** 8) {
    bytes[at] = major | 24
    bytes[at + 1] = value
    return at + 2
  }
  if (value < 2 ** 16) {
    bytes[at] = major | 25
    return bytes.writeUInt16BE(value, at + 1)
  }
  if (value < 2 ** 32) {
    bytes[at] = major | 26
    return bytes.writeUInt32BE(value, at + 1)
  }
  bytes[at] = major | 27
  bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at + 1)
  return bytes.writeUInt32BE(value % 2 ** 32, at + 5)
}
