import { formatBytes } from '#agent/pad/bytes.ts'
import { type Group, groupsOf } from './groups.ts'
import type { Heard, Press } from './heard.ts'

/** A frame that one press brought, as it was cut out of the groups. */
export interface FoundFrame {
  readonly press: number
  readonly key: number
  readonly address: number | null
  readonly atMs: number
  readonly bytes: Uint8Array
}

export interface FoundFrames {
  /** At least one for each press that was heard; the first of a press comes first. */
  readonly pressed: readonly FoundFrame[]
  /** What else comes again and again: a key let go, something that all keys send. */
  readonly others: readonly FoundFrame[]
  readonly how: 'repeated' | 'same-length' | 'common-part'
}

/** Substrings shorter than this come out of noise too easily. */
const PART_BYTES_MIN = 3

/** The ways to cut frames out of what was heard, the one that assumes least first. Empty where nothing recurs. */
export function findFrames(heard: Heard, gapMs: number): FoundFrames[] {
  const presses = heard.presses.map(press => ({ press, groups: splitLines(groupsOf(press.chunks, gapMs)) }))
  return [repeatedGroups(presses, groupsAlone), sameLength(presses), repeatedGroups(presses, commonParts)].filter(
    (found): found is FoundFrames => found !== null,
  )
}

interface Cut {
  press: Press
  groups: Group[]
}

/** Several lines of text in one group are several groups: a line says itself where it ends. */
function splitLines(groups: Group[]): Group[] {
  return groups.flatMap(group => {
    const text = Buffer.from(group.bytes).toString('latin1')
    if (!/^[\t\r\n\x20-\x7e]+[\r\n]$/.test(text)) return [group]
    const lines = text.match(/[^\r\n]+[\r\n]+/g) ?? [text]
    return lines.map(line => ({ ...group, bytes: Uint8Array.from(Buffer.from(line, 'latin1')) }))
  })
}

/** In how many presses of a key something has to come to be no accident. */
export const wantedIn = (presses: number) => Math.max(2, Math.ceil((presses * 2) / 3))

function groupsAlone(cuts: Cut[]): Uint8Array[] {
  return cuts.flatMap(({ groups }) => groups.map(({ bytes }) => bytes))
}

/** What groups of two presses have in common, for lines where noise stands directly before or behind every frame. */
function commonParts(cuts: Cut[]): Uint8Array[] {
  return cuts.flatMap((one, i) =>
    cuts
      .slice(i + 1)
      .flatMap(other => one.groups.flatMap(a => other.groups.map(b => longestCommon(a.bytes, b.bytes))))
      .filter(part => part.length >= PART_BYTES_MIN),
  )
}

function repeatedGroups(cuts: Cut[], candidatesOf: (cuts: Cut[]) => Uint8Array[]): FoundFrames | null {
  const byKey = new Map<number, { cuts: Cut[]; recurring: Uint8Array[] }>()
  for (const key of keysOf(cuts)) {
    const own = cuts.filter(({ press }) => press.key === key)
    const candidates = unique(candidatesOf(own))
    // A pad set to another address sends other bytes, so that each address is a row of presses of its own.
    const recurring = candidates.filter(candidate =>
      addressesOf(own).some(address => {
        const row = own.filter(({ press }) => press.address === address)
        // Of the second address there may be one press alone.
        const wanted = row.length === 1 && address !== own[0]!.press.address ? 1 : wantedIn(row.length)
        return row.filter(cut => has(cut, candidate)).length >= wanted
      }),
    )
    byKey.set(key, { cuts: own, recurring: withoutComposed(recurring) })
  }
  const all = [...byKey.values()].flatMap(({ recurring }) => recurring.map(formatBytes))
  const isCommon = (bytes: Uint8Array) => all.filter(one => one === formatBytes(bytes)).length > 1
  const pressed: FoundFrame[] = []
  const others: FoundFrame[] = []
  for (const [key, own] of byKey) {
    if (!own.recurring.some(bytes => !isCommon(bytes))) return null
    for (const cut of own.cuts) {
      const found = occurrences(cut, own.recurring).map(one => ({ ...one, ...labelsOf(cuts, cut, key) }))
      const first = found.find(({ bytes }) => !isCommon(bytes))
      for (const frame of found) {
        const isPressed = first !== undefined && formatBytes(frame.bytes) === formatBytes(first.bytes)
        ;(isPressed ? pressed : others).push(frame)
      }
    }
  }
  return { pressed, others, how: candidatesOf === groupsAlone ? 'repeated' : 'common-part' }
}

const keysOf = (cuts: Cut[]) => [...new Set(cuts.map(({ press }) => press.key))].sort((a, b) => a - b)
const addressesOf = (cuts: Cut[]) => [...new Set(cuts.map(({ press }) => press.address))]
const labelsOf = (cuts: Cut[], cut: Cut, key: number) => ({
  press: cuts.indexOf(cut),
  key,
  address: cut.press.address,
})

function has({ groups }: Cut, candidate: Uint8Array): boolean {
  return groups.some(({ bytes }) =>
    candidate.length < PART_BYTES_MIN
      ? formatBytes(bytes) === formatBytes(candidate) || isMadeOf(bytes, [candidate])
      : Buffer.from(bytes).includes(Buffer.from(candidate)),
  )
}

/** Two frames that once came in one piece are two frames. */
function withoutComposed(recurring: Uint8Array[]): Uint8Array[] {
  return recurring.filter(one => {
    const shorter = recurring.filter(other => other.length < one.length)
    return !isMadeOf(one, shorter)
  })
}

function isMadeOf(bytes: Uint8Array, parts: Uint8Array[]): boolean {
  const reached = new Set([0])
  for (let at = 0; at < bytes.length; at++) {
    if (!reached.has(at)) continue
    for (const part of parts) {
      if (formatBytes(bytes.subarray(at, at + part.length)) === formatBytes(part)) reached.add(at + part.length)
    }
  }
  return reached.has(bytes.length)
}

function occurrences({ groups }: Cut, parts: Uint8Array[]): { atMs: number; bytes: Uint8Array }[] {
  const longestFirst = [...parts].sort((a, b) => b.length - a.length)
  return groups.flatMap(({ atMs, bytes }) => {
    const found: { atMs: number; bytes: Uint8Array }[] = []
    for (let at = 0; at < bytes.length; ) {
      const part = longestFirst.find(one => isAt(bytes, at, one))
      if (part) found.push({ atMs, bytes: part })
      at += part?.length ?? 1
    }
    return found
  })
}

/** A short part is only believed where nothing but such parts stands in the group. */
function isAt(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  if (at + part.length > bytes.length) return false
  if (part.length < PART_BYTES_MIN && !isMadeOf(bytes, [part])) return false
  return part.every((byte, i) => byte === bytes[at + i])
}

/** Frames that are never the same twice, for a counter in them: groups of one length that agree in some places. */
function sameLength(cuts: Cut[]): FoundFrames | null {
  const lengths = new Set(cuts.flatMap(({ groups }) => groups.map(({ bytes }) => bytes.length)))
  let best: { frames: FoundFrame[]; constants: number } | null = null
  for (const length of lengths) {
    if (length < PART_BYTES_MIN) continue
    const groups = cuts.flatMap(cut =>
      cut.groups
        .filter(({ bytes }) => bytes.length === length)
        .map(({ atMs, bytes }) => ({ atMs, bytes, ...labelsOf(cuts, cut, cut.press.key) })),
    )
    const { kept, constants } = withoutOutliers(groups, length)
    const isEnough = keysOf(cuts).every(key => {
      const own = cuts.filter(({ press }) => press.key === key).length
      return new Set(kept.filter(frame => frame.key === key).map(({ press }) => press)).size >= wantedIn(own)
    })
    if (isEnough && constants > 0 && (best === null || kept.length > best.frames.length)) {
      best = { frames: kept, constants }
    }
  }
  return best && { ...splitByAction(best.frames), how: 'same-length' }
}

function withoutOutliers(groups: FoundFrame[], length: number): { kept: FoundFrame[]; constants: number } {
  const common = Array.from({ length }, (_, i) => {
    const counts = new Map<number, number>()
    for (const { bytes } of groups) counts.set(bytes[i]!, (counts.get(bytes[i]!) ?? 0) + 1)
    const [byte, count] = [...counts].reduce((a, b) => (b[1] > a[1] ? b : a), [0, 0])
    return count >= groups.length * 0.8 ? byte : null
  })
  const kept = groups.filter(({ bytes }) => common.every((byte, i) => byte === null || bytes[i] === byte))
  return { kept, constants: common.filter(byte => byte !== null).length }
}

/** A place that holds one value in the first frame of every press and another in some later ones tells press from release. */
function splitByAction(frames: FoundFrame[]): { pressed: FoundFrame[]; others: FoundFrame[] } {
  const firsts = frames.filter((frame, i) => frames.findIndex(({ press }) => press === frame.press) === i)
  const length = frames[0]!.bytes.length
  for (let i = 0; i < length; i++) {
    const value = firsts[0]!.bytes[i]!
    if (!firsts.every(({ bytes }) => bytes[i] === value)) continue
    const others = frames.filter(({ bytes }) => bytes[i] !== value)
    if (others.length >= firsts.length / 2 && new Set(others.map(({ bytes }) => bytes[i])).size <= 2) {
      return { pressed: frames.filter(({ bytes }) => bytes[i] === value), others }
    }
  }
  return { pressed: frames, others: [] }
}

function unique(all: Uint8Array[]): Uint8Array[] {
  return [...new Map(all.map(bytes => [formatBytes(bytes), bytes])).values()]
}

function longestCommon(a: Uint8Array, b: Uint8Array): Uint8Array {
  let best = { end: 0, length: 0 }
  let row = new Uint16Array(b.length + 1)
  for (let i = 0; i < a.length; i++) {
    const next = new Uint16Array(b.length + 1)
    for (let j = 0; j < b.length; j++) {
      if (a[i] !== b[j]) continue
      next[j + 1] = row[j]! + 1
      if (next[j + 1]! > best.length) best = { end: i + 1, length: next[j + 1]! }
    }
    row = next
  }
  return a.slice(best.end - best.length, best.end)
}
