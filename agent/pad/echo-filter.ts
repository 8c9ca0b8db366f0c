/** What the line brought: bytes for the framer, our own echo, or the copy that a pad sends back as its answer. */
export interface EchoOutput {
  kind: 'bytes' | 'echo' | 'broken-echo' | 'answer'
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
  let expected: { kind: 'echo' | 'answer'; bytes: Uint8Array }[] = []
  let matched = 0
  let isDeaf = false
  let isLineEchoing = false

  function pass(byte: number, outputs: Run[]): void {
    const next = expected[0]
    if (isDeaf) put(outputs, 'broken-echo', [byte])
    else if (!next || (matched === 0 && byte !== next.bytes[0])) put(outputs, 'bytes', [byte])
    else if (byte === next.bytes[matched]) advance(next, outputs)
    else {
      put(outputs, canTrustBytes ? 'bytes' : 'broken-echo', next.bytes.slice(0, matched))
      matched = 0
      isDeaf = !canTrustBytes
      pass(byte, outputs)
    }
  }

  function advance(next: EchoOutput & { kind: 'echo' | 'answer' }, outputs: Run[]) {
    matched += 1
    if (matched < next.bytes.length) return
    if (next.kind === 'echo') isLineEchoing = true
    put(outputs, next.kind, next.bytes)
    expected.shift()
    matched = 0
  }

  return {
    /** Bytes were written; `isAnswered`: the pad sends the same back when it has understood. */
    sent(bytes: Uint8Array, isAnswered = false) {
      if (bytes.length === 0) return
      if (isRemoving && (!isAnswered || isLineEchoing)) expected.push({ kind: 'echo', bytes })
      if (isAnswered) expected.push({ kind: 'answer', bytes })
      while (expected.length > 1 && matched === 0 && total(expected) > SENT_BYTES_MAX) expected.shift()
    },
    receive(bytes: Uint8Array): EchoOutput[] {
      const runs: Run[] = []
      for (const byte of bytes) pass(byte, runs)
      return runs.map(run => ({ kind: run.kind, bytes: Uint8Array.from(run.bytes) }))
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
      expected = expected.filter(({ kind }) => kind === 'answer')
    },
    /** The answer that was waited for will not be waited for any longer. */
    missed() {
      if (matched === 0) expected = expected.filter(({ kind }) => kind === 'echo')
    },
    pendingBytes: () => matched,
  }
}

/** Bytes of one kind that follow each other; joined once, so that a long burst costs no more than its length. */
interface Run {
  kind: EchoOutput['kind']
  bytes: number[]
}

function put(runs: Run[], kind: Run['kind'], bytes: ArrayLike<number>) {
  const last = runs.at(-1)
  const isSame = last?.kind === kind && kind !== 'echo' && kind !== 'answer'
  const run = isSame ? last : { kind, bytes: [] }
  if (!isSame) runs.push(run)
  for (let i = 0; i < bytes.length; i++) run.bytes.push(bytes[i]!)
}

function total(list: { bytes: Uint8Array }[]): number {
  return list.reduce((sum, { bytes }) => sum + bytes.length, 0)
}
