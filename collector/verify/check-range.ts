import { type AllowedKinds, type ChainCheckDeps, createChainCheck, type StretchResult } from './chain-check.ts'
import { compareDigests } from './compare-digests.ts'
import { createDiagnosis, placeOf, signatureFault } from './diagnose.ts'
import { createFaultList, type VerifyFault } from './fault.ts'
import { hexOf, type OwnWords } from './own-words.ts'
import type { SignatureCheck, Signed } from './signatures.ts'
import type { StoreSource } from './store-source.ts'

/** A stretch of a store to be checked, by whichever thread. */
export interface RangeOrder {
  from: number
  /** First positions of batches up to this belong to it. */
  to: number
  uncoveredFrom: number
  everySignature: boolean
  faultsMax: number
  kinds: AllowedKinds
}

export interface RangeReport {
  result: StretchResult
  faults: VerifyFault[]
  faultCount: number
}

const PROGRESS_BATCHES = 2048
/** A batch has at most 500; one more shows that a row claims more. */
const ENTRIES_MAX = 501

/** What a thread checks its stretches with, one after the other. */
export interface RangeDeps {
  source: StoreSource
  words: OwnWords
  signatures: SignatureCheck
  onProgress?: ((entries: number) => void) | undefined
}

export function checkRange(order: RangeOrder, deps: RangeDeps): RangeReport {
  const { source, words, signatures, onProgress = () => {} } = deps
  const faults = createFaultList(order.faultsMax)
  const report = faults.add
  const { diagnose } = createDiagnosis({ words, signatures, report, ...source })
  const onSignatureFaults: ChainCheckDeps['onSignatureFaults'] = (signed, codes) => {
    for (const code of codes) report({ ...placeOfSigned(signed), ...signatureFault(code) })
  }

  function checkSingly(hall: string, from: number, to: number): boolean {
    let isAnyNamed = false
    for (const signed of source.signed(hall, from, to)) {
      const codes = signatures.faultsOf(signed)
      isAnyNamed ||= codes.length > 0
      onSignatureFaults(signed, codes)
    }
    return isAnyNamed
  }

  const check = createChainCheck({
    words,
    signatures,
    ...order,
    headBefore: (box, epoch, seq) => source.headBefore(box, epoch, seq, order.from),
    diagnose: (firstPosition, expected) => diagnose(source.rawBatch(firstPosition, ENTRIES_MAX), expected),
    onSignatureFaults,
    onDay: (due, said, at) => compareDigests(due, said, at, { report, checkSingly }),
    onKindFault(code, position) {
      const [row] = source.evidence(position, position, 1)
      report({ code, table: 'evidence', ...(row ? placeOf(row) : {}), detail: KIND_DETAILS[code] })
    },
  })
  let batches = 0
  let entries = 0
  for (const item of source.batches(order.from, order.to)) {
    check.batch(item)
    entries += 'count' in item ? item.count : 0
    batches += 1
    if (batches % PROGRESS_BATCHES === 0) {
      onProgress(entries)
      entries = 0
    }
  }
  onProgress(entries)
  return { result: check.finish(), faults: faults.list(), faultCount: faults.count() }
}

export const KIND_DETAILS = {
  'kind-not-allowed': 'a kind of entry that this chain may not hold',
  'entry-not-readable': 'its bytes are not those of an entry',
} as const

export function placeOfSigned({ first_position, box, epoch, first_seq }: Signed) {
  return { row: first_position, position: first_position, box, epoch: hexOf(epoch), seq: first_seq }
}
