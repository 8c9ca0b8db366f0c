import type { ByteList } from './bytes.ts'
import { type FieldValues, type LayoutFault, type LayoutMatch, matchFrame } from './layout.ts'
import type { Frame } from './profile.ts'

export type FramerOutput =
  | { kind: 'garbage'; bytes: ByteList; reason: LayoutFault | 'cut-short' }
  | { kind: 'frame'; bytes: ByteList; frame: Frame; fields: FieldValues }

export interface Framer {
  /** Takes bytes as they come; every byte ends in exactly one output or is pending. */
  push(bytes: Iterable<number>): FramerOutput[]
  /** Ends what is pending: after the silence a half frame cannot become whole any more. */
  silence(): FramerOutput[]
  /** Bytes of a frame that is not yet whole; always fewer than the longest frame has. */
  pendingBytes(): number
}

/**
 * Cuts a stream into frames and garbage. When the bytes cannot be a frame, one single byte is given up and
 * the rest looked at again, so that noise or a false length never takes a good frame with it.
 */
export function createFramer(frames: readonly Frame[]): Framer {
  let pending: number[] = []

  function cut(isSilent: boolean, outputs: FramerOutput[]): FramerOutput[] {
    while (pending.length > 0) {
      const match = matchAny(frames, pending)
      if (match.kind === 'more' && !isSilent) break
      if (match.kind === 'frame') {
        outputs.push({ kind: 'frame', bytes: take(match.size), frame: match.frame, fields: match.fields })
      } else giveUpOne(match.kind === 'more' ? 'cut-short' : match.reason, outputs)
    }
    return outputs
  }

  function take(size: number): ByteList {
    const taken = pending.slice(0, size)
    pending = pending.slice(size)
    return taken
  }

  function giveUpOne(reason: LayoutFault | 'cut-short', outputs: FramerOutput[]) {
    const last = outputs.at(-1)
    if (last?.kind === 'garbage' && last.reason === reason) last.bytes = [...last.bytes, ...take(1)]
    else outputs.push({ kind: 'garbage', bytes: take(1), reason })
  }

  return {
    push(bytes) {
      const outputs: FramerOutput[] = []
      for (const byte of bytes) {
        pending.push(byte)
        cut(false, outputs)
      }
      return outputs
    },
    silence: () => cut(true, []),
    pendingBytes: () => pending.length,
  }
}

type AnyMatch = Exclude<LayoutMatch, { kind: 'frame' }> | (Extract<LayoutMatch, { kind: 'frame' }> & { frame: Frame })

/** The first frame type that fits; else wait if one still may; else the reason of the one that got furthest. */
function matchAny(frames: readonly Frame[], bytes: ByteList): AnyMatch {
  let best: AnyMatch = { kind: 'no', reason: 'no-start', at: -1 }
  for (const frame of frames) {
    const match = matchFrame(frame, bytes)
    if (match.kind === 'frame') return { ...match, frame }
    if (match.kind === 'more') best = match
    else if (best.kind === 'no' && match.at > best.at) best = match
  }
  return best
}
