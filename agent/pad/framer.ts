import { copyInto, copyOf } from './bytes.ts'
import { type Frame, frameBytesMax } from './frame.ts'
import type { FrameFault, Match, MatchContext } from './match.ts'
import { createMatcher, type Matcher } from './matcher.ts'

export type GarbageFault = FrameFault | 'cut-short' | 'filler'

/** Takes what a framer cuts. Both calls may keep `bytes`; a `match` holds only until the call returns. */
export interface FrameSink {
  frame(bytes: Uint8Array, frame: Frame, match: Match): void
  garbage(bytes: Uint8Array, fault: GarbageFault): void
}

export interface Framer {
  /** Takes bytes as they come; every byte ends in exactly one call of the sink or is pending. */
  push(bytes: Uint8Array): void
  /** Ends what is pending: after the silence a half frame cannot become whole any more. */
  silence(): void
  /** Bytes of a frame that is not yet whole; never more than the longest frame has. */
  pendingBytes(): number
}

/** Faults that say no more than that no frame begins here; a filler may be why. */
const EARLY: ReadonlySet<FrameFault> = new Set(['no-start', 'bad-constant', 'bad-value'])

/** Room beside what can be pending; what is pushed is taken in pieces of this size. */
const PIECE_BYTES = 512

/**
 * Cuts a stream into frames and garbage. When the bytes cannot be a frame, one single byte is given up and
 * the rest looked at again, so that noise or a false length never takes a good frame with it.
 *
 * Of several kinds the one that is whole first is taken: waiting for another would depend on what comes next.
 */
export function createFramer(
  frames: readonly Frame[],
  sink: FrameSink,
  filler: Iterable<number> = [],
  /** Parameters of the command whose answer is waited for now; it may change with each frame. */
  request: () => MatchContext['request'] = () => null,
): Framer {
  const matchers = frames.map(createMatcher)
  const beginners = Array.from({ length: 256 }, (_, byte) => matchers.filter(matcher => matcher.canBegin(byte)))
  const fillers = new Set([...filler, ...frames.flatMap(fillersOf)])
  const buffer = new Uint8Array(Math.max(1, ...frames.map(frameBytesMax)) + PIECE_BYTES)
  let start = 0
  let end = 0
  /** Garbage from here to `start` has been given up and not been told. */
  let told = 0
  let fault: GarbageFault = 'no-start'

  /** One for all looks, so that looking costs no memory. */
  const context: { -readonly [K in keyof MatchContext]: MatchContext[K] } = { isSilent: false, request: null }

  function cut(isSilent: boolean) {
    context.isSilent = isSilent
    while (start < end) {
      context.request = request()
      const found = matchAny()
      if (found === 'more') {
        if (!isSilent) break
        giveUpOne('cut-short')
      } else if (typeof found === 'string') giveUpOne(found)
      else {
        tell()
        const bytes = copyOf(buffer, start, start + found.size)
        start += found.size
        told = start
        sink.frame(bytes, frameFound, found)
      }
    }
    tell()
    if (start === end) start = end = told = 0
  }

  let frameFound: Frame = frames[0]!

  /** The frame that is whole first; else wait if one still may be; else the fault of the one that got furthest. */
  function matchAny(): Match | GarbageFault | 'more' {
    const candidates = beginners[buffer[start]!]!
    // Why the others are none does not matter where one is whole, so that those are tried first that may be.
    const isQuick = candidates.length > 1
    let best: Match | null = null
    for (let i = 0; i < candidates.length; i++) {
      const matcher = candidates[i]!
      const match =
        isQuick && matcher.matchLikely
          ? matcher.matchLikely(buffer, start, end, context)
          : matcher.match(buffer, start, end, context)
      if (match === null) continue
      if (match.verdict !== 'whole') {
        if (!isQuick) return match.verdict === 'more' ? 'more' : garbageOf(match.fault)
      } else if (best === null || match.size < best.size) {
        best = match
        frameFound = matcher.frame
      }
    }
    return best ?? explain(candidates)
  }

  function explain(candidates: readonly Matcher[]): GarbageFault | 'more' {
    let furthest = -1
    let reason: FrameFault = 'no-start'
    let isMore = false
    for (const matcher of candidates) {
      const match = matcher.match(buffer, start, end, context)
      if (match.verdict === 'more') isMore = true
      else if (match.at > furthest) {
        furthest = match.at
        reason = match.fault
      }
    }
    return isMore ? 'more' : garbageOf(reason)
  }

  function garbageOf(reason: FrameFault): GarbageFault {
    return EARLY.has(reason) && fillers.has(buffer[start]!) ? 'filler' : reason
  }

  function giveUpOne(reason: GarbageFault) {
    if (reason !== fault) tell()
    fault = reason
    start += 1
  }

  function tell() {
    if (told < start) sink.garbage(copyOf(buffer, told, start), fault)
    told = start
  }

  return {
    push(bytes) {
      for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
        const piece = bytes.length <= PIECE_BYTES ? bytes : bytes.subarray(at, at + PIECE_BYTES)
        if (end + piece.length > buffer.length) {
          buffer.copyWithin(0, start, end)
          end -= start
          start = told = 0
        }
        copyInto(buffer, end, piece)
        end += piece.length
        cut(false)
      }
    },
    silence: () => cut(true),
    pendingBytes: () => end - start,
  }
}

/** The ends of lines that stand where a line should begin: an empty line. */
function fillersOf(frame: Frame): number[] {
  return frame.kind === 'line' ? [...Array.from(frame.end), ...Array.from(frame.strip)] : []
}
