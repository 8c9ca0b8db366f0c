import type { Kysely } from 'kysely'
import type { ProjectedEntry } from '#collector/projection/projected.ts'
import type { Tables, TimeChainRow } from '#collector/store/tables.ts'
import { toHex } from '#protocol/codec.ts'
import { ANCHORS_BACK, isAnchor, settle, tellBack } from './close.ts'
import { type Instant, instantOf } from './instant.ts'
import { recount } from './recount.ts'
import { type ChainEnd, follow, type InstantRow, type Mark, type Stamp } from './segments.ts'
import { inColumns, type TimeRows } from './time-rows.ts'

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

/** Where a chain has got to: its end, and the mark of its last stretch. */
export interface Place {
  end: ChainEnd
  mark: Mark
}

/** The chains of each box by their epochs, in hex. */
export type Places = Map<string, Map<string, Place>>

/** Entries whose time anybody asks for. */
const TIMED_KINDS: readonly string[] = ['prompt', 'rating', 'correction']

/** `places` has all chains of the boxes whose entries will be noted, and moves with them. */
export function createTimeBook(places: Places, rows: TimeRows): TimeBook {
  const marks = new Map<number, Mark>()
  const moved = new Map<Place, TimeChainRow>()
  const changed = new Set<Mark>()
  const instants: InstantRow[] = []
  /** In order: what an anchor tells reaches further back than what a later one does. */
  const anchors: { mark: Mark; hasStopped: boolean }[] = []

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
      const { before } = line.at(-1)!
      if (before === null) break
      line.push(await markAt(trx, before))
      if (isAnchor(line.at(-1)!)) beyond++
    }
    return line.reverse()
  }

  /** The marks of this transaction that come after this one in its chain. */
  function lineFrom(mark: Mark): Mark[] {
    const line: Mark[] = []
    for (let at = mark.next; at !== null; at = line.at(-1)!.next) line.push(marks.get(at)!)
    return line
  }

  /** Returns the marks of which something else is known now. */
  async function close(trx: Kysely<Tables>): Promise<Set<Mark>> {
    const told = new Set<Mark>()
    for (const { mark, hasStopped } of anchors) {
      const line = await lineTo(trx, mark)
      const first = tellBack(line, hasStopped)
      const whole = [...line, ...lineFrom(mark)]
      settle(whole, first)
      // The stretch before a mark ends otherwise when that mark has moved.
      for (const each of whole.slice(Math.max(0, first - 1))) told.add(each)
    }
    for (const mark of told) changed.add(mark)
    return told
  }

  return {
    note(item) {
      const chains = places.get(item.box)!
      const epoch = toHex(item.epoch)
      const own = chains.get(epoch)
      const before = own ?? former(item, chains)
      const step = follow(stampOf(item), before, !own)
      const mark = step.begins ?? before!.mark
      if (before) marks.set(before.mark.position, before.mark)
      if (step.begins) begin(step.begins, before?.mark, step.hasStopped)
      const place = Object.assign(own ?? {}, { end: step.end, mark })
      if (!own) chains.set(epoch, place)
      moved.set(place, { box: item.box, epoch: item.epoch, ...step.end })
      const { mono, until, received, hint } = step.end
      const row = { position: item.position, mark: mark.position, mono, until, received, hint }
      if (TIMED_KINDS.includes(item.entry.kind)) instants.push(row)
      return { instant: instantOf(row, mark, undefined), isAnchorRefused: step.isAnchorRefused }
    },
    async save(trx) {
      await rows.writeInstants(trx, instants)
      await rows.writeChains(trx, [...moved.values()])
      const told = await close(trx)
      await rows.writeMarks(trx, [...changed].map(inColumns))
      for (const mark of told) await recount(trx, mark, mark.next === null ? undefined : marks.get(mark.next)!)
    },
  }
}

/** The chain of the epoch that the first entry of one says it came after. */
function former({ entry }: ProjectedEntry, chains: ReadonlyMap<string, Place>): Place | undefined {
  const origin = entry.kind === 'boot' ? entry.body.origin : undefined
  return origin?.epoch && chains.get(toHex(origin.epoch))
}

function stampOf({ position, receivedAtMs, entry }: ProjectedEntry): Stamp {
  const { boot, mono, wall, synced } = entry.time
  const stamp = { position, boot, mono, wall, synced, received: receivedAtMs }
  if (entry.kind !== 'anchor') return stamp
  return { ...stamp, anchor: { truth: entry.body.truth, errorMs: entry.body.errorMs } }
}
