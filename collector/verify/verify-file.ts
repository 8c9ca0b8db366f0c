import type { KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isEqual } from '#protocol/codec.ts'
import { COLLECTOR_NAME } from '#protocol/names.ts'
import { ok, type Result } from '#protocol/result.ts'
import { type BatchItem, boxOf, hallOf, PARTS, type RawBatch, type RawRow } from './batch-item.ts'
import { createChainCheck, type StretchResult } from './chain-check.ts'
import { KINDS } from './check-evidence.ts'
import { KIND_DETAILS, placeOfSigned } from './check-range.ts'
import { compareDigests } from './compare-digests.ts'
import { type Conservation, createConservation } from './conserve.ts'
import { createDiagnosis, signatureFault } from './diagnose.ts'
import { type EvidenceFile, EvidenceFileFault, openEvidenceFile } from './evidence-file.ts'
import { createFaultList, type FaultList } from './fault.ts'
import { createOwnWords, type OwnWord, type OwnWords } from './own-words.ts'
import { readOwnWord } from './read-own-word.ts'
import { scanKind } from './scan-entry.ts'
import { createSignatureCheck, type Signed } from './signatures.ts'
import { signedOf } from './store-source.ts'
import type { VerifyNote, VerifyResult } from './verify-store.ts'

export interface VerifyFileOptions {
  path: string
  /** The collector's public key, from elsewhere than the file; without it the file's own is taken, and a note says so. */
  collectorKey?: KeyObject
  everySignature?: boolean
  faultsMax?: number
  workFolder: string
  /** Entries checked so far; how many there are is known at the end. */
  onProgress?(entries: number): void
}

/** Checks exported evidence from end to end, reading the file twice: what decides comes first. */
export function verifyEvidenceFile(options: VerifyFileOptions): Result<VerifyResult> {
  const opened = openEvidenceFile(options.path)
  if (!opened.ok) return opened
  const file = opened.value
  const faults = createFaultList(options.faultsMax ?? 100)
  const folder = mkdtempSync(join(options.workFolder, 'chuangping-verify-'))
  try {
    const { words, uncoveredFrom } = readWords(file, faults)
    const path = join(folder, 'prompts.sqlite')
    const conservation = createConservation({ path, report: faults.add, hasGaps: words.hasGaps })
    const key = options.collectorKey ?? file.key
    const result = checkFile(file, { ...options, key, words, uncoveredFrom, faults, conservation })
    const notes: VerifyNote[] = [
      ...(options.collectorKey ? [] : [{ code: 'key-from-the-file' } as const]),
      { code: 'tables-not-compared' },
    ]
    const { entries, batches, bytes, newest } = result
    const prompts = conservation.finish()
    const found = { faults: faults.list(), faultCount: faults.count() }
    return ok({ entries, batches, bytes, chains: newest.length, prompts, notes, ...found })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** What the collector says of its boxes, and where the last digest stands. */
function readWords(file: EvidenceFile, faults: FaultList): { words: OwnWords; uncoveredFrom: number } {
  const said: OwnWord[] = []
  let uncoveredFrom = 1
  readAll(file, faults, item => {
    if (boxOf(item) !== COLLECTOR_NAME) return
    forEachEntry(item, (position, kind, bytes) => {
      if (kind === 'digest') uncoveredFrom = item.first_position
      else if (kind !== 'case') said.push(...readOwnWord({ position, bytes: Buffer.from(bytes) }))
    })
  })
  return { words: createOwnWords(said), uncoveredFrom }
}

function checkFile(
  file: EvidenceFile,
  deps: VerifyFileOptions & {
    key: KeyObject
    words: OwnWords
    uncoveredFrom: number
    faults: FaultList
    conservation: Conservation
  },
): StretchResult {
  const { words, faults, conservation } = deps
  const signatures = createSignatureCheck(words, deps.key)
  const report = faults.add
  let current: BatchItem | undefined
  const rowAt = (box: string, epoch: Uint8Array, seq: number) =>
    current && rawOf(current).entries.find(row => row['seq'] === seq && row['box'] === box && isSameEpoch(row, epoch))
  const { diagnose } = createDiagnosis({ words, signatures, report, rowAt, evidence: () => [], isCovered: () => false })

  function onSignatureFaults(signed: Signed, codes: ReturnType<typeof signatures.faultsOf>) {
    for (const code of codes) report({ ...placeOfSigned(signed), ...signatureFault(code) })
  }

  function checkSingly(hall: string, from: number, to: number): boolean {
    let isAnyNamed = false
    readAll(file, faults, item => {
      if (item.first_position < from || item.first_position > to || hallOf(item) !== hall) return
      const signed = signedOf(item)
      const codes = signatures.faultsOf(signed)
      isAnyNamed ||= codes.length > 0
      onSignatureFaults(signed, codes)
    })
    return isAnyNamed
  }

  const check = createChainCheck({
    words,
    signatures,
    kinds: KINDS,
    from: 1,
    uncoveredFrom: deps.uncoveredFrom,
    everySignature: deps.everySignature ?? false,
    headBefore: () => undefined,
    diagnose: (_, expected) => diagnose(rawOf(current!), expected),
    onSignatureFaults,
    onDay: (due, said, at) => compareDigests(due, said, at, { report, checkSingly }),
    onKindFault: (code, position) => report({ code, table: 'evidence', position, detail: KIND_DETAILS[code] }),
  })
  let entries = 0
  readAll(file, faults, item => {
    current = item
    check.batch(item)
    const box = boxOf(item)
    if (box !== COLLECTOR_NAME) {
      forEachEntry(item, (position, kind, bytes) => conservation.add({ position, box, kind, bytes }))
    }
    entries += item.count
    deps.onProgress?.(entries)
  })
  const result = check.finish()
  for (const signed of result.newest) if (!signatures.isSigned(signed)) onSignatureFaults(signed, ['bad-signature'])
  return result
}

/** Reads to the end, or to where the file is none any more; that is a fault like any other. */
function readAll(file: EvidenceFile, faults: FaultList, take: (item: BatchItem) => void) {
  try {
    for (const item of file.batches()) take(item)
  } catch (error) {
    if (!(error instanceof EvidenceFileFault)) throw error
    faults.add({ code: error.code, table: 'evidence', detail: error.message })
  }
}

function forEachEntry(item: BatchItem, take: (position: number, kind: string, bytes: Buffer) => void) {
  let at = item.entriesAt
  for (let i = 0; i < item.count; i++) {
    const to = at + 32 + item.lengths[i]!
    take(item.first_position + i, scanKind(item.entries, at + 32, to) ?? '', item.entries.subarray(at + 32, to))
    at = to
  }
}

/** The batch as rows, so that what is wrong is named as it is in a store. */
function rawOf(item: BatchItem): RawBatch {
  const { blob, at, first_position, last_position, first_seq, last_seq, received_at } = item
  const part = (from: number, to: number) => Buffer.from(blob.subarray(at + from, at + to))
  const entryPart = (from: number, to: number) => Buffer.from(item.entries.subarray(from, to))
  const [box, epoch] = [boxOf(item), part(PARTS.epoch, PARTS.previous)]
  const numbers = { first_position, last_position, first_seq, last_seq, received_at }
  const row: RawRow = {
    ...numbers,
    box,
    epoch,
    hall: hallOf(item),
    previous: part(PARTS.previous, PARTS.signature),
    signature: part(PARTS.signature, PARTS.receipt),
    receipt: part(PARTS.receipt, PARTS.end),
  }
  const entries: RawRow[] = []
  let from = item.entriesAt
  for (let i = 0; i < item.count; i++) {
    const to = from + 32 + item.lengths[i]!
    const [hash, bytes] = [entryPart(from, from + 32), entryPart(from + 32, to)]
    entries.push({ position: first_position + i, box, epoch, seq: first_seq + i, hash, bytes, received_at })
    from = to
  }
  return { row, entries }
}

const isSameEpoch = (row: RawRow, epoch: Uint8Array) => isEqual(row['epoch'] as Uint8Array, epoch)
