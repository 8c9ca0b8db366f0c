import type { KeyObject } from 'node:crypto'
import type { Clock } from '#protocol/clock.ts'
import { isEqual } from '#protocol/codec.ts'
import { readReceipt } from '#protocol/receipt.ts'
import { fail, type Result } from '#protocol/result.ts'
import { type ChainPiece, signInSteps } from './sign-piece.ts'

/** What the uplink needs of one epoch: the journal, or what was salvaged of one before it. */
export interface UplinkChain {
  readonly epoch: Uint8Array
  newest(): { seq: number }
  receiptedSeq(): number
  /** Entries that are held without a receipt. */
  backlog(): number
  /** Consecutive entries, the first of them the next that is held after `seq`. */
  read(seq: number, entriesMax: number): ChainPiece
  receipt(seq: number, hash: Uint8Array, at: number): Result<void>
}

/** A chain that was salvaged: it grows no more, and may be offered again from its beginning. */
export interface PastUplinkChain extends UplinkChain {
  startOver(): void
}

export interface Uplink {
  /** Something was appended. */
  wake(): void
  linkUp(): void
  linkDown(): void
  /** The bytes of a receipt, believed only when the collector signed it. */
  receiptArrived(bytes: Uint8Array): Result<void>
  /** The same for a receipt that somebody carried here: it may be weeks old, so it says nothing of the time. */
  receiptBrought(bytes: Uint8Array): Result<void>
  /** Entries without a receipt. */
  backlog(): number
  stop(): void
}

/** A signed batch of the entries of a chain after `after`, up to `upTo`. */
interface CutBatch {
  chain: UplinkChain
  after: number
  upTo: number
  bytes: Uint8Array
}

/** A batch that is being made. */
interface Cutting {
  chain: UplinkChain
  after: number
  /** Makes a bit more of it; true when that was all. */
  step(): boolean
  /** Undefined until it is made, and when there is nothing to send. */
  batch(): CutBatch | undefined
}

/** Without a receipt for this long the batch is sent again; doubles up to the cap, back at the next progress. */
const RESEND = { msMin: 5_000, msMax: 300_000 } as const

/**
 * A past chain that the collector has answered so often without taking anything is passed over: it may contradict
 * what is committed, and must not keep the journal back for ever. More than a gap takes until it is given up
 * (collector/gaps/gap-list.ts).
 */
const FRUITLESS_MAX = 12

const NOT_USABLE = 'journal-not-usable'

/**
 * Sends what the journal holds, and before it what is left of journals before it, until a receipt lets it go on.
 * One batch is in flight at a time, so order needs no other machinery; nothing here is a queue, the journal is.
 * While a receipt is awaited the next batch is made, so that it can go at once. Event-driven: no polling.
 */
export function createUplink(deps: {
  clock: Clock
  journal: UplinkChain
  /** What was salvaged of journals before this one, oldest first. */
  past?(): readonly PastUplinkChain[]
  box: string
  boxKey: KeyObject
  receiptKey: KeyObject
  /** When the watchdog sends again, if otherwise than usual. */
  resend?: { msMin: number; msMax: number }
  sendBatch(bytes: Uint8Array): void
  /** Called when a receipt moved the cursor. */
  onProgress(): void
  /** The collector's time, by a receipt that cannot be older than the entry of this run that it names. */
  onCollectorTime(atWallMs: number, seq: number): void
  /** Called when the watchdog sends again. */
  onResend(): void
  /**
   * By the collector's signature the journal went on differently from where its cursor is: this store is older than
   * what was sent from it. It can go on in a new epoch only.
   */
  onContradicted?(): void
  /** The journal cannot be read any more. Where nobody is told, it is thrown. */
  onFailure?(error: unknown): void
}): Uplink {
  const { clock, journal, box, resend: { msMin, msMax } = RESEND } = deps
  const past = deps.past ?? (() => [])
  const freshFromSeq = journal.newest().seq + 1
  let isLinkUp = false
  /** The batch that waits for its receipt, by where its chain stood when it was cut. */
  let flight: Omit<CutBatch, 'bytes'> | undefined
  /** The batch behind it, as far as it was made already. */
  let prepared: Cutting | undefined
  let cancelPreparing = () => {}
  let resendMs = msMin
  let cancelResend = () => {}
  /** Answers of the collector that took nothing of a past chain. */
  const fruitless = new Map<UplinkChain, number>()

  const chains = (): readonly UplinkChain[] => [...past(), journal]
  const isPassedOver = (chain: UplinkChain) => (fruitless.get(chain) ?? 0) >= FRUITLESS_MAX

  function sendNext() {
    if (!isLinkUp || flight) return
    reading(() => {
      const next = nextBatch()
      if (next) send(next)
    })
  }

  function reading(act: () => void) {
    try {
      act()
    } catch (error) {
      failed(error)
    }
  }

  /** Reading is all that can fail here: whatever the disk said, the journal has taken itself out of use. */
  function failed(error: unknown) {
    if (!deps.onFailure) throw error
    deps.onFailure(error)
  }

  /** Of the oldest chain that has something to send. */
  function nextBatch(): CutBatch | undefined {
    const begun = prepared
    prepared = undefined
    cancelPreparing()
    for (const chain of chains()) {
      if (chain.backlog() === 0 || isPassedOver(chain)) continue
      const after = chain.receiptedSeq()
      const own = begun?.chain === chain && begun.after === after ? begun : cutting(chain, after)
      while (!own.step());
      if (own.batch()) return own.batch()
    }
    return undefined
  }

  function cutting(chain: UplinkChain, after: number): Cutting {
    const steps = signInSteps(chain, after, deps)
    let batch: CutBatch | undefined
    let isDone = false
    return {
      chain,
      after,
      batch: () => batch,
      step() {
        if (isDone) return true
        const { done, value } = steps.next()
        isDone = done ?? false
        if (value) {
          const { piece, bytes } = value
          batch = { chain, after, upTo: piece.first + piece.entries.length - 1, bytes }
        }
        return isDone
      },
    }
  }

  function send({ chain, after, upTo, bytes }: CutBatch) {
    flight = { chain, after, upTo }
    cancelResend = clock.after(resendMs, resend)
    deps.sendBatch(bytes)
    // Not before this one has left the process.
    if (upTo < chain.newest().seq) prepareNext(cutting(chain, upTo))
  }

  /** Makes the batch behind the one in flight while its receipt is awaited, bit by bit: a press goes between. */
  function prepareNext(own: Cutting) {
    prepared = own
    cancelPreparing = clock.after(0, () => reading(() => void (own.step() || prepareNext(own))))
  }

  function resend() {
    forgetFlight()
    resendMs = Math.min(resendMs * 2, msMax)
    deps.onResend()
    sendNext()
  }

  function forgetFlight() {
    cancelResend()
    cancelPreparing()
    flight = undefined
  }

  /** Whether the receipt leaves the batch in flight where it was: sending it again at once would never end. */
  function isFruitless(chain: UplinkChain): boolean {
    if (flight?.chain !== chain || chain.receiptedSeq() !== flight.after) return false
    const times = (fruitless.get(chain) ?? 0) + 1
    if (chain !== journal) fruitless.set(chain, times)
    if (isPassedOver(chain)) passOver(chain)
    return true
  }

  function passOver(chain: UplinkChain) {
    fruitless.set(chain, FRUITLESS_MAX)
    if (flight?.chain !== chain) return
    forgetFlight()
    sendNext()
  }

  return {
    wake: sendNext,
    linkUp() {
      isLinkUp = true
      resendMs = msMin
      forgetFlight()
      sendNext()
    },
    linkDown() {
      isLinkUp = false
      forgetFlight()
    },
    receiptArrived: bytes => receive(bytes, { isByHand: false }),
    receiptBrought: bytes => receive(bytes, { isByHand: true }),
    backlog: () => chains().reduce((sum, chain) => sum + chain.backlog(), 0),
    stop: forgetFlight,
  }

  function receive(bytes: Uint8Array, { isByHand }: { isByHand: boolean }): Result<void> {
    const receipt = readReceipt(bytes, deps.receiptKey)
    if (!receipt.ok) return receipt
    const { box: named, epoch, seq, hash, at } = receipt.value
    const chain = chains().find(one => isEqual(one.epoch, epoch))
    if (named !== box || !chain) return fail('receipt-of-another', 'the receipt is for another box or epoch')
    const before = chain.receiptedSeq()
    const moved = takeReceipt(chain, seq, hash, at)
    if (!moved.ok) {
      // A journal that cannot be read says nothing of what the collector has.
      if (moved.error.code === NOT_USABLE) return moved
      // What was salvaged contradicts what is committed: it will never be taken.
      if (chain !== journal) passOver(chain)
      else deps.onContradicted?.()
      return moved
    }
    if (!isByHand && chain === journal && seq >= freshFromSeq) deps.onCollectorTime(at, seq)
    if (isFruitless(chain)) return moved
    // It may have lost what came before this epoch as well.
    if (seq < before) for (const older of past()) if (older !== chain) older.startOver()
    fruitless.delete(chain)
    resendMs = msMin
    forgetFlight()
    deps.onProgress()
    sendNext()
    return moved
  }

  function takeReceipt(chain: UplinkChain, seq: number, hash: Uint8Array, at: number): Result<void> {
    try {
      return chain.receipt(seq, hash, at)
    } catch (error) {
      failed(error)
      return fail(NOT_USABLE, 'the journal cannot be read any more')
    }
  }
}
