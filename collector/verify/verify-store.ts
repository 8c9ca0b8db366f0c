import type { KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createOpening, type Opening } from '#collector/opening/opening.ts'
import { createScratchStore } from '#collector/store/scratch-store.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import { checkEvidence } from './check-evidence.ts'
import { checkCursor, checkMigrationTimes, checkQuarantineBytes, checkSchema, comparedTables } from './check-tables.ts'
import { compareTable } from './compare-tables.ts'
import { createConservation, type PromptCounts } from './conserve.ts'
import { deriveTables } from './derive.ts'
import { createFaultList, type FaultList, type VerifyFault } from './fault.ts'
import { createOwnWords } from './own-words.ts'
import { readOwnWord } from './read-own-word.ts'
import { openStoreSource, type StoreSource } from './store-source.ts'

export const VERIFY_STAGES = ['evidence', 'tables', 'comparison'] as const
export type VerifyStage = (typeof VERIFY_STAGES)[number]

/** What was not checked, or what a person should know beside the faults. */
export type VerifyNote =
  | { code: 'grades-not-opened' }
  | { code: 'tables-behind'; entries: number }
  | { code: 'key-from-the-file' }
  | { code: 'tables-not-compared' }

export interface VerifyResult {
  entries: number
  batches: number
  chains: number
  /** Bytes hashed for the entries' own hashes. */
  bytes: number
  prompts: PromptCounts
  notes: VerifyNote[]
  faults: VerifyFault[]
  /** How many there are; `faults` ends at the limit. */
  faultCount: number
}

export interface VerifyStoreOptions {
  path: string
  /** The collector's public key: its own chain and every receipt are signed with it. */
  collectorKey: KeyObject
  /** Without them grades are compared as sealed only. */
  openingKeys?: readonly KeyObject[]
  everySignature?: boolean
  faultsMax?: number
  /** Where what is derived is worked out; it takes as much room as the tables do. */
  workFolder: string
  jobs?: number
  onProgress?(stage: VerifyStage, done: number, total: number): void
}

const FAULTS_MAX = 100

/** Checks a store from end to end, reading only. Memory does not grow with the number of entries. */
export async function verifyStore(options: VerifyStoreOptions): Promise<Result<VerifyResult>> {
  let source: StoreSource | undefined
  const folder = mkdtempSync(join(options.workFolder, 'chuangping-verify-'))
  try {
    source = openStoreSource(options.path)
    return ok(await verifySource(source, options, folder))
  } catch (error) {
    if (!(error instanceof Database.SqliteError || isSystemError(error))) throw error
    return fail('store-not-readable', `${options.path}: ${(error as Error).message}`)
  } finally {
    source?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function verifySource(source: StoreSource, options: VerifyStoreOptions, folder: string): Promise<VerifyResult> {
  const { faultsMax = FAULTS_MAX, openingKeys, everySignature = false } = options
  const faults = createFaultList(faultsMax)
  const scratch = await createScratchStore(join(folder, 'derived.sqlite'))
  try {
    checkSchema(source.raw, scratch.schema, faults.add)
    const tables = comparedTables(scratch.schema, openingKeys !== undefined)
    const total = source.lastPosition()
    const tick = (stage: VerifyStage) => {
      let done = 0
      return (more: number) => {
        done += more
        options.onProgress?.(stage, done, total)
      }
    }
    const counts = await checkEvidence(
      source,
      { ...options, everySignature, faultsMax, onProgress: tick('evidence') },
      faults,
    )
    const cursor = checkCursor(source, faults.add)
    const prompts = await derive(source, scratch, {
      folder,
      faults,
      projectedTo: cursor.projectedTo,
      opening: openingKeys ? await createOpening(openingKeys) : SEALED_ONLY,
      onProgress: tick('tables'),
    })
    for (const [i, table] of tables.entries()) {
      compareTable(table, { stored: source.raw, derived: scratch.raw }, faults.add)
      options.onProgress?.('comparison', i + 1, tables.length)
    }
    checkQuarantineBytes(source.raw, faults.add)
    checkMigrationTimes(source.raw, faults.add)
    const notes: VerifyNote[] = [
      ...(openingKeys ? [] : [{ code: 'grades-not-opened' } as const]),
      ...(cursor.behind > 0 ? [{ code: 'tables-behind', entries: cursor.behind } as const] : []),
    ]
    return { ...counts, prompts, notes, faults: faults.list(), faultCount: faults.count() }
  } finally {
    await scratch.close()
  }
}

async function derive(
  source: StoreSource,
  scratch: Awaited<ReturnType<typeof createScratchStore>>,
  deps: {
    folder: string
    faults: FaultList
    projectedTo: number
    opening: Opening
    onProgress(entries: number): void
  },
): Promise<PromptCounts> {
  const words = createOwnWords([...source.ownWords()].flatMap(readOwnWord))
  const report = deps.faults.add
  const conservation = createConservation({ path: join(deps.folder, 'prompts.sqlite'), report, hasGaps: words.hasGaps })
  await deriveTables({ source, scratch, conservation, report, ...deps })
  return conservation.finish()
}

/** Stands where the opening keys are not: what depends on the answer is not compared. */
const SEALED_ONLY: Opening = { open: () => Promise.resolve(ok({ grade: 'satisfied' } as const)) }

const isSystemError = (error: unknown) => typeof (error as NodeJS.ErrnoException).code === 'string'
