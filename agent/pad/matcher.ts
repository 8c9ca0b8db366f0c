import { unreachable } from '#protocol/result.ts'
import type { Frame, Layout } from './frame.ts'
import { createMatch, type Match, type MatchContext, setNo, setWhole } from './match.ts'
import { createFieldsMatcher } from './match-fields.ts'
import { createLineMatcher } from './match-line.ts'
import { createStartBitMatcher } from './match-start-bit.ts'
import { createStuffedMatcher } from './match-stuffed.ts'

/** Recognises one kind of frame. It keeps nothing between two looks but its own answer. */
export interface Matcher {
  readonly frame: Frame
  /** Whether a frame can begin with this byte. */
  canBegin(byte: number): boolean
  /** Looks at the bytes from `start` to before `end`; at least one is there, and it can begin the frame. */
  match(bytes: Uint8Array, start: number, end: number, context: MatchContext): Match
  /** The same, but null where it is quickly seen that no whole frame is there; left out where nothing is quickly seen. */
  matchLikely?(bytes: Uint8Array, start: number, end: number, context: MatchContext): Match | null
}

export function createMatcher(frame: Frame): Matcher {
  switch (frame.kind) {
    case 'fields': {
      const canBegin = (byte: number) => canLayoutBegin(frame.layout, byte)
      if (frame.stuffing) return { frame, canBegin, ...createStuffedMatcher(frame, frame.stuffing) }
      const { match, matchLikely } = createFieldsMatcher(frame.layout)
      return { frame, canBegin, match, matchLikely }
    }
    case 'byte': {
      const match = createMatch(frame.layout)
      const canBegin = (byte: number) => byte >= frame.first && byte <= frame.last
      return {
        frame,
        canBegin,
        match(bytes, start) {
          match.bytes = bytes
          match.base = start
          return canBegin(bytes[start]!) ? setWhole(match, 1) : setNo(match, 'no-start', 0)
        },
      }
    }
    case 'table': {
      const types = frame.types.map(layout => (layout ? createFieldsMatcher(layout) : null))
      return {
        frame,
        canBegin: byte => types[byte] !== null,
        match: (bytes, start, end, context) => types[bytes[start]!]!.match(bytes, start, end, context),
      }
    }
    case 'line':
      return { frame, ...createLineMatcher(frame) }
    case 'start-bit':
      return { frame, ...createStartBitMatcher(frame) }
    default:
      return unreachable(frame)
  }
}

/** Looks at one frame that is all there; null where it is none, or bytes are left over. */
export function matchWhole(
  frame: Frame,
  bytes: ArrayLike<number>,
  request: MatchContext['request'] = null,
): Match | null {
  const whole = Uint8Array.from(bytes)
  const matcher = createMatcher(frame)
  if (whole.length === 0 || !matcher.canBegin(whole[0]!)) return null
  const found = matcher.match(whole, 0, whole.length, { isSilent: true, request })
  return found.verdict === 'whole' && found.size === whole.length ? found : null
}

function canLayoutBegin(layout: Layout, byte: number): boolean {
  const [first] = layout.fields
  if (first?.is === 'constant') return first.bytes[0] === byte
  return first?.is === 'value' && first.allowed ? first.allowed[byte]! : true
}
