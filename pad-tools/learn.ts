import { createHash } from 'node:crypto'
import { createPadCodec } from '#agent/pad/codec.ts'
import type { KeyMeaning } from '#agent/pad/grade-table.ts'
import { parseProfile } from '#agent/pad/load-profile.ts'
import type { Profile } from '#agent/pad/profile.ts'
import { ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { draftGolden, replay } from './draft-golden.ts'
import { draftProfile, type LearntLine } from './draft-profile.ts'
import { type FoundFrame, type FoundFrames, findFrames, wantedIn } from './find-frames.ts'
import { findLayouts } from './find-layout.ts'
import { findRepeats } from './find-repeats.ts'
import type { FoundKey, FoundLayout } from './findings.ts'
import { groupsOf } from './groups.ts'
import type { Heard, Press } from './heard.ts'
import { type LearnRefusal, refuse } from './refusals.ts'
import { unreadDoubts } from './words.ts'

export interface LearnOptions {
  readonly id: string
  readonly title: Text
  /** The meaning of each face, in the order asked: the first is the best. */
  readonly grades: readonly KeyMeaning[]
  readonly line: LearntLine
  readonly schema?: string
  readonly source?: string
}

/** A pad that was understood, with what a person should look at before believing it. */
export interface Learnt {
  readonly profile: Profile
  readonly profileText: string
  readonly goldenText: string
  readonly keys: readonly (FoundKey & { readonly grade: KeyMeaning })[]
  /** Whether the values rise or fall from the best face to the worst: a scale the wrong way round is seen here. */
  readonly direction: Text
  readonly facts: readonly Text[]
  readonly doubts: readonly Text[]
  readonly pressesHeard: number
  /** Places in the list of presses in which no frame was found. */
  readonly pressesMissed: readonly number[]
  readonly bytesNotUnderstood: number
}

/** Pauses that may part two frames: adapters deliver in pieces up to 16 ms apart, pads repeat after 50 ms or more. */
const GAPS_MS = [30, 60, 15]
/** More than this part of the bytes not understood is no pad that was understood. */
const GARBAGE_SHARE_MAX = 0.5
const GARBAGE_SHARE_GOOD = 0.02

/**
 * Infers a pad's profile from what it sent while known faces were pressed, or says why it does not.
 *
 * Pure, a few hundred milliseconds at most. What is returned decodes every press to its face or to nothing, none
 * to another, each face at least twice; `pad lint` of the two texts passes, which the writer proves again on disk.
 */
export function learn(heard: Heard, options: LearnOptions): Result<Learnt, LearnRefusal> {
  const problem = whatIsMissing(heard, options.grades.length)
  if (problem) return problem
  let best: Candidate | undefined
  let reason: LearnRefusal | undefined
  for (const gapMs of GAPS_MS) {
    for (const frames of findFrames(heard, gapMs)) {
      for (const layout of findLayouts(frames)) {
        const tried = tryLayout(heard, frames, layout, options)
        if (!tried.ok) reason = tried.error
        else if (!best || isBetter(tried.value, best)) best = tried.value
      }
      if (best && best.garbageShare <= GARBAGE_SHARE_GOOD && frames.how !== 'common-part') return ok(best.learnt)
    }
  }
  if (best) return ok(best.learnt)
  return reason ? { ok: false, error: reason } : whyNothing(heard, options.grades.length)
}

interface Candidate {
  learnt: Learnt
  garbageShare: number
  proofBytes: number
}

function isBetter(a: Candidate, b: Candidate): boolean {
  if (Math.abs(a.garbageShare - b.garbageShare) > GARBAGE_SHARE_GOOD) return a.garbageShare < b.garbageShare
  return a.proofBytes > b.proofBytes
}

function whatIsMissing(heard: Heard, keys: number) {
  if (heard.presses.every(({ chunks }) => chunks.length === 0)) return refuse('pad-silent')
  for (let key = 0; key < keys; key++) {
    const own = heard.presses.filter(press => press.key === key)
    const sounding = own.filter(({ chunks }) => chunks.length > 0).length
    if (own.length < 2 || sounding < 2) return refuse('key-not-heard', [key])
  }
  return null
}

/** Without one layout that holds: noise, or a pad whose keys sound alike. */
function whyNothing(heard: Heard, keys: number) {
  const found = GAPS_MS.flatMap(gapMs => findFrames(heard, gapMs))
  const isAlike = ({ pressed }: FoundFrames) =>
    new Set(pressed.map(({ bytes }) => Buffer.from(bytes).toString('hex'))).size === 1
  if (found.length > 0) return refuse(found.every(isAlike) ? 'keys-alike' : 'framing-unknown')
  const unclear = Array.from({ length: keys }, (_, key) => key).filter(key => !isRepeated(heard, key))
  if (unclear.length === 0) return refuse('keys-alike')
  return unclear.length <= 2 ? refuse('key-not-repeated', unclear) : refuse('noise')
}

function tryLayout(
  heard: Heard,
  frames: FoundFrames,
  layout: FoundLayout,
  options: LearnOptions,
): Result<Candidate, LearnRefusal> {
  const heardKeys = new Set(layout.events.flatMap(({ keys }) => keys.map(({ key }) => key)))
  if (heardKeys.size < options.grades.length) return refuse('framing-unknown')
  const repeats = findRepeats(frames.pressed, heard.presses.length)
  const profileText = draftProfile(layout, {
    ...options,
    silenceMs: silenceMsFor(heard),
    repeats,
    schema: options.schema ?? '../profile.schema.generated.json',
    source: options.source ?? 'chuangping pad learn',
  })
  const hash = createHash('sha256').update(profileText).digest('hex')
  const parsed = parseProfile(profileText, { path: options.id, folder: options.id, hash })
  if (!parsed.ok) return refuse('framing-unknown', [], parsed.error.detail)
  return verify(heard, parsed.value, {
    layout,
    profileText,
    options,
    unread: unreadFrames(parsed.value, frames),
    repeatsFacts: repeats ? [repeats.fact] : [],
    repeatsDoubts: repeats?.doubt ? [repeats.doubt] : [],
  })
}

/** Longer than the pauses inside what comes in one piece, shorter than those between repeats. */
function silenceMsFor({ presses }: Heard): number {
  const inside = presses.flatMap(({ chunks }) => groupsOf(chunks, GAPS_MS[0]!).map(({ gapMsMax }) => gapMsMax))
  return Math.max(50, Math.ceil(Math.max(0, ...inside)) * 2)
}

/** Whether some group comes in as many presses of a key as make it no accident. */
function isRepeated({ presses }: Heard, key: number): boolean {
  const own = presses.filter(press => press.key === key)
  const counts = new Map<string, number>()
  for (const { chunks } of own) {
    const groups = groupsOf(chunks, GAPS_MS[0]!).map(({ bytes }) => Buffer.from(bytes).toString('hex'))
    for (const hex of new Set(groups)) counts.set(hex, (counts.get(hex) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values()) >= wantedIn(own.length)
}

/** What comes with the presses again and again and is no frame of this profile: no noise, but nothing it can read. */
function unreadFrames(profile: Profile, { others }: FoundFrames): FoundFrame[] {
  return others.filter(({ atMs, bytes }) => replay(profile, [{ atMs, bytes }]).every(({ kind }) => kind === 'garbage'))
}

interface Draft {
  layout: FoundLayout
  unread: FoundFrame[]
  profileText: string
  options: LearnOptions
  repeatsFacts: Text[]
  repeatsDoubts: Text[]
}

/** Lets the drafted profile hear everything again: what it takes for another face than was asked for refutes it. */
function verify(heard: Heard, profile: Profile, draft: Draft): Result<Candidate, LearnRefusal> {
  const { layout, options } = draft
  const missed: number[] = []
  const counts = options.grades.map(() => 0)
  let garbage = 0
  let total = 0
  for (const [i, press] of heard.presses.entries()) {
    const outputs = replayPress(profile, press)
    for (const output of outputs) {
      total += output.bytes.length
      if (output.kind === 'garbage' && output.reason !== 'filler') garbage += output.bytes.length
    }
    const grades = outputs.flatMap(output =>
      output.kind === 'frame' && output.event.kind === 'key' ? [output.event.grade] : [],
    )
    if (grades.some(grade => grade !== options.grades[press.key])) return refuse('press-contradicts', [press.key])
    if (grades.length === 0) missed.push(i)
    else counts[press.key]! += 1
  }
  const rare = counts.flatMap((count, key) => (count < 2 ? [key] : []))
  if (rare.length > 0) return refuse('key-not-repeated', rare)
  if (missed.length > heard.presses.length / 3) return refuse('noise')
  if (isHeardIdle(profile, heard)) return refuse('key-while-idle')
  const garbageShare = garbage / total
  const unreadBytes = draft.unread.reduce((sum, { bytes }) => sum + bytes.length, 0)
  if ((garbage - unreadBytes) / total > GARBAGE_SHARE_MAX) return refuse('noise')
  const keys = layout.events
    .flatMap(event => event.keys)
    .map(found => ({ ...found, grade: options.grades[found.key]! }))
    .sort((a, b) => a.key - b.key)
  const learnt: Learnt = {
    profile,
    profileText: draft.profileText,
    goldenText: draftGolden(profile, heard.presses),
    keys,
    direction: directionOf(keys),
    facts: [
      { zh: '主动上报：不需要查询', en: 'it speaks by itself: no polling' },
      ...layout.facts,
      ...draft.repeatsFacts,
    ],
    doubts: [...layout.doubts, ...draft.repeatsDoubts, ...unreadDoubts(draft.unread)],
    pressesHeard: heard.presses.length - missed.length,
    pressesMissed: missed,
    bytesNotUnderstood: garbage,
  }
  return ok({ learnt, garbageShare, proofBytes: layout.proofBytes })
}

function replayPress(profile: Profile, { address, chunks }: Press) {
  const options = address !== null && profile.address ? { address } : {}
  return replay(profile, chunks, createPadCodec(profile, options))
}

/** A pad does not rate by itself. Bare bytes are not judged: they are only believed while somebody is asked. */
function isHeardIdle(profile: Profile, { idle }: Heard): boolean {
  if (profile.frames.some(({ believed }) => believed === 'while-armed')) return false
  return replay(profile, idle).some(output => output.kind === 'frame' && output.event.kind === 'key')
}

/** Whether raw values rise or fall from the best face to the worst. */
export function directionOf(keys: readonly { raw: string }[]): Text {
  const values = keys.map(({ raw }) => Number.parseInt(raw.replaceAll(' ', ''), 16))
  const isSorted = (sign: number) => values.every((value, i) => i === 0 || (value - values[i - 1]!) * sign > 0)
  if (isSorted(1)) return { zh: '从最好到最差，原始值递增', en: 'from the best face to the worst the raw values rise' }
  if (isSorted(-1)) return { zh: '从最好到最差，原始值递减', en: 'from the best face to the worst the raw values fall' }
  return { zh: '原始值没有顺序，请逐个核对', en: 'the raw values are in no order: compare each one' }
}
