import { copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { stringify } from 'yaml'
import type { VerifyResult } from '#collector/verify/verify-store.ts'
import type { Grade } from '#protocol/grades.ts'
import type { DevelopmentIdentities } from '#provisioning/development.ts'
import { freePort } from '#scripts/ports.ts'
import { clockEnvironment, LINK } from './box.ts'
import type { Disk } from './disk.ts'
import type { ArrivedPrompt, ArrivedRating } from './ledger.ts'
import { createSupervised, type Ending, type Supervised } from './supervised.ts'

/** The collector, its disk, and what an auditor reads there. */
export interface Centre {
  readonly collector: Supervised
  readonly disk: Disk
  readonly store: string
  /** Reads what has arrived; undefined while the store cannot be read. */
  read(): Reading | undefined
  /** Copies the store, as a backup of a stopped collector does. */
  backUp(): Promise<void>
  /** Puts the last backup in the place of the store; false when there is none. */
  restore(): Promise<boolean>
  /** `chuangping verify`, in this process. */
  verify(): Promise<VerifyResult>
  setClock(offsetS: number): boolean
  stop(): Promise<void>
}

export interface Reading {
  ratings: ArrivedRating[]
  prompts: ArrivedPrompt[]
  /** Entries that are evidence and not yet in the tables. */
  behind: number
  /** What the centre itself holds against the boxes: gaps, findings, contradictions, refused batches. */
  anomalies: string[]
  /** Journals that boxes began anew. */
  renewed: number
}

export async function startCentre(deps: {
  dir: string
  disk: Disk
  identities: DevelopmentIdentities
  /** An external broker; else the collector brings its own at `port`. */
  broker: { url: string } | { port: number }
  hasClock: boolean
  onUnasked(ending: Ending): void
}): Promise<Centre> {
  const { dir, disk, identities, broker, hasClock } = deps
  const store = join(disk.path, 'store', 'collector.sqlite')
  const backup = join(dir, 'backup.sqlite')
  const clockFile = join(dir, 'collector.clock')
  if (hasClock) writeFileSync(clockFile, '+0\n')
  const configuration = join(dir, 'collector.yaml')
  const own = { key: join(identities.broker, 'broker.key'), cert: join(identities.broker, 'broker.crt') }
  writeFileSync(
    configuration,
    stringify({
      store,
      identity: identities.collector,
      keys: join(dir, 'api-keys.yaml'),
      api: { port: await freePort() },
      broker: {
        ...('url' in broker ? broker : { embedded: { host: '127.0.0.1', port: broker.port, ...own } }),
        link: LINK,
      },
    }),
  )
  const collector = createSupervised({
    name: 'collector',
    args: ['collector', 'run', '--config', configuration],
    ...(hasClock ? { env: clockEnvironment(clockFile) } : {}),
    onEnd() {},
    onUnasked: deps.onUnasked,
  })

  return {
    collector,
    disk,
    store,
    read: () => readStore(store),
    async backUp() {
      const release = await collector.hold()
      // A store that was never opened has nothing to lose.
      if (existsSync(store)) {
        settle(store)
        copyFileSync(store, backup)
      }
      release()
    },
    async restore() {
      if (!existsSync(backup)) return false
      const release = await collector.hold()
      for (const part of ['', '-wal', '-shm']) rmSync(store + part, { force: true })
      copyFileSync(backup, store)
      release()
      return true
    },
    async verify() {
      const [{ verifyStore }, { readIdentityOf }] = await Promise.all([
        import('#collector/verify/verify-store.ts'),
        import('#cli/collector-files.ts'),
      ])
      const identity = await readIdentityOf(configuration)
      if (!identity.ok) throw new Error(identity.error.detail)
      const verified = await verifyStore({ ...identity.value, everySignature: true, workFolder: dir, jobs: 1 })
      if (!verified.ok) throw new Error(verified.error.detail)
      return verified.value
    },
    setClock(offsetS) {
      if (hasClock) writeFileSync(clockFile, `${offsetS < 0 ? '' : '+'}${offsetS}\n`)
      return hasClock
    },
    async stop() {
      await collector.stop()
      await disk.close()
    },
  }
}

/** Moves what is in the log into the file. */
function settle(store: string): void {
  const database = new Database(store)
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
}

function readStore(store: string): Reading | undefined {
  if (!existsSync(store)) return undefined
  let database: Database.Database | undefined
  try {
    database = new Database(store, { readonly: true, timeout: 1_000 })
    return database.transaction(readTables)(database)
  } catch (error) {
    // Not made yet, or its disk has just failed.
    if (error instanceof Database.SqliteError) return undefined
    throw error
  } finally {
    database?.close()
  }
}

function readTables(database: Database.Database): Reading {
  const all = <T>(sql: string) => database.prepare(sql).all() as T[]
  const [{ behind }] = all<{ behind: number }>(
    'SELECT coalesce((SELECT max(position) FROM evidence), 0) - (SELECT position FROM projection_cursor) AS behind',
  ) as [{ behind: number }]
  const [{ renewed }] = all<{ renewed: number }>('SELECT count(*) - count(DISTINCT box) AS renewed FROM epochs') as [
    { renewed: number },
  ]
  return {
    behind,
    renewed,
    ratings: all<{ case: string | null; grade: Grade | null; box: string }>(
      `SELECT p.case_number AS "case", r.grade AS grade, r.box AS box FROM ratings r
       LEFT JOIN prompts p ON p.box = r.box AND p.prompt = r.prompt ORDER BY r.position`,
    ).map(row => ({ case: row.case ?? `(no prompt at ${row.box})`, grade: row.grade })),
    prompts: all<{ case: string | null; prompt: string; outcome: string | null }>(
      'SELECT case_number AS "case", lower(hex(prompt)) AS prompt, outcome FROM prompts',
    ).map(row => ({ ...row, case: row.case ?? `(prompt ${row.prompt})` })),
    anomalies: ANOMALIES.flatMap(([what, sql]) => all<{ told: string }>(sql).map(({ told }) => `${what}: ${told}`)),
  }
}

const ANOMALIES = [
  ['gap', `SELECT box || ' ' || from_seq || '–' || to_seq AS told FROM gaps`],
  ['finding', `SELECT box || ' ' || code AS told FROM findings`],
  ['oddity', `SELECT box || ' ' || code || ' at ' || position AS told FROM oddities`],
  ['quarantine', `SELECT box || ' ' || code || ' ' || detail AS told FROM quarantine`],
  [
    'epoch',
    `SELECT box || ' ' || origin || ', missing ' || missing AS told FROM epochs
     WHERE origin = 'unexplained' OR missing > 0`,
  ],
] as const
