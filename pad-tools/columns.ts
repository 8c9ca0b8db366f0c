import { formatBytes } from '#agent/pad/bytes.ts'
import type { FoundFrame } from './find-frames.ts'

/** One byte place that is compared over many frames, counted from the front. */
export function columnOf(frames: readonly FoundFrame[], at: number): number[] {
  return frames.map(({ bytes }) => bytes[at]!)
}

export function isConstant(frames: readonly FoundFrame[], at: number): boolean {
  return columnOf(frames, at).every(byte => byte === frames[0]!.bytes[at])
}

/** Whether a place depends on the key alone, and not the same for all keys. */
export function dependsOnKey(pressed: readonly FoundFrame[], at: number): boolean {
  const byKey = new Map<number, number>()
  for (const { key, bytes } of pressed) {
    const known = byKey.get(key)
    if (known !== undefined && known !== bytes[at]) return false
    byKey.set(key, bytes[at]!)
  }
  return new Set(byKey.values()).size > 1
}

/** Whether so many bytes from a place tell every key from every other, alike in all its presses. */
export function tellsKeys(pressed: readonly FoundFrame[], at: number, size: number): boolean {
  const byKey = new Map<number, string>()
  for (const { key, bytes } of pressed) {
    const raw = formatBytes(bytes.subarray(at, at + size))
    if ((byKey.get(key) ?? raw) !== raw) return false
    byKey.set(key, raw)
  }
  return new Set(byKey.values()).size === byKey.size
}

export interface Span {
  readonly at: number
  readonly size: number
}

/** A raw value of a profile has at most so many bytes. */
const RAW_BYTES_MAX = 4

/** The shortest run of bytes before `end` that tells the keys apart; the first of several. */
export function findKeySpan(pressed: readonly FoundFrame[], end: number): Span | null {
  for (let size = 1; size <= RAW_BYTES_MAX; size++) {
    for (let at = 0; at + size <= end; at++) if (tellsKeys(pressed, at, size)) return { at, size }
  }
  return null
}

export function commonPrefix(frames: readonly FoundFrame[]): number {
  const shortest = Math.min(...frames.map(({ bytes }) => bytes.length))
  let at = 0
  while (at < shortest && isConstant(frames, at)) at++
  return at
}

export function commonSuffix(frames: readonly FoundFrame[]): number {
  const shortest = Math.min(...frames.map(({ bytes }) => bytes.length))
  const byteAt = ({ bytes }: FoundFrame, fromEnd: number) => bytes[bytes.length - fromEnd]
  let size = 0
  while (size < shortest && frames.every(frame => byteAt(frame, size + 1) === byteAt(frames[0]!, size + 1))) size++
  return size
}

/** Each different frame once. */
export function distinct(frames: readonly FoundFrame[]): FoundFrame[] {
  return [...new Map(frames.map(frame => [formatBytes(frame.bytes), frame])).values()]
}

/** The raw value that each key has in some place, in the order of the keys. */
export function keysAt(pressed: readonly FoundFrame[], { at, size }: Span): { key: number; raw: string }[] {
  const byKey = new Map(pressed.map(({ key, bytes }) => [key, formatBytes(bytes.subarray(at, at + size))]))
  return [...byKey].sort(([a], [b]) => a - b).map(([key, raw]) => ({ key, raw }))
}

/** Where the address stands: the place that holds what the pad was set to, once that was more than one value. */
export function findAddressAt(frames: readonly FoundFrame[]): number[] {
  const set = new Set(frames.map(({ address }) => address))
  if (set.has(null) || set.size < 2) return []
  const shortest = Math.min(...frames.map(({ bytes }) => bytes.length))
  const places: number[] = []
  for (let at = 0; at < shortest; at++) if (frames.every(({ bytes, address }) => bytes[at] === address)) places.push(at)
  return places
}

/** Presses of one address: with another one some bytes change that are no key. */
export function rowOf(pressed: readonly FoundFrame[]): FoundFrame[] {
  return pressed.filter(({ address }) => address === pressed[0]!.address)
}
