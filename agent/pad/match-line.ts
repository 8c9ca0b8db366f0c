import type { LineFrame } from './frame.ts'
import { createMatch, type Match, setMore, setNo, setWhole } from './match.ts'

const isPrintable = (byte: number) => (byte >= 0x20 && byte <= 0x7e) || byte === 0x09

/** Matches printable ASCII up to the delimiter; what may stand before the delimiter is taken off. */
export function createLineMatcher(frame: LineFrame) {
  const match = createMatch(frame.layout)
  const { end: delimiter, strip, lineBytesMax } = frame

  function isDelimiterAt(bytes: Uint8Array, at: number, end: number): boolean {
    if (at + delimiter.length > end) return false
    for (let i = 0; i < delimiter.length; i++) if (bytes[at + i] !== delimiter[i]) return false
    return true
  }

  /** Whether the bytes up to `end` may still become what stands behind the text. */
  function mayEnd(bytes: Uint8Array, at: number, end: number): boolean {
    const from = at + countStrip(bytes, at, end)
    for (let i = 0; from + i < end; i++) if (i >= delimiter.length || bytes[from + i] !== delimiter[i]) return false
    return true
  }

  function countStrip(bytes: Uint8Array, at: number, end: number): number {
    let count = 0
    while (count < strip.length && at + count < end && bytes[at + count] === strip[count]) count++
    return count
  }

  return {
    match(bytes: Uint8Array, start: number, end: number): Match {
      let at = start
      while (at < end && at - start <= lineBytesMax && isPrintable(bytes[at]!)) at++
      match.bytes = bytes
      match.base = start
      match.restSize = at - start
      if (at - start > lineBytesMax) return setNo(match, 'too-long', 0)
      if (at === end) return setMore(match)
      if (at === start) return setNo(match, 'no-start', 0)
      const from = at + (countStrip(bytes, at, end) === strip.length ? strip.length : 0)
      if (isDelimiterAt(bytes, from, end)) return setWhole(match, from + delimiter.length - start)
      return mayEnd(bytes, at, end) ? setMore(match) : setNo(match, 'bad-value', 0)
    },
    canBegin: isPrintable,
  }
}
