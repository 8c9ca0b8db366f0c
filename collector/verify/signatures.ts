import type { KeyObject } from 'node:crypto'
import { receiptMessage } from '#protocol/receipt-message.ts'
import { COLLECTOR_NAME } from '#protocol/reserved.ts'
import { isSignedBy } from '#protocol/signature.ts'
import type { OwnWords } from './own-words.ts'

/** One run of entries under one signature, with the hash of its last; byte strings as latin1. */
export interface Signed {
  box: string
  epoch: string
  first_position: number
  first_seq: number
  last_seq: number
  received_at: number
  lastHash: string
  signature: string
  receipt: string
}

export type SignatureFault = 'bad-signature' | 'bad-receipt' | 'box-not-enrolled' | 'box-revoked'

/** Checks a batch's signature and that of its receipt, one by one: two verifications of P-256. */
export interface SignatureCheck {
  faultsOf(signed: Signed): SignatureFault[]
  isSigned(signed: Signed): boolean
  isReceipted(signed: Signed): boolean
}

export function createSignatureCheck(words: OwnWords, collectorKey: KeyObject): SignatureCheck {
  function keysFor(signed: Signed): readonly KeyObject[] {
    return signed.box === COLLECTOR_NAME ? [collectorKey] : words.keysFor(signed)
  }

  function isSigned(signed: Signed): boolean {
    const [hash, signature] = [bytesOf(signed.lastHash), bytesOf(signed.signature)]
    return keysFor(signed).some(key => isSignedBy('head', hash, signature, key))
  }

  function isReceipted({ box, epoch, last_seq, lastHash, received_at, receipt }: Signed): boolean {
    const said = { box, epoch: bytesOf(epoch), seq: last_seq, hash: bytesOf(lastHash), at: received_at }
    return isSignedBy('receipt', receiptMessage(said), bytesOf(receipt), collectorKey)
  }

  return {
    isSigned,
    isReceipted,
    faultsOf(signed) {
      const faults: SignatureFault[] = isReceipted(signed) ? [] : ['bad-receipt']
      if (isSigned(signed)) return faults
      if (keysFor(signed).length > 0) return [...faults, 'bad-signature']
      const isEnrolled = words.isEnrolledAt(signed.box, signed.first_position)
      return [...faults, isEnrolled ? 'box-revoked' : 'box-not-enrolled']
    },
  }
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1')
