import { type StartBitFrame, SUBFRAME_END, SUBFRAME_START } from './frame.ts'
import { createMatch, type Match, setMore, setNo, setWhole } from './match.ts'

/** Matches messages that begin with a byte from 80 and go on with bytes below; F0 goes on until F7. */
export function createStartBitMatcher(frame: StartBitFrame) {
  const match = createMatch(frame.layout)
  const { lengths, subframeBytesMax } = frame

  function subframe(bytes: Uint8Array, start: number, end: number): Match {
    for (let at = start + 1; at < end; at++) {
      if (bytes[at] === SUBFRAME_END) return whole(at - start - 1, at - start + 1)
      if (bytes[at]! >= 0x80) return setNo(match, 'bad-value', 1)
      if (at - start > subframeBytesMax) return setNo(match, 'too-long', 1)
    }
    return setMore(match)
  }

  function whole(dataBytes: number, size: number): Match {
    match.restSize = dataBytes
    return setWhole(match, size)
  }

  return {
    match(bytes: Uint8Array, start: number, end: number): Match {
      match.bytes = bytes
      match.base = start
      const first = bytes[start]!
      if (first === SUBFRAME_START && subframeBytesMax > 0) return subframe(bytes, start, end)
      const length = lengths[first]!
      if (length < 0) return setNo(match, 'no-start', 0)
      for (let at = start + 1; at < end && at <= start + length; at++) {
        if (bytes[at]! >= 0x80) return setNo(match, 'bad-value', 1)
      }
      return end - start > length ? whole(length, length + 1) : setMore(match)
    },
    canBegin: (byte: number) => lengths[byte]! >= 0 || (byte === SUBFRAME_START && subframeBytesMax > 0),
  }
}
