import type { KeyObject } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { BOX_KINDS, ENTRY_KINDS } from '#protocol/entry.ts'
import type { AllowedKinds } from './chain-check.ts'
import { checkRange, placeOfSigned, type RangeDeps, type RangeOrder, type RangeReport } from './check-range.ts'
import { compareDigests } from './compare-digests.ts'
import { createDiagnosis, signatureFault } from './diagnose.ts'
import type { FaultList } from './fault.ts'
import { createOwnWords } from './own-words.ts'
import type { RangeWork } from './range-worker.ts'
import { readOwnWord } from './read-own-word.ts'
import { createSignatureCheck, type Signed } from './signatures.ts'
import type { StoreSource } from './store-source.ts'

export interface EvidenceOptions {
  path: string
  collectorKey: KeyObject
  everySignature: boolean
  faultsMax: number
  /** Threads; by default one for each core. A small store is checked on this one. */
  jobs?: number
  onProgress?(entries: number): void
}

export interface EvidenceCounts {
  entries: number
  batches: number
  bytes: number
  chains: number
}

export const KINDS: AllowedKinds = {
  box: BOX_KINDS,
  own: ENTRY_KINDS.filter(kind => !BOX_KINDS.includes(kind)),
}

/** Below this a thread takes longer to start than the work takes. */
const ENTRIES_PER_JOB_MIN = 20_000
/** More pieces than threads, so that none waits long for the last. */
const PIECES_PER_JOB = 6

/**
 * Checks the two tables of evidence: every hash, every link, every kind, every digest, the signature of the
 * newest batch of each epoch, and each signature that no digest covers.
 */
export async function checkEvidence(
  source: StoreSource,
  options: EvidenceOptions,
  faults: FaultList,
): Promise<EvidenceCounts> {
  const last = source.lastPosition()
  const ownWords = [...source.ownWords()].flatMap(readOwnWord)
  const uncoveredFrom = source.digestAt(last + 1, 'before') ?? 1
  const { everySignature, faultsMax, collectorKey } = options
  const jobs = options.jobs ?? Math.min(availableParallelism(), Math.floor(last / ENTRIES_PER_JOB_MIN) || 1)
  const orders: RangeOrder[] = cut(source, last, jobs > 1 ? jobs * PIECES_PER_JOB : 1).map(([from, to]) => {
    return { from, to, uncoveredFrom, everySignature, faultsMax, kinds: KINDS }
  })
  const words = createOwnWords(ownWords)
  const signatures = createSignatureCheck(words, collectorKey)
  const key = new Uint8Array(collectorKey.export({ format: 'der', type: 'spki' }))
  const work = { path: options.path, key, ownWords, orders, next: new Int32Array(new SharedArrayBuffer(4)) }
  const reports = await runAll(work, jobs, { source, words, signatures, onProgress: options.onProgress })
  for (const { faults: found } of reports) for (const fault of found) faults.add(fault)
  join(source, reports, last, { faults, signatures, words })
  const newest = newestOf(reports)
  for (const signed of newest) {
    if (signatures.isSigned(signed)) continue
    const codes = signatures.faultsOf(signed).filter(code => code !== 'bad-receipt')
    for (const code of codes) faults.add({ ...placeOfSigned(signed), ...signatureFault(code) })
  }
  const sum = (count: 'entries' | 'batches' | 'bytes') => reports.reduce((n, { result }) => n + result[count], 0)
  return { entries: sum('entries'), batches: sum('batches'), bytes: sum('bytes'), chains: newest.length }
}

/** Stretches that begin where a day does, so that each can add up its days by itself. */
function cut(source: StoreSource, last: number, pieces: number): [from: number, to: number][] {
  const starts = [1]
  for (let piece = 1; piece < pieces; piece++) {
    const start = source.digestAt(Math.floor((last * piece) / pieces) + 1, 'from')
    if (start !== undefined && start > starts.at(-1)!) starts.push(start)
  }
  return starts.map((from, i) => [i === 0 ? 1 : from, (starts[i + 1] ?? Number.MAX_SAFE_INTEGER) - 1])
}

/** What no stretch sees by itself: the joints between them, and what lies before the first and behind the last. */
function join(
  source: StoreSource,
  reports: readonly RangeReport[],
  last: number,
  deps: Pick<Parameters<typeof createDiagnosis>[0], 'words' | 'signatures'> & { faults: FaultList },
) {
  const { faults, words, signatures } = deps
  const report = faults.add
  const { uncovered } = createDiagnosis({ words, signatures, report, ...source })
  const BEFORE = Number.MIN_SAFE_INTEGER
  if (source.evidence(BEFORE, 0, 1).length > 0) uncovered(BEFORE, 0)
  for (const item of source.batches(BEFORE, 0)) {
    const detail = 'no batch begins before position 1'
    report({ code: 'batch-without-entries', table: 'batches', row: item.first_position, detail })
  }
  for (const [i, { result }] of reports.entries()) {
    const after = reports[i + 1]?.result
    const to = after ? after.from - 1 : last
    if (result.lastPosition < to) uncovered(result.lastPosition + 1, to)
    if (after) compareDigests(result.closing, after.opening, { position: after.from }, { report, checkSingly })
  }

  function checkSingly(hall: string, from: number, to: number): boolean {
    let isAnyNamed = false
    for (const signed of source.signed(hall, from, to)) {
      const codes = signatures.faultsOf(signed)
      isAnyNamed ||= codes.length > 0
      for (const code of codes) report({ ...placeOfSigned(signed), ...signatureFault(code) })
    }
    return isAnyNamed
  }
}

function newestOf(reports: readonly RangeReport[]): Signed[] {
  const newest = new Map<string, Signed>()
  for (const { result } of reports) for (const signed of result.newest) newest.set(signed.box + signed.epoch, signed)
  return [...newest.values()]
}

/**
 * Every thread takes the next stretch when it is done with one; this one too, while the others still start. The last
 * goes first: it has the signatures that no digest covers, and nobody should wait for it alone.
 */
async function runAll(work: RangeWork, jobs: number, deps: RangeDeps): Promise<RangeReport[]> {
  const { orders, next } = work
  const reports: RangeReport[] = []
  next[0] = orders.length - 1
  const others = Array.from({ length: Math.min(jobs, orders.length) - 1 }, () =>
    runOnThread(work, (i, report) => (reports[i] = report), deps.onProgress),
  )
  for (let i = Atomics.sub(next, 0, 1); i >= 0; i = Atomics.sub(next, 0, 1)) {
    reports[i] = checkRange(orders[i]!, deps)
    await new Promise(setImmediate)
  }
  await Promise.all(others)
  return reports
}

function runOnThread(
  workerData: RangeWork,
  onReport: (i: number, report: RangeReport) => void,
  onProgress: EvidenceOptions['onProgress'],
): Promise<void> {
  const worker = new Worker(new URL('./range-worker.ts', import.meta.url), { workerData })
  return new Promise((resolve, reject) => {
    worker.on('message', ({ entries, i, report }: { entries?: number; i: number; report?: RangeReport }) => {
      if (entries) onProgress?.(entries)
      if (report) onReport(i, report)
    })
    worker.on('error', reject)
    worker.on('exit', code => (code === 0 ? resolve() : reject(new Error(`a checking thread ended with ${code}`))))
  })
}
