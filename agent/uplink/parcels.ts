import type { KeyObject } from 'node:crypto'
import { BATCH_ENTRIES_MAX } from '#protocol/batch.ts'
import { toHex } from '#protocol/codec.ts'
import { sealParcel } from '#protocol/parcel.ts'
import { isReceiptSigned } from '#protocol/receipt.ts'
import { type ReceiptLine, type ReceiptsFault, readReceiptsFile } from '#protocol/receipts-file.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { signPiece } from './sign-piece.ts'
import type { UplinkChain } from './uplink.ts'

/** What a parcel carries of one chain. */
export interface ParcelPart {
  /** Hex. */
  epoch: string
  after: number
  to: number
  entries: number
}

/** What became of the receipts of a file. */
export interface TakenReceipts {
  taken: { epoch: string; seq: number }[]
  refused: { line: number; code: string; detail: string }[]
  /** Entries that still have no receipt. */
  backlog: number
}

export interface BroughtFault {
  code: ReceiptsFault['code'] | 'receipts-of-others' | 'bad-signature'
  detail: string
}

/** Batches out and receipts in where there is no link: by a file that somebody carries. */
export interface Parcels {
  /**
   * Everything that has no receipt now. Making it changes nothing: only a receipt frees an entry. The bytes are
   * made while they are taken, a batch at a time.
   */
  pack(): { parts: ParcelPart[]; bytes: AsyncIterable<Uint8Array> }
  /** Takes the receipts of a file, those of this box. A file that is not whole, or not the collector's, moves nothing. */
  takeReceipts(file: Uint8Array): Result<TakenReceipts, BroughtFault>
}

export function createParcels(deps: {
  box: string
  boxKey: KeyObject
  openingKey: KeyObject
  receiptKey: KeyObject
  /** Oldest first. */
  chains(): readonly UplinkChain[]
  /** Moves a chain's cursor by a receipt that was carried here. */
  receiptBrought(bytes: Uint8Array): Result<void>
  /** The journal cannot be read any more. */
  onFailure(error: unknown): void
}): Parcels {
  const { box, receiptKey } = deps

  function* batches(parts: readonly { chain: UplinkChain; part: ParcelPart }[]): Generator<Uint8Array> {
    for (const { chain, part } of parts) {
      for (let after = part.after; after < part.to; ) {
        const piece = read(chain, after, Math.min(BATCH_ENTRIES_MAX, part.to - after))
        if (piece.entries.length === 0) break
        after = piece.first + piece.entries.length - 1
        yield signPiece(piece, chain, deps)
      }
    }
  }

  function read(chain: UplinkChain, after: number, entriesMax: number) {
    try {
      return chain.read(after, entriesMax)
    } catch (error) {
      deps.onFailure(error)
      throw error
    }
  }

  /** The receipts of this box, once all of them are known to be the collector's. */
  function ownReceipts(file: Uint8Array): Result<ReceiptLine[], BroughtFault> {
    const lines = readReceiptsFile(file)
    if (!lines.ok) return lines
    const own = lines.value.filter(({ receipt }) => receipt.box === box)
    if (own.length === 0) {
      const others = [...new Set(lines.value.map(({ receipt }) => receipt.box))].slice(0, 5)
      return fail('receipts-of-others', `it holds none for ${box}, but for ${others.join(', ') || 'nobody'}`)
    }
    const forged = own.find(({ receipt }) => !isReceiptSigned(receipt, receiptKey))
    return forged
      ? fail('bad-signature', `line ${forged.line} was not signed by the collector this box was enrolled with`)
      : ok(own)
  }

  return {
    pack() {
      const parts = deps.chains().flatMap(chain => {
        const [after, to, entries] = [chain.receiptedSeq(), chain.newest().seq, chain.backlog()]
        return entries > 0 ? [{ chain, part: { epoch: toHex(chain.epoch), after, to, entries } }] : []
      })
      return { parts: parts.map(({ part }) => part), bytes: sealParcel(deps.openingKey, batches(parts)) }
    },
    takeReceipts(file) {
      const own = ownReceipts(file)
      if (!own.ok) return own
      const result: TakenReceipts = { taken: [], refused: [], backlog: 0 }
      for (const { line, bytes, receipt } of own.value) {
        const moved = deps.receiptBrought(bytes)
        if (moved.ok) result.taken.push({ epoch: toHex(receipt.epoch), seq: receipt.seq })
        else result.refused.push({ line, ...moved.error })
      }
      result.backlog = deps.chains().reduce((sum, chain) => sum + chain.backlog(), 0)
      return ok(result)
    },
  }
}
