/**
 * Follows the packets of an MQTT stream by their fixed headers (MQTT 3.1.1 section 2.2: one byte of type,
 * then the remaining length in one to four bytes of seven bits). The function it returns takes each chunk
 * and says whether a packet announces more than `bytesMax`, or a length that is none.
 */
export function createPacketGuard(bytesMax: number): (chunk: Uint8Array) => boolean {
  let bodyLeft = 0
  let isInLength = false
  let length = 0
  let shift = 0

  /** Takes one byte of a length; true when it is too much. */
  function takeLengthByte(byte: number): boolean {
    length += (byte & 0x7f) << shift
    shift += 7
    if (byte & 0x80) return shift > 21
    isInLength = false
    bodyLeft = length
    return length > bytesMax
  }

  return chunk => {
    let at = 0
    while (at < chunk.length) {
      if (bodyLeft > 0) {
        const skipped = Math.min(bodyLeft, chunk.length - at)
        bodyLeft -= skipped
        at += skipped
      } else if (isInLength) {
        if (takeLengthByte(chunk[at++]!)) return true
      } else {
        isInLength = true
        length = 0
        shift = 0
        at += 1
      }
    }
    return false
  }
}
