import type { Checksum } from './checksum.ts'
import type { Field, FieldsFrame, Stuffing } from './frame.ts'
import { layoutBytesMax } from './frame.ts'
import { type Match, type MatchContext, setMore, setNo } from './match.ts'
import { createFieldsMatcher, NOT_YET } from './match-fields.ts'

/**
 * Matches a frame whose bytes between head and tail are escaped.
 *
 * Escapes are taken out into a buffer of its own, then the fields are judged there. A byte that should have been
 * escaped and was not ends the data: it is the tail, or nothing can be a frame.
 */
export function createStuffedMatcher(frame: FieldsFrame, stuffing: Stuffing) {
  const { layout } = frame
  const fields = createFieldsMatcher(layout)
  const match = fields.found
  /** One more than a frame can have, to see that there are too many; behind them there is always room for a tail. */
  const dataMax = layoutBytesMax(layout) + 1
  const headBytes = (layout.fields[0] as Extract<Field, { is: 'constant' }>).bytes.length
  const last = layout.fields.at(-1)!
  const tail = layout.fields.length > 1 && last.is === 'constant' ? last.bytes : []
  const plain = new Uint8Array(dataMax + tail.length)
  /** Where each plain byte ends on the line, counted from the beginning of the frame. */
  const lineEnds = new Uint16Array(plain.length)
  const isTailEnded = layout.tailAt >= 0
  let plainBytes = 0
  let isAtMarker = false
  let source = new Uint8Array()
  let sourceStart = 0

  function take(byte: number, lineEnd: number) {
    plain[plainBytes] = byte
    lineEnds[plainBytes] = lineEnd
    plainBytes += 1
  }

  /** Takes escapes out up to the first byte that is no data, at most `bytesMax` plain bytes in all. */
  function unstuff(bytes: Uint8Array, start: number, end: number, bytesMax: number) {
    plainBytes = 0
    isAtMarker = false
    for (let at = start; at < end && plainBytes < headBytes; at++) take(bytes[at]!, at - start + 1)
    let at = start + plainBytes
    while (at < end && plainBytes < bytesMax) {
      const byte = bytes[at]!
      const isEscape = byte === stuffing.escape
      if (isEscape && at + 1 >= end) return
      const meant = isEscape ? bytes[at + 1]! ^ (stuffing.xor ?? 0) : byte
      if (stuffing.isEscaped[meant] !== isEscape) {
        isAtMarker = true
        return
      }
      at += isEscape ? 2 : 1
      take(meant, at - start)
    }
  }

  /** Appends up to a tail's worth of bytes as they are. */
  function appendTail(bytes: Uint8Array, start: number, end: number) {
    let at = start + (plainBytes === 0 ? 0 : lineEnds[plainBytes - 1]!)
    for (let i = 0; i < tail.length && at < end; i++) take(bytes[at]!, ++at - start)
  }

  match.wireValue = (checksum: Checksum, from: number, to: number) => {
    const first = from === 0 ? 0 : lineEnds[from - 1]!
    return checksum.valueOf(source, sourceStart + first, sourceStart + (to === 0 ? 0 : lineEnds[to - 1]!))
  }

  function sized(): Match {
    if (match.verdict === 'whole') match.size = lineEnds[match.size - 1]!
    return match
  }

  return {
    match(bytes: Uint8Array, start: number, end: number, context: MatchContext): Match {
      source = bytes as Uint8Array<ArrayBuffer>
      sourceStart = start
      unstuff(bytes, start, end, dataMax)
      if (isTailEnded) {
        const sofar = fields.match(plain, 0, plainBytes, context, NOT_YET)
        if (!isAtMarker || sofar.verdict === 'no') return sofar
        const tailFrom = plainBytes
        appendTail(bytes, start, end)
        // A marker that is not the tail is no frame, whatever the layout would make of it.
        for (let i = 0; tailFrom + i < plainBytes; i++) {
          if (plain[tailFrom + i] !== tail[i]) return setNo(match, 'bad-escape', 0)
        }
        if (plainBytes < tailFrom + tail.length) return setMore(match)
        fields.match(plain, 0, plainBytes, context, tailFrom)
        return sized()
      }
      fields.match(plain, 0, plainBytes, context)
      if (match.verdict !== 'more') return sized()
      const size = layout.restAt < 0 ? layout.fixedBytes : match.restSize < 0 ? -1 : layout.fixedBytes + match.restSize
      if (size < 0 || plainBytes < size - tail.length) return isAtMarker ? setNo(match, 'bad-escape', 0) : match
      unstuff(bytes, start, end, size - tail.length)
      appendTail(bytes, start, end)
      fields.match(plain, 0, plainBytes, context)
      return sized()
    },
  }
}
