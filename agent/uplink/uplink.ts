import type { KeyObject } from 'node:crypto'
import { BATCH_ENTRIES_MAX, packBatch, PROTOCOL_VERSION, signBatch } from '#protocol/batch.ts'
import { chainHashes } from '#protocol/chain.ts'
import type { Clock } from '#protocol/clock.ts'
import { isEqual } from '#protocol/codec.ts'
import { readReceipt } from '#protocol/receipt.ts'
import type { Result } from '#protocol/result.ts'

/** What the uplink needs from the journal. */
export interface UplinkJournal {
  readonly epoch: Uint8Array
  newest(): { seq: number }
  receiptedSeq(): number
  read(seq: number, entriesMax: number): { previous: Uint8Array; entries: Uint8Array[] }
  receipt(seq: number, hash: Uint8Array): Result<void>
}

export interface Uplink {
  /** Something was appended. */
  wake(): void
  linkUp(): void
  linkDown(): void
  /** The bytes of a receipt, believed only when the collector signed it. */
  receiptArrived(bytes: Uint8Array): Result<void>
  /** Entries without a receipt. */
  backlog(): number
  stop(): void
}

/** Without a receipt for this long the batch is sent again; doubles up to the cap, back at the next progress. */
const RESEND = { msMin: 5_000, msMax: 300_000 } as const

/**
 * Sends what the journal holds until a receipt lets it go on. One batch is in flight at a time, so
 * order needs no other machinery; nothing here is a queue, the journal is. Event-driven: no polling.
 */
export function createUplink(deps: {
  clock: Clock
  journal: UplinkJournal
  box: string
  boxKey: KeyObject
  receiptKey: KeyObject
  /** When the watchdog sends again, if otherwise than usual. */
  resend?: { msMin: number; msMax: number }
  sendBatch(bytes: Uint8Array): void
  /** Called when a receipt moved the cursor. */
  onProgress(): void
  /** The collector's time, by a receipt that cannot be an old one sent again: it covers an entry of this run. */
  onCollectorTime(atWallMs: number): void
  /** Called when the watchdog sends again. */
  onResend(): void
}): Uplink {
  const { clock, journal, box, resend: { msMin, msMax } = RESEND } = deps
  const freshFromSeq = journal.newest().seq + 1
  let isLinkUp = false
  let isInFlight = false
  let resendMs = msMin
  let cancelResend = () => {}

  function sendNext() {
    if (!isLinkUp || isInFlight) return
    const after = journal.receiptedSeq()
    const { previous, entries } = journal.read(after, BATCH_ENTRIES_MAX)
    if (entries.length === 0) return
    const unsigned = {
      version: PROTOCOL_VERSION,
      box,
      epoch: journal.epoch,
      first: after + 1,
      previous,
      entries,
      newest: journal.newest().seq,
    } as const
    const lastHash = chainHashes(unsigned, unsigned.first, previous, entries).at(-1)!
    isInFlight = true
    cancelResend = clock.after(resendMs, resend)
    deps.sendBatch(packBatch(signBatch(unsigned, lastHash, deps.boxKey)))
  }

  function resend() {
    isInFlight = false
    resendMs = Math.min(resendMs * 2, msMax)
    deps.onResend()
    sendNext()
  }

  function forgetFlight() {
    cancelResend()
    isInFlight = false
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
    receiptArrived(bytes) {
      const receipt = readReceipt(bytes, deps.receiptKey)
      if (!receipt.ok) return receipt
      if (receipt.value.box !== box || !isEqual(receipt.value.epoch, journal.epoch)) {
        return { ok: false, error: { code: 'receipt-of-another', detail: 'the receipt is for another box or epoch' } }
      }
      const moved = journal.receipt(receipt.value.seq, receipt.value.hash)
      if (!moved.ok) return moved
      resendMs = msMin
      forgetFlight()
      if (receipt.value.seq >= freshFromSeq) deps.onCollectorTime(receipt.value.at)
      deps.onProgress()
      sendNext()
      return moved
    },
    backlog: () => journal.newest().seq - journal.receiptedSeq(),
    stop: forgetFlight,
  }
}
