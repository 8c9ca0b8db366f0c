import { copyOf, joined } from './bytes.ts'

/** What the line brought: bytes for the framer, our own echo, or the copy that a pad sends back as its answer. */
export interface EchoOutput {
  kind: 'bytes' | 'echo' | 'broken-echo' | 'answer'
  bytes: Uint8Array
}

interface Expected {
  kind: 'echo' | 'answer'
  bytes: Uint8Array
}

/** What is remembered of our own bytes at most; a line that does not echo must not make the list grow. */
const SENT_BYTES_MAX = 1024

/**
 * Takes our own bytes out of what the line brings back (RS485 adapters, pads that repeat what they hear).
 *
 * An echo comes at once, so what was sent is forgotten at the next silence; a pad that sends the same bytes
 * later is believed. An echo that breaks off in the middle is given back where frames prove themselves by a
 * checksum (`canTrustBytes`). Where one bare byte is a rating, everything up to the silence is thrown away:
 * a damaged echo must never become a key.
 *
 * A command that the pad answers by sending it back cannot be told from an echo by its bytes: the first copy is
 * the echo only on a line that was seen to echo before.
 */
export function createEchoFilter(options: { isRemoving: boolean; canTrustBytes: boolean }) {
  const { isRemoving, canTrustBytes } = options
  let expected: Expected[] = []
  let matched = 0
  let isDeaf = false
  let isLineEchoing = false
  const runs = createRuns()

  function expect(one: Expected) {
    if (expected.length === 0) expected = [one]
    else expected.push(one)
  }

  /** Where what is awaited may begin, from `i` on; the end of the chunk where it does not. */
  function beginningIn(chunk: Uint8Array, i: number): number {
    const first = expected[0]?.bytes[0] ?? -1
    while (i < chunk.length && chunk[i] !== first) i++
    return i
  }

  /** Decides about one byte of a chunk, and about those before it that looked like an echo. */
  function pass(chunk: Uint8Array, i: number): void {
    const next = expected[0]
    const byte = chunk[i]!
    if (isDeaf) runs.put('broken-echo', i)
    else if (!next || (matched === 0 && byte !== next.bytes[0])) runs.put('bytes', i)
    else if (byte === next.bytes[matched]) advance(next)
    else {
      runs.giveBack(canTrustBytes ? 'bytes' : 'broken-echo', next.bytes, matched, i)
      matched = 0
      isDeaf = !canTrustBytes
      pass(chunk, i)
    }
  }

  function advance(next: Expected) {
    matched += 1
    if (matched < next.bytes.length) return
    if (next.kind === 'echo') isLineEchoing = true
    runs.whole(next.kind, next.bytes)
    expected.shift()
    matched = 0
  }

  return {
    /** Bytes were written; `isAnswered`: the pad sends the same back when it has understood. */
    sent(bytes: Uint8Array, isAnswered = false) {
      if (bytes.length === 0) return
      if (isRemoving && (!isAnswered || isLineEchoing)) expect({ kind: 'echo', bytes })
      if (isAnswered) expect({ kind: 'answer', bytes })
      while (expected.length > 1 && matched === 0 && total(expected) > SENT_BYTES_MAX) expected.shift()
    },
    receive(bytes: Uint8Array): EchoOutput[] {
      runs.begin(bytes)
      for (let i = 0; i < bytes.length; i++) {
        if (matched === 0 && !isDeaf) {
          const from = i
          i = beginningIn(bytes, i)
          if (i > from) runs.extend('bytes', from, i)
          if (i === bytes.length) break
        }
        pass(bytes, i)
      }
      return runs.end()
    },
    silence(): EchoOutput[] {
      const next = expected[0]
      const held = next?.bytes.slice(0, matched) ?? new Uint8Array()
      if (next?.kind === 'echo' && matched === 0) isLineEchoing = false
      // An answer has its own deadline, longer than the silence.
      expected = matched === 0 ? expected.filter(({ kind }) => kind === 'answer') : []
      matched = 0
      isDeaf = false
      return held.length === 0 ? [] : [{ kind: canTrustBytes ? 'bytes' : 'broken-echo', bytes: held }]
    },
    /** Whether bytes can go straight to the framer: nothing of ours is on the line. */
    isIdle: () => expected.length === 0 && !isDeaf,
    /** An answer came: our own bytes would have come back before it, so that they will not come any more. */
    answered() {
      if (matched > 0) return
      if (expected[0]?.kind === 'echo') isLineEchoing = false
      if (expected.length === 1 && expected[0]!.kind === 'echo') expected = []
      else if (expected.length > 0) expected = expected.filter(({ kind }) => kind === 'answer')
    },
    /** The answer that was waited for will not be waited for any longer. */
    missed() {
      if (matched === 0) expected = expected.filter(({ kind }) => kind === 'echo')
    },
    pendingBytes: () => matched,
  }
}

/**
 * Gathers bytes of one kind that follow each other as a range of their chunk, copied once at its end, so that a long
 * burst costs no more than its length.
 */
function createRuns() {
  let chunk: Uint8Array = new Uint8Array()
  let outputs: EchoOutput[] | null = null
  let kind: 'bytes' | 'broken-echo' = 'bytes'
  /** What came before this chunk and belongs to the run. */
  let before: Uint8Array | null = null
  let from = 0
  let to = 0

  function end() {
    if (to > from || before) {
      // What goes to the framer is copied there.
      const isWhole = kind === 'bytes' && from === 0 && to === chunk.length
      const inside = isWhole ? chunk : copyOf(chunk, from, to)
      tell({ kind, bytes: before ? joined([before, inside]) : inside })
    }
    before = null
    from = to
    return outputs ?? []
  }

  function tell(output: EchoOutput) {
    if (outputs === null) outputs = [output]
    else outputs.push(output)
  }

  function extend(next: typeof kind, first: number, last: number) {
    if (next !== kind || first !== to) {
      end()
      kind = next
      from = first
    }
    to = last
  }

  return {
    begin(bytes: Uint8Array) {
      chunk = bytes
      outputs = null
      from = to = 0
    },
    put: (next: typeof kind, i: number) => extend(next, i, i + 1),
    extend,
    /** The first `count` bytes of an echo, which came last before `i`, are none. */
    giveBack(next: typeof kind, echo: Uint8Array, count: number, i: number) {
      const earlier = count - i
      extend(next, Math.max(0, -earlier), i)
      if (earlier > 0) before = echo.slice(0, earlier)
    },
    whole(next: 'echo' | 'answer', bytes: Uint8Array) {
      end()
      tell({ kind: next, bytes: bytes.slice() })
    },
    end,
  }
}

function total(list: { bytes: Uint8Array }[]): number {
  return list.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
