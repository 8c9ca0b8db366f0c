import type { Counters } from '#collector/counters.ts'
import type { Committed } from '#collector/projection/projector.ts'
import type { Refused } from '#collector/store/quarantine.ts'
import { BATCH_ENTRIES_MAX } from '#protocol/batch.ts'
import type { Clock } from '#protocol/clock.ts'
import { ok, type Result } from '#protocol/result.ts'
import { checkBatch, checkBatchAside, type SignerKeys } from './check-batch.ts'
import type { Committer } from './committer.ts'
import type { RefusalBook } from './refusal-book.ts'
import type { Arrival, BoxWork, OwnResult, OwnWork } from './work.ts'

/** Entries in one transaction, and how long the first of them waits for company. */
const COMMIT_ENTRIES_MAX = BATCH_ENTRIES_MAX
const COMMIT_WAIT_MS_MAX = 20
/** Silence after a commit in which its receipts reach the boxes, and one that has more sends it. */
const SILENCE_MS = 50
/** Batches waiting. A box has one in flight and sends again, so what does not fit is only delayed. */
const PENDING_BATCHES_MAX = 2000
const PENDING_REFUSED_MAX = 100

/** From bytes on a topic to a receipt. Every box's batches share transactions; none waits for another's trouble. */
export interface Ingest {
  /** Takes what a box sent. Returns at once; a receipt follows when it is committed, and only then. */
  accept(box: string, bytes: Uint8Array): void
  /**
   * Writes an entry to the collector's own chain; resolves when it is committed. The entries of `behind`
   * follow it: a person has decided that they are to be taken, whoever signed them.
   */
  write(work: OwnWork, behind?: BoxWork): Promise<Result<OwnResult>>
  /** Whether batches wait for their receipts, or receipts are on their way and may be answered by more. */
  areReceiptsDue(): boolean
  /** Closes the day before, if one is over, though nothing may wait. */
  turnDay(): void
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
  keys: SignerKeys
  publishReceipt(box: string, bytes: Uint8Array): void
  onCommitted(items: readonly Committed[]): void
  /** Where each batch found its chain, whatever became of it. */
  onArrival(arrival: Arrival): void
  refusals: Pick<RefusalBook, 'note' | 'notWritten'>
  /** A refused batch was put aside, or counted again. */
  onQuarantined(refused: Refused): void
  /** The store refused a write: a fault to answer with. Rethrows what is no refusal. */
  onRefused(error: unknown): { code: string; detail: string }
  onStored(): void
}): Ingest {
  const { clock, counters } = deps
  /** What is being checked, in the order it came. */
  const incoming: { box: string; bytes: Uint8Array; check: ReturnType<typeof checkBatchAside> }[] = []
  let batches: BoxWork[] = []
  const own: PendingOwn[] = []
  let refused: Refused[] = []
  let arrivals = 0
  let oldestMonoMs = 0
  let silentFromMonoMs = 0
  let running: Promise<void> | undefined
  let isStopped = false
  let isDayOver = false

  function refuse(reason: Refused) {
    counters.add('batches-quarantined', reason.code)
    if (refused.length < PENDING_REFUSED_MAX) refused.push(reason)
    else counters.add('batches-dropped', 'quarantine-busy')
  }

  function wake() {
    arrivals += 1
    if (waiting() === 1) oldestMonoMs = clock.monoMs()
    running ??= run()
  }

  const waiting = () => incoming.length + batches.length + own.length

  async function run() {
    while (waiting() + refused.length > 0 || isDayOver) {
      await company()
      await takeIn()
      await commitPending()
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
      incoming.length + countEntries(batches) + own.length < COMMIT_ENTRIES_MAX
    )
  }

  /** Checks were under way side by side; what they found is taken in the order of arrival. */
  async function takeIn() {
    for (const { box, bytes, check } of incoming.splice(0)) {
      const checked = await check
      if (checked.ok) batches.push({ ...checked.value, bytes })
      else refuse({ box, ...checked.error, bytes })
    }
  }

  /** What waits, without what was signed by a key that was revoked or replaced meanwhile. */
  function stillGood(): BoxWork[] {
    return batches.filter(work => {
      if (work.isAccepted || deps.keys.keyOf(work.batch.box) === work.key) return true
      const checked = checkBatch(work.batch.box, work.bytes, deps.keys)
      if (!checked.ok) refuse({ box: work.batch.box, ...checked.error, bytes: work.bytes })
      return checked.ok
    })
  }

  async function commitPending() {
    const [taken, rest] = takeUpTo(stillGood(), COMMIT_ENTRIES_MAX)
    const takenOwn = own.splice(0, COMMIT_ENTRIES_MAX)
    batches = rest
    oldestMonoMs = clock.monoMs()
    const putAside = await noteRefused()
    if (taken.length + takenOwn.length + putAside.length === 0 && !isDayOver) return
    isDayOver = false
    try {
      const work = [...takenOwn.map(item => item.work), ...putAside.map(item => item.work)]
      const result = await deps.committer.commit(taken, work, clock.wallMs())
      for (const { box, bytes } of result.receipts) deps.publishReceipt(box, bytes)
      for (const [i, item] of takenOwn.entries()) item.settle(ok(result.own[i]!))
      counters.add('entries-committed', '', result.committed.length)
      counters.add('batches-replayed', '', result.replays)
      counters.add('batches-refused', 'gap', result.arrivals.filter(({ place }) => place === 'gap').length)
      for (const reason of result.refused) refuse(reason)
      for (const arrival of result.arrivals) deps.onArrival(arrival)
      for (const item of putAside) deps.onQuarantined(item.refused)
      deps.onStored()
      if (taken.length > 0) silentFromMonoMs = clock.monoMs() + SILENCE_MS
      if (result.committed.length > 0) deps.onCommitted(result.committed)
    } catch (error) {
      // The boxes keep what they sent and send it again; a business system is told.
      const fault = deps.onRefused(error)
      counters.add('commits-refused', fault.code)
      for (const item of takenOwn) item.settle({ ok: false, error: fault })
      for (const item of putAside) {
        deps.refusals.notWritten(item.refused)
        counters.add('batches-dropped', fault.code)
      }
    }
  }

  /** Counts what was refused; gives what the chain is to say of it. */
  async function noteRefused(): Promise<{ refused: Refused; work: OwnWork }[]> {
    const taken = refused
    refused = []
    const putAside: { refused: Refused; work: OwnWork }[] = []
    for (const reason of taken) {
      const work = await deps.refusals.note(reason)
      if (work) putAside.push({ refused: reason, work })
      else deps.onQuarantined(reason)
    }
    return putAside
  }

  return {
    accept(box, bytes) {
      if (isStopped) return
      counters.add('batches-received')
      if (incoming.length + batches.length >= PENDING_BATCHES_MAX) return counters.add('batches-dropped', 'busy')
      incoming.push({ box, bytes, check: checkBatchAside(box, bytes, deps.keys) })
      wake()
    },
    write(work, behind) {
      if (isStopped)
        return Promise.resolve({ ok: false, error: { code: 'stopping', detail: 'the collector is stopping' } })
      return new Promise(settle => {
        own.push({ work, settle })
        if (behind) batches.push({ ...behind, isAccepted: true })
        wake()
      })
    },
    areReceiptsDue: () => running !== undefined || clock.monoMs() < silentFromMonoMs,
    turnDay() {
      if (isStopped || !deps.committer.isDayOver(clock.wallMs())) return
      isDayOver = true
      wake()
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
