import type { Kysely } from 'kysely'
import { dayOf } from '#collector/projection/day.ts'
import type { ProjectedEntry } from '#collector/projection/projected.ts'
import type { Tables, TimeChainRow } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import { ANCHORS_BACK, isAnchor, settle, tellBack } from './close.ts'
import { type Instant, instantOf } from './instant.ts'
import { type ChainEnd, follow, type InstantRow, type Mark, type Stamp } from './segments.ts'
import { countOn, inColumns, promptsOfMark, type TimeRows } from './time-rows.ts'

/** Follows the time of each box, over the entries of one transaction. */
export interface TimeBook {
  /**
   * Notes an entry of a box and says when it was made, by what came before it. `isAnchorRefused`: it is an
   * anchor that contradicts what is known.
   */
  note(item: ProjectedEntry): { instant: Instant; isAnchorRefused: boolean }
  /**
   * Writes what was noted. What an anchor says of entries before it is told to their marks, and the prompts
   * that were counted on another day are counted anew. Call when the prompts are written.
   */
  save(trx: Kysely<Tables>): Promise<void>
}

/** Entries whose time anybody asks for. */
const TIMED_KINDS: readonly string[] = ['prompt', 'rating', 'correction']

export interface KnownTimes {
  chains: readonly TimeChainRow[]
  /** The last mark of each of the chains. */
  marks: readonly Mark[]
}

export async function readTimes(rows: TimeRows, trx: Kysely<Tables>, boxes: Iterable<string>): Promise<KnownTimes> {
  const wanted = [...boxes]
  return { chains: await rows.chainsOf(trx, wanted), marks: await rows.lastMarksOf(trx, wanted) }
}

/** `known` are all chains of the boxes whose entries will be noted. */
export function createTimeBook(known: KnownTimes, rows: TimeRows): TimeBook {
  const marks = new Map(known.marks.map(mark => [mark.position, mark]))
  const chains = new Map<string, { end: ChainEnd; mark: Mark }>()
  for (const { box, epoch, ...end } of known.chains)
    chains.set(keyOf({ box, epoch }), { end, mark: marks.get(end.mark)! })
  const movedChains = new Map<string, TimeChainRow>()
  const changed = new Set<Mark>()
  const instants: InstantRow[] = []
  /** In order: what an anchor tells reaches further back than what a later one does. */
  const anchors: { mark: Mark; hasStopped: boolean }[] = []

  /** The chain that an entry goes on: its own, or the one of the epoch that it says it came after. */
  function chainBefore(item: ProjectedEntry) {
    const own = chains.get(keyOf(item))
    if (own) return { before: own, isApart: false }
    const origin = item.entry.kind === 'boot' ? item.entry.body.origin : undefined
    const former = origin?.epoch && chains.get(keyOf({ box: item.box, epoch: origin.epoch }))
    return { before: former, isApart: true }
  }

  function begin(mark: Mark, before: Mark | undefined, hasStopped: boolean) {
    marks.set(mark.position, mark)
    changed.add(mark)
    const isLinked = before !== undefined && mark.before === before.position
    if (isLinked) {
      before.next = mark.position
      changed.add(before)
    }
    settle(isLinked ? [before, mark] : [mark], isLinked ? 1 : 0)
    if (isAnchor(mark)) anchors.push({ mark, hasStopped })
  }

  async function markAt(trx: Kysely<Tables>, position: number): Promise<Mark> {
    const kept = marks.get(position)
    if (kept) return kept
    const [found] = await rows.marks(trx, [position])
    marks.set(position, found!)
    return found!
  }

  /** The marks that lead to this one, as far back as an anchor is told and one more; the oldest first. */
  async function lineTo(trx: Kysely<Tables>, mark: Mark): Promise<Mark[]> {
    const line = [mark]
    for (let beyond = 0; beyond <= ANCHORS_BACK; ) {
      const { before } = line[0]!
      if (before === null) break
      line.unshift(await markAt(trx, before))
      if (isAnchor(line[0]!)) beyond++
    }
    return line
  }

  /** The marks of this transaction that come after this one in its chain. */
  function lineFrom(mark: Mark): Mark[] {
    const line: Mark[] = []
    for (let at = mark.next; at !== null; at = line.at(-1)!.next) line.push(marks.get(at)!)
    return line
  }

  /** Returns the marks of which something else is known now. */
  async function close(trx: Kysely<Tables>): Promise<Set<Mark>> {
    const moved = new Set<Mark>()
    for (const { mark, hasStopped } of anchors) {
      const line = await lineTo(trx, mark)
      const first = tellBack(line, hasStopped)
      const whole = [...line, ...lineFrom(mark)]
      settle(whole, first)
      // The stretch before a mark ends otherwise when that mark has moved.
      for (const each of whole.slice(Math.max(0, first - 1))) moved.add(each)
    }
    for (const mark of moved) changed.add(mark)
    return moved
  }

  async function recount(trx: Kysely<Tables>, mark: Mark) {
    const next = mark.next === null ? undefined : marks.get(mark.next)!
    let run: { first: number; last: number; day: ReturnType<typeof dayOf> } | undefined
    for (const prompt of await promptsOfMark(trx, mark.position)) {
      const day = dayOf(instantOf(prompt, mark, next))
      const isRight = day.day === prompt.day && day.day_sure === prompt.day_sure
      if (run && (isRight || run.day.day !== day.day || run.day.day_sure !== day.day_sure)) {
        await countOn(trx, { mark: mark.position, ...run }, run.day)
        run = undefined
      }
      if (!isRight) run = { first: run?.first ?? prompt.position, last: prompt.position, day }
    }
    if (run) await countOn(trx, { mark: mark.position, ...run }, run.day)
  }

  return {
    note(item) {
      const stamp = stampOf(item)
      const { before, isApart } = chainBefore(item)
      const step = follow(stamp, before, isApart)
      const mark = step.begins ?? before!.mark
      if (step.begins) begin(step.begins, before?.mark, step.hasStopped)
      chains.set(keyOf(item), { end: step.end, mark })
      movedChains.set(keyOf(item), { box: item.box, epoch: item.epoch, ...step.end })
      const { high_mono: _mono, high: _high, ahead: _ahead, ...timed } = step.end
      const row = { position: item.position, ...timed }
      if (TIMED_KINDS.includes(item.entry.kind)) instants.push(row)
      return { instant: instantOf(row, mark, undefined), isAnchorRefused: step.isAnchorRefused }
    },
    async save(trx) {
      await rows.writeInstants(trx, instants)
      await rows.writeChains(trx, [...movedChains.values()])
      const moved = await close(trx)
      await rows.writeMarks(trx, [...changed].map(inColumns))
      for (const mark of moved) await recount(trx, mark)
    },
  }
}

function stampOf({ position, receivedAtMs, entry }: ProjectedEntry): Stamp {
  const { time } = entry
  const anchor = entry.kind === 'anchor' && { truth: entry.body.truth, errorMs: entry.body.errorMs }
  return { position, ...time, received: receivedAtMs, ...(anchor && { anchor }) }
}

const keyOf = ({ box, epoch }: { box: string; epoch: Uint8Array }) => `${box} ${toHex(epoch)}`
