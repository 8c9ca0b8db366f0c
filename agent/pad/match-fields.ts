import { type FieldStep, lengthOf, restBytesOf, stepsOf } from './field-step.ts'
import type { Field, Layout } from './frame.ts'
import { createLead } from './lead.ts'
import { createMatch, type Match, type MatchContext, setMore, setNo, setWhole } from './match.ts'

/** As `tailFrom`: where the tail begins is not known, it has to be looked for. */
const UNKNOWN = -1
/** As `tailFrom`: no byte so far is the tail. */
export const NOT_YET = -2

/**
 * Decides whether the bytes from `start` to before `end` begin with a whole frame of one layout, may still
 * become one, or cannot.
 *
 * Fields are judged in order, each as soon as it is there, so that the answer about the beginning never changes
 * with what follows: how the bytes were split cannot matter.
 */
export function createFieldsMatcher(layout: Layout) {
  const { restAt, tailAt, restBytesMin, restBytesMax, fixedBytes } = layout
  const steps = stepsOf(layout)
  const match = createMatch(layout)
  const rest = restAt < 0 ? null : (layout.fields[restAt] as Extract<Field, { is: 'rest' }>)
  const firstSteps = restAt < 0 ? steps.length : restAt
  const lead = createLead(steps, firstSteps)
  let bytes: Uint8Array = new Uint8Array()
  let start = 0
  let end = 0
  let restSize = -1

  /** Everything from the rest on, once its size is known. */
  function closing(): Match {
    match.restSize = restSize
    if (restSize < restBytesMin) return setNo(match, 'bad-length', restAt)
    if (restSize > restBytesMax) return setNo(match, 'too-long', restAt)
    const isSoundToTheEnd = end - start < fixedBytes + restSize ? judge(restAt, steps.length) : judgeTail()
    return isSoundToTheEnd ? setWhole(match, fixedBytes + restSize) : match
  }

  /** The same as `judge` for what follows the rest, where all of it is there. */
  function judgeTail(): boolean {
    for (let i = restAt + 1; i < steps.length; i++) {
      const step = steps[i]!
      const at = start + step.offset + (step.isAfterRest ? restSize : 0)
      if (step.is === 'constant' ? !isConstantAt(step, at) : !isSound(step, at)) return refuse(i)
    }
    return true
  }

  function isConstantAt({ bytes: constant }: FieldStep, at: number): boolean {
    for (let j = 0; j < constant.length; j++) if (bytes[at + j] !== constant[j]) return false
    return true
  }

  /** Judges some fields in order; false when the match now says why it goes no further. */
  function judge(from: number, to: number): boolean {
    for (let i = from; i < to; i++) {
      const step = steps[i]!
      const at = start + step.offset + (step.isAfterRest ? restSize : 0)
      const size = step.size < 0 ? restSize : step.size
      const there = Math.min(end - at, size)
      if (step.is === 'constant') {
        for (let j = 0; j < there; j++) if (bytes[at + j] !== step.bytes[j]) return refuse(i)
      } else if (there === size && !isSound(step, at)) return refuse(i)
      if (there < size) {
        setMore(match)
        return false
      }
    }
    return true
  }

  /** The same as `judge` for what stands before the rest, where it is all there and its constants fit. */
  function judgeLead(): boolean {
    const { open } = lead
    for (let i = 0; i < open.length; i++) {
      const step = steps[open[i]!]!
      if (!isSound(step, start + step.offset)) return refuse(open[i]!)
    }
    return true
  }

  /** Whether a field that is all there may hold what it holds. A length says how long the rest is. */
  function isSound(step: FieldStep, at: number): boolean {
    switch (step.is) {
      case 'length': {
        const value = numberAt(step, at)
        if (!step.isRestCounted || restSize >= 0) return value === lengthOf(step, restSize)
        restSize = restBytesOf(step, value)
        return restSize >= restBytesMin && restSize <= restBytesMax
      }
      case 'repeat': {
        const of = startOf(steps[step.of]!)
        for (let j = 0; j < step.size; j++) if (bytes[at + j] !== bytes[of + j]) return false
        return true
      }
      case 'value':
        return step.allowed.length === 0 || step.allowed[bytes[at]!]!
      case 'checksum':
        return isChecksumAt(step, at)
      default:
        return true
    }
  }

  function startOf(step: FieldStep): number {
    return start + step.offset + (step.isAfterRest ? restSize : 0)
  }

  function isChecksumAt(step: FieldStep, at: number): boolean {
    const from = startOf(steps[step.from]!)
    const last = steps[step.to]!
    const to = startOf(last) + (last.size < 0 ? restSize : last.size)
    const { checksum } = step
    const value =
      step.isOverWire && match.wireValue
        ? match.wireValue(checksum, from - start, to - start)
        : checksum.valueOf(bytes, from, to)
    return checksumAt(step, at) === value
  }

  function checksumAt({ checksum, isLittle, isHex }: FieldStep, at: number): number {
    const { size } = checksum
    let value = 0
    for (let i = 0; i < size; i++) {
      const j = isLittle ? size - 1 - i : i
      value =
        value * 256 + (isHex ? hexDigit(bytes[at + 2 * j]!) * 16 + hexDigit(bytes[at + 2 * j + 1]!) : bytes[at + j]!)
    }
    return value
  }

  /** A length; -1 where its digits are none. */
  function numberAt({ size, isLittle, isDecimal }: FieldStep, at: number): number {
    let value = 0
    for (let i = 0; i < size; i++) {
      const byte = bytes[at + (isLittle ? size - 1 - i : i)]!
      if (!isDecimal) value = value * 256 + byte
      else if (byte >= 0x30 && byte <= 0x39) value = value * 10 + byte - 0x30
      else return -1
    }
    return value
  }

  function refuse(index: number): false {
    const { is } = steps[index]!
    if (is === 'checksum') setNo(match, 'bad-checksum', index)
    else if (is === 'length' && restSize > restBytesMax) setNo(match, 'too-long', index)
    else if (is === 'length' || is === 'repeat') setNo(match, 'bad-length', index)
    else if (index === 0) setNo(match, 'no-start', index)
    else if (is === 'value') setNo(match, 'bad-value', index)
    else setNo(match, index === steps.length - 1 ? 'bad-tail' : 'bad-constant', index)
    return false
  }

  /**
   * The rest ends where the tail is found first. What stands between rest and tail, a checksum perhaps, may by
   * chance hold the tail's byte; then the true tail comes at most as many bytes later.
   */
  function endByTail(known: number): Match {
    const tail = steps[tailAt]!
    const restFrom = start + steps[restAt]!.offset
    const between = tail.offset - steps[restAt]!.offset
    const isKnown = known >= 0
    const first = known === UNKNOWN ? findTail(tail.bytes, restFrom, end) : known
    if (first < 0) {
      const isTooLong = end - restFrom > restBytesMax + between + tail.size - 1
      return isTooLong ? setNo(match, 'too-long', restAt) : setMore(match)
    }
    for (let at = first; at <= (isKnown ? known : first + between); at++) {
      if (at > first && at - between - restFrom > restBytesMax) break
      if (!isKnown && at + tail.size > end) return setMore(match)
      if (at > first && findTail(tail.bytes, at, at + tail.size) < 0) continue
      restSize = at - between - restFrom
      if (closing().verdict !== 'no') return match
    }
    return match
  }

  function findTail(tail: Uint8Array, from: number, before: number): number {
    for (let at = from; at + tail.length <= before; at++) {
      let i = 0
      while (i < tail.length && bytes[at + i] === tail[i]) i++
      if (i === tail.length) return at
    }
    return -1
  }

  function endBySilence({ isSilent }: MatchContext): Match {
    restSize = end - start - fixedBytes
    if (isSilent) return closing()
    return restSize > restBytesMax ? setNo(match, 'too-long', restAt) : setMore(match)
  }

  /** What is left to be said once the fields before the rest are sound. */
  function behindLead(context: MatchContext, tailFrom: number): Match {
    if (rest === null) return setWhole(match, fixedBytes)
    if (rest.ends === 'tail') return endByTail(tailFrom)
    if (rest.ends === 'silence') return endBySilence(context)
    if (rest.ends === 'request') {
      const wanted = requestedBytes(rest, context)
      if (restSize < 0) restSize = wanted
      else if (wanted >= 0 && wanted !== restSize) return setNo(match, 'bad-length', restAt)
    }
    return closing()
  }

  function begin(all: Uint8Array, first: number, last: number) {
    match.bytes = bytes = all
    match.base = start = first
    end = last
    restSize = -1
  }

  return {
    /** `tailFrom` is where the tail begins if the caller knows it, `NOT_YET` if it knows that there is none so far. */
    match(all: Uint8Array, first: number, last: number, context: MatchContext, tailFrom = UNKNOWN): Match {
      begin(all, first, last)
      if (lead.fits(all, first, last) ? judgeLead() : judge(0, firstSteps)) return behindLead(context, tailFrom)
      match.restSize = restSize
      return match
    },
    /** The same, but null where it is quickly seen that no whole frame is there. */
    matchLikely(all: Uint8Array, first: number, last: number, context: MatchContext): Match | null {
      if (!lead.fits(all, first, last)) return null
      begin(all, first, last)
      return judgeLead() ? behindLead(context, UNKNOWN) : null
    },
    found: match,
  }
}

/** Bytes that the command being answered has asked for; -1 where none was sent. */
function requestedBytes({ parameter, per }: Extract<Field, { is: 'rest' }>, { request }: MatchContext): number {
  const count = request?.[parameter]
  if (typeof count !== 'number') return -1
  return per === 'bits' ? Math.ceil(count / 8) : per === 'words' ? count * 2 : count
}

/** The value of an upper-case hex digit in ASCII; a number that fits no checksum for anything else. */
function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  return code >= 0x41 && code <= 0x46 ? code - 0x37 : Number.NaN
}
