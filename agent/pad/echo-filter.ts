import type { ByteList } from './bytes.ts'

export type EchoOutput =
  | { kind: 'bytes'; bytes: ByteList }
  | { kind: 'echo'; bytes: ByteList }
  | { kind: 'broken-echo'; bytes: ByteList }

/** What is remembered of our own bytes at most; a line that does not echo must not make the list grow. */
const SENT_BYTES_MAX = 1024

/**
 * Takes our own bytes out of what the line brings back (RS485 adapters, pads that repeat what they hear).
 *
 * An echo comes at once, so what was sent is forgotten at the next silence; a pad that sends the same bytes
 * later is believed. An echo that breaks off in the middle is given back where frames prove themselves by a
 * checksum (`canTrustBytes`). Where one bare byte is a rating, everything up to the silence is thrown away:
 * a damaged echo must never become a key.
 */
export function createEchoFilter(options: { isRemoving: boolean; canTrustBytes: boolean }) {
  const { isRemoving, canTrustBytes } = options
  let sent: number[][] = []
  let matched = 0
  let isDeaf = false

  function pass(byte: number): EchoOutput[] {
    if (isDeaf) return [{ kind: 'broken-echo', bytes: [byte] }]
    const expected = sent[0]
    if (!expected || (matched === 0 && byte !== expected[0])) return [{ kind: 'bytes', bytes: [byte] }]
    if (byte !== expected[matched]) return breakOff(byte)
    matched += 1
    if (matched < expected.length) return []
    sent.shift()
    matched = 0
    return [{ kind: 'echo', bytes: expected }]
  }

  function breakOff(byte: number): EchoOutput[] {
    const held = sent[0]!.slice(0, matched)
    matched = 0
    if (canTrustBytes) return [{ kind: 'bytes', bytes: held }, ...pass(byte)]
    isDeaf = true
    return [{ kind: 'broken-echo', bytes: [...held, byte] }]
  }

  return {
    sent(bytes: Iterable<number>) {
      const list = [...bytes]
      if (!isRemoving || list.length === 0) return
      sent.push(list)
      while (sent.length > 1 && sent.reduce((sum, { length }) => sum + length, 0) > SENT_BYTES_MAX) {
        if (matched > 0) break
        sent.shift()
      }
    },
    receive: (bytes: Iterable<number>): EchoOutput[] => [...bytes].flatMap(pass),
    silence(): EchoOutput[] {
      const held = sent[0]?.slice(0, matched) ?? []
      sent = []
      matched = 0
      isDeaf = false
      if (held.length === 0) return []
      return [{ kind: canTrustBytes ? 'bytes' : 'broken-echo', bytes: held }]
    },
    pendingBytes: () => matched,
  }
}
