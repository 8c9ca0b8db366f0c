import { FORMAT_BEGAN_MS } from '#protocol/clock.ts'
import { isEqual } from '#protocol/codec.ts'
import { maxElapsedMs, minElapsedMs } from '#protocol/drift.ts'

/**
 * What is known of the time of a box's entries, kept per stretch of its chain: a mark stands where a stretch
 * begins, with a new boot, an anchor, or when the wall clock begins or ceases to be trusted. Within a stretch
 * the monotonic clock carries the bounds, so what an anchor says later is written to marks alone, never to
 * the entries between them.
 *
 * All times are true times in Unix ms, as the collector's clock tells them, but `mono…` and `wall…`.
 */

/** Everything in an entry, and about its arrival, that says when it was made. */
export interface Stamp {
  position: number
  boot: Uint8Array
  mono: number
  wall: number
  synced: boolean
  received: number
  anchor?: { truth: number; errorMs: number }
}

/** An entry whose time is wanted: what was known when it arrived, and never changes. */
export interface InstantRow {
  position: number
  /** Position of the mark whose stretch it is in. */
  mark: number
  mono: number
  /** The latest it can be by what came before it: its own receipt, and earlier bounds with drift. */
  until: number
  /** When it was received; never before the one before it was. */
  received: number
  /** The trusted wall clock, never going back within a stretch; null where it is not trusted. */
  hint: number | null
}

/** Where the entries of a chain end, so far. */
export interface ChainEnd extends Omit<InstantRow, 'position'> {
  /** The tightest upper bound so far, and where on the monotonic clock it was had. */
  high_mono: number
  high: number
  /** By how much the trusted wall clock was ahead of the monotonic one; null where it is not trusted. */
  ahead: number | null
}

export interface Mark {
  position: number
  /** The marks beside it in its chain; null where there is none, or where nothing may be concluded across. */
  before: number | null
  next: number | null
  boot: Uint8Array
  mono: number
  /** Whether the monotonic clock ran on from the stretch before, so that both are on one time line. */
  is_joined: number
  /** An anchor in this boot at or before it. */
  is_anchored: number
  /** The machine stood still in this stretch and did not count it: `until` of its entries says nothing. */
  is_void: number
  /** What the anchor at this mark says by itself; null at marks that are none. */
  own_low: number | null
  own_high: number | null
  /** The bounds by what came before, the mark's own word included. */
  low: number | null
  high: number
  received: number
  hint: number | null
  /** The bounds by what came after. */
  back_low: number | null
  back_high: number | null
  /** The last entry of the stretch before; null at the first mark. */
  end_mono: number | null
  end_until: number | null
  end_received: number | null
  end_hint: number | null
  /** The outcome: bounds that contain the truth, and the best guess between them. */
  earliest: number | null
  latest: number
  best: number
}

/** Collectors that share the work have clocks of their own, kept by NTP. */
const CLOCKS_DIFFER_MS = 2_000
/** A trusted wall clock that moves so far against the monotonic one was set. */
const WALL_STEP_MS = 60_000

export interface Step {
  end: ChainEnd
  /** The stretch that begins here, if one does. */
  begins?: Mark
  /** The machine stood still before this anchor, and did not count it. */
  hasStopped: boolean
  /** The anchor contradicts what the collector saw itself, and says nothing. */
  isAnchorRefused: boolean
}

interface Bounds {
  low: number | null
  until: number
  received: number
  isJoined: boolean
}

/** The earliest that an entry of this stretch can be, by what came before. */
export function lowAt({ low, mono }: Pick<Mark, 'low' | 'mono'>, atMono: number): number | null {
  return low === null ? null : low + minElapsedMs(atMono - mono)
}

/**
 * Follows a chain by one entry. `before` is where it ended and the mark of its last stretch; undefined at its
 * beginning. `isApart` has it begin a stretch in any case, as where another epoch begins.
 */
export function follow(stamp: Stamp, before: { end: ChainEnd; mark: Mark } | undefined, isApart = false): Step {
  const carried = carry(stamp, before)
  const { anchored, bounds, hasStopped, isAnchorRefused } = takeAnchor(stamp, before, carried)
  const isTrusted = stamp.synced && stamp.wall >= FORMAT_BEGAN_MS
  const ahead = isTrusted ? stamp.wall - stamp.mono : null
  // Where another epoch has gone on from the same stretch, what comes after that is not after this entry.
  const isTaken = isApart || before?.mark.next !== null
  const isNew = !before || isTaken || anchored || !bounds.isJoined || isReset(before.end.ahead, ahead)
  const hint = !isTrusted ? null : isNew ? stamp.wall : Math.max(before.end.hint!, stamp.wall)
  const { until, received } = bounds
  const end: ChainEnd = {
    mark: isNew ? stamp.position : before.mark.position,
    mono: stamp.mono,
    until,
    received,
    hint,
    ahead,
    ...highOf(stamp, before, bounds),
  }
  return {
    end,
    hasStopped,
    isAnchorRefused,
    ...(isNew && { begins: beginMark(stamp, before, bounds, hint, anchored) }),
  }
}

/** What follows from the entry before, and from when this one was received. */
function carry(stamp: Stamp, before: { end: ChainEnd; mark: Mark } | undefined): Bounds {
  if (!before) return { low: null, until: stamp.received, received: stamp.received, isJoined: false }
  const { end, mark } = before
  const received = Math.max(end.received, stamp.received)
  const isSameBoot = isEqual(mark.boot, stamp.boot) && stamp.mono >= end.mono
  const low = lowAt(mark, stamp.mono)
  // Earlier bounds and the receipt exclude each other when the collector's clock was set back: then only the
  // order of the entries is left.
  if (!isSameBoot || (low !== null && low > received)) return apart(before, received)
  const highest = end.high + maxElapsedMs(stamp.mono - end.high_mono)
  return { low, until: Math.min(received, highest), received, isJoined: true }
}

/** After a boot, or a contradiction, it is known that this entry came after the one before, and no more. */
function apart({ end, mark }: { end: ChainEnd; mark: Mark }, received: number): Bounds {
  const low = lowAt(mark, end.mono)
  const atLeast = Math.max(received, low ?? received)
  return { low, until: atLeast, received: atLeast, isJoined: false }
}

function takeAnchor({ anchor }: Stamp, before: { end: ChainEnd; mark: Mark } | undefined, carried: Bounds) {
  const without = { anchored: false, bounds: carried, hasStopped: false }
  if (!anchor) return { ...without, isAnchorRefused: false }
  const ownLow = anchor.truth - anchor.errorMs
  if (ownLow > carried.received + CLOCKS_DIFFER_MS) return { ...without, isAnchorRefused: true }
  const received = Math.max(carried.received, ownLow)
  const ownHigh = Math.min(anchor.truth + anchor.errorMs, received)
  const isTooEarly = carried.low !== null && ownHigh < carried.low
  const hasStopped = !isTooEarly && ownLow > carried.until
  const base = before && (isTooEarly || hasStopped) ? apart(before, received) : carried
  if (base.low !== null && ownHigh < base.low) return { ...without, isAnchorRefused: true }
  const low = Math.max(base.low ?? ownLow, ownLow)
  const until = hasStopped ? ownHigh : Math.min(base.until, ownHigh)
  return { anchored: true, bounds: { ...base, low, until, received }, hasStopped, isAnchorRefused: false }
}

function highOf({ mono }: Stamp, before: { end: ChainEnd } | undefined, { until, isJoined }: Bounds) {
  const isTighter = !before || !isJoined || until < before.end.high + maxElapsedMs(mono - before.end.high_mono)
  return isTighter ? { high_mono: mono, high: until } : { high_mono: before.end.high_mono, high: before.end.high }
}

function isReset(before: number | null, now: number | null): boolean {
  if (before === null || now === null) return before !== now
  return Math.abs(now - before) > WALL_STEP_MS
}

function beginMark(
  { position, boot, mono, anchor }: Stamp,
  before: { end: ChainEnd; mark: Mark } | undefined,
  { low, until, received, isJoined }: Bounds,
  hint: number | null,
  anchored: boolean,
): Mark {
  const own = anchored && anchor
  return {
    position,
    before: before && before.mark.next === null ? before.mark.position : null,
    next: null,
    boot,
    mono,
    is_joined: Number(isJoined),
    is_anchored: Number(anchored || (isJoined && before?.mark.is_anchored === 1)),
    is_void: 0,
    own_low: own ? own.truth - own.errorMs : null,
    own_high: own ? Math.min(own.truth + own.errorMs, received) : null,
    low,
    high: until,
    received,
    hint,
    back_low: null,
    back_high: null,
    end_mono: before?.end.mono ?? null,
    end_until: before?.end.until ?? null,
    end_received: before?.end.received ?? null,
    end_hint: before?.end.hint ?? null,
    earliest: low,
    latest: until,
    best: until,
  }
}
