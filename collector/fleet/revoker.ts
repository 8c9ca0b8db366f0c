import type { Kysely } from 'kysely'
import { entryTime } from '#collector/entry-time.ts'
import type { Ingest } from '#collector/ingest/ingest.ts'
import type { Tables } from '#collector/store/tables.ts'
import type { Clock } from '#protocol/clock.ts'
import type { Logger } from '#runtime/logger.ts'
import { findRevocations, type Revocations } from './revocations.ts'
import { type Revocation, watchRevoked } from './revoked-file.ts'

/** Takes boxes out of service as the file says: at once, and for ever by an entry of the collector's own chain. */
export interface Revoker {
  settled(): Promise<void>
  stop(): Promise<void>
}

export function startRevoker(deps: {
  file: string
  db: Kysely<Tables>
  clock: Clock
  log: Logger
  revocations: Revocations
  ingest: Pick<Ingest, 'write'>
  /** Resolves when everything committed is projected. */
  caughtUp(): Promise<void>
}): Revoker {
  const { db, clock, log, revocations } = deps
  let recording = Promise.resolve()
  let isStopped = false

  /** Only what the chain does not say yet: the file is read again at every start. */
  async function record(items: readonly Revocation[]) {
    await deps.caughtUp()
    const known = new Set((await findRevocations(db)).map(nameOf))
    for (const item of items) {
      if (known.has(nameOf(item)) || isStopped) continue
      const { box, serial, key, reason, atMs } = item
      const body = { box, serial, reason, at: atMs, ...(key ? { key } : {}) }
      const written = await deps.ingest.write({ entry: { kind: 'revocation', time: entryTime(clock), body } })
      if (written.ok) log.warn({ box, serial }, 'box-revoked')
      else log.error({ box, serial, code: written.error.code }, 'revocation-not-recorded')
    }
    await deps.caughtUp()
  }

  const watcher = watchRevoked({
    file: deps.file,
    onRevoked(items) {
      for (const item of items) {
        if (!revocations.isCertificateRevoked(item.box, item.serial)) revocations.add(item)
      }
      recording = recording.then(() => record(items))
    },
    onFault: fault => log.error({ ...fault }, 'revoked-file-not-readable'),
  })

  return {
    settled: () => recording,
    async stop() {
      isStopped = true
      watcher.stop()
      await recording
    },
  }
}

const nameOf = ({ box, serial }: Pick<Revocation, 'box' | 'serial'>) => `${box} ${serial}`
