import type { KeyObject } from 'node:crypto'
import type { Counters } from '#collector/counters.ts'
import type { Committed } from '#collector/projection/projector.ts'
import type { Refused } from '#collector/store/quarantine.ts'
import { BATCH_ENTRIES_MAX } from '#protocol/batch.ts'
import type { Clock } from '#protocol/clock.ts'
import { ok, type Result } from '#protocol/result.ts'
import { checkBatch } from './check-batch.ts'
import type { Committer } from './committer.ts'
import type { BoxWork, OwnResult, OwnWork } from './work.ts'

/** Entries in one transaction, and how long the first of them waits for company. */
const COMMIT_ENTRIES_MAX = BATCH_ENTRIES_MAX
const COMMIT_WAIT_MS_MAX = 20
/** Batches waiting. A box has one in flight and sends again, so what does not fit is only delayed. */
const PENDING_BATCHES_MAX = 2000
const PENDING_REFUSED_MAX = 100

/** From bytes on a topic to a receipt. Every box's batches share transactions; none waits for another's trouble. */
export interface Ingest {
  /** Takes what a box sent. Returns at once; a receipt follows when it is committed, and only then. */
  accept(box: string, bytes: Uint8Array): void
  /** Writes entries to the collector's own chain; resolves when they are committed. */
  write(work: OwnWork): Promise<Result<OwnResult>>
  /** Resolves when what waits now is committed or refused. */
  settled(): Promise<void>
  /** Commits what waits and takes nothing more. */
  stop(): Promise<void>
}

interface PendingOwn {
  work: OwnWork
  settle(result: Result<OwnResult>): void
}

export function createIngest(deps: {
  clock: Clock
  committer: Committer
  counters: Counters
  keyOf(box: string): KeyObject | undefined
  publishReceipt(box: string, bytes: Uint8Array): void
  onCommitted(items: readonly Committed[]): void
  quarantine(refused: Refused): Promise<void>
  /** The store refused a write: a fault to answer with. Rethrows what is no refusal. */
  onRefused(error: unknown): { code: string; detail: string }
  onStored(): void
}): Ingest {
  const { clock, counters } = deps
  let batches: BoxWork[] = []
  const own: PendingOwn[] = []
  let refused: Refused[] = []
  let arrivals = 0
  let oldestMonoMs = 0
  let running: Promise<void> | undefined
  let isStopped = false

  function refuse(reason: Refused) {
    counters.add('batches-quarantined', reason.code)
    if (refused.length < PENDING_REFUSED_MAX) refused.push(reason)
    else counters.add('batches-dropped', 'quarantine-busy')
  }

  function wake() {
    arrivals += 1
    if (batches.length + own.length === 1) oldestMonoMs = clock.monoMs()
    running ??= run()
  }

  async function run() {
    while (batches.length + own.length + refused.length > 0) {
      await company()
      await commitPending()
      await quarantinePending()
    }
    running = undefined
  }

  /** Waits until a whole turn of the event loop brought nothing new, the transaction is full, or time is up. */
  async function company() {
    let seen: number
    do {
      seen = arrivals
      await new Promise(setImmediate)
    } while (
      arrivals !== seen &&
      !isStopped &&
      clock.monoMs() - oldestMonoMs < COMMIT_WAIT_MS_MAX &&
      countEntries(batches) + own.length < COMMIT_ENTRIES_MAX
    )
  }

  async function commitPending() {
    const [taken, rest] = takeUpTo(batches, COMMIT_ENTRIES_MAX)
    const takenOwn = own.splice(0, COMMIT_ENTRIES_MAX)
    batches = rest
    oldestMonoMs = clock.monoMs()
    if (taken.length + takenOwn.length === 0) return
    try {
      const work = takenOwn.map(item => item.work)
      const result = await deps.committer.commit(taken, work, clock.wallMs())
      for (const { box, bytes } of result.receipts) deps.publishReceipt(box, bytes)
      for (const [i, item] of takenOwn.entries()) item.settle(ok(result.own[i]!))
      counters.add('entries-committed', '', result.committed.length)
      counters.add('batches-replayed', '', result.replays)
      counters.add('batches-refused', 'gap', result.gaps)
      for (const fork of result.forked) refuse(fork)
      deps.onStored()
      if (result.committed.length > 0) deps.onCommitted(result.committed)
    } catch (error) {
      // The boxes keep what they sent and send it again; a business system is told.
      const fault = deps.onRefused(error)
      counters.add('commits-refused', fault.code)
      for (const item of takenOwn) item.settle({ ok: false, error: fault })
    }
  }

  async function quarantinePending() {
    const taken = refused
    refused = []
    for (const reason of taken) {
      try {
        await deps.quarantine(reason)
      } catch (error) {
        counters.add('batches-dropped', deps.onRefused(error).code)
      }
    }
  }

  return {
    accept(box, bytes) {
      if (isStopped) return
      counters.add('batches-received')
      if (batches.length >= PENDING_BATCHES_MAX) return counters.add('batches-dropped', 'busy')
      const checked = checkBatch(box, bytes, deps.keyOf)
      if (checked.ok) batches.push({ ...checked.value, bytes })
      else refuse({ box, ...checked.error, bytes })
      wake()
    },
    write(work) {
      if (isStopped)
        return Promise.resolve({ ok: false, error: { code: 'stopping', detail: 'the collector is stopping' } })
      return new Promise(settle => {
        own.push({ work, settle })
        wake()
      })
    },
    async settled() {
      await running
    },
    async stop() {
      isStopped = true
      await running
    },
  }
}

const countEntries = (batches: readonly BoxWork[]) => batches.reduce((sum, work) => sum + work.entries.length, 0)

/** The first batches that fit together, at least one, and the rest. */
function takeUpTo(batches: readonly BoxWork[], entriesMax: number): [BoxWork[], BoxWork[]] {
  let entries = 0
  const cut = batches.findIndex((work, i) => {
    entries += work.entries.length
    return i > 0 && entries > entriesMax
  })
  return cut < 0 ? [[...batches], []] : [batches.slice(0, cut), batches.slice(cut)]
}
