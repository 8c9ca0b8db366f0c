import { isUtf8 } from 'node:buffer'

/** From what value on a head takes one, two, four, eight more bytes: below it is not its shortest form. */
const VALUE_MIN = [24, 2 ** 8, 2 ** 16, 2 ** 32]
const FALSE_OR_TRUE = [20, 21]
const DEPTH_MAX = 16

/**
 * Whether bytes are one item of CBOR in core deterministic encoding (RFC 8949 section 4.2.1), made of what this
 * protocol is made of: integers, byte strings, text, arrays, maps with names, false and true. A value of these
 * that is encoded again gives the same bytes then, and only then; this costs a twentieth of encoding it.
 */
export function isDeterministic(bytes: Uint8Array): boolean {
  return endOfItem(bytes, 0, 0) === bytes.length
}

/** Where the item that begins at `at` ends; -1 when it is none, or not in its one form. */
function endOfItem(bytes: Uint8Array, at: number, depth: number): number {
  if (at >= bytes.length || depth > DEPTH_MAX) return -1
  const major = bytes[at]! >> 5
  const info = bytes[at]! & 31
  if (major === 7) return FALSE_OR_TRUE.includes(info) ? at + 1 : -1
  let value = info
  let next = at + 1
  if (info >= 24) {
    if (info > 27) return -1
    const end = next + 2 ** (info - 24)
    if (end > bytes.length) return -1
    for (value = 0; next < end; next++) value = value * 256 + bytes[next]!
    if (value < VALUE_MIN[info - 24]!) return -1
  }
  if (major < 2) return next
  if (major === 4) return endOfItems(bytes, next, value, depth)
  if (major === 5) return endOfMap(bytes, next, value, depth)
  const end = next + value
  if (major === 6 || end > bytes.length) return -1
  return major === 2 || isText(bytes, next, end) ? end : -1
}

function endOfItems(bytes: Uint8Array, at: number, count: number, depth: number): number {
  let next = at
  for (let i = 0; i < count && next >= 0; i++) next = endOfItem(bytes, next, depth + 1)
  return next
}

/** The names stand in the order of their bytes, each once. */
function endOfMap(bytes: Uint8Array, at: number, count: number, depth: number): number {
  let next = at
  let before = -1
  for (let i = 0; i < count; i++) {
    const name = next
    if (name >= bytes.length || bytes[name]! >> 5 !== 3) return -1
    next = endOfItem(bytes, name, depth + 1)
    if (next < 0 || (before >= 0 && !isBefore(bytes, before, name, next))) return -1
    before = name
    next = endOfItem(bytes, next, depth + 1)
    if (next < 0) return -1
  }
  return next
}

/** Whether the name at `a` sorts before the one from `b` to `end`. Their lengths come first, so none begins another. */
function isBefore(bytes: Uint8Array, a: number, b: number, end: number): boolean {
  for (let i = 0; b + i < end; i++) {
    const difference = bytes[a + i]! - bytes[b + i]!
    if (difference !== 0) return difference < 0
  }
  return false
}

/** Text that readers give back as it is: UTF-8, without the byte order mark that they leave out. */
function isText(bytes: Uint8Array, at: number, end: number): boolean {
  for (let i = at; i < end; i++) {
    if (bytes[i]! > 0x7f) {
      const hasMark = bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf
      return !hasMark && isUtf8(bytes.subarray(i, end))
    }
  }
  return true
}
