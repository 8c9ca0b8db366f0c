import type { Kysely } from 'kysely'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import type { UpKind } from '#protocol/topics.ts'
import type { Logger } from '#runtime/logger.ts'
import type { EventHub } from './api/events.ts'
import type { Verbs } from './api/verbs.ts'
import type { BrokerLink } from './broker/link.ts'
import { createPrompts } from './cases/prompts.ts'
import { createRegisterService, entryTime } from './cases/register-service.ts'
import { findService, listPool, listServices } from './cases/service-views.ts'
import type { Counters } from './counters.ts'
import { findBox, listBoxes } from './fleet/box-views.ts'
import { type BoxCertificate, createEnrolments, watchBoxCertificates } from './fleet/enrolments.ts'
import { createFleet } from './fleet/fleet.ts'
import { readHealth } from './health.ts'
import type { CollectorIdentity } from './identity.ts'
import { createCommitter } from './ingest/committer.ts'
import { createIngest } from './ingest/ingest.ts'
import { createOpening } from './opening/opening.ts'
import { reopenRatings } from './opening/reopen.ts'
import type { Touched } from './projection/projected.ts'
import { createProjector } from './projection/projector.ts'
import { listQuarantine, quarantine, viewQuarantine } from './store/quarantine.ts'
import { createStoreWatch } from './store/store-watch.ts'
import type { Tables } from './store/tables.ts'

/** The collector without its edges: what arrives goes in, verbs come out. */
export interface Core {
  verbs: Verbs
  messageArrived(kind: UpKind, box: string, payload: Uint8Array): void
  /** Receipts and prompt requests go out by this link. */
  connect(link: BrokerLink): void
  /** Writes to the collector's own chain which key a box signs with, unless it is known. */
  enrol(certificate: BoxCertificate): Promise<void>
  /** Enrols every box whose certificate is in the folder, now and later. */
  enrolFrom(folder: string): Promise<void>
  /** Resolves when what has arrived is dealt with, and projected. */
  settled(): Promise<void>
  close(): Promise<void>
}

export async function createCore(deps: {
  db: Kysely<Tables>
  clock: Clock
  randomBytes: RandomBytes
  log: Logger
  counters: Counters
  events: EventHub
  identity: CollectorIdentity
}): Promise<Core> {
  const { db, clock, randomBytes, log, counters, events, identity } = deps
  const enrolments = createEnrolments()
  const watch = createStoreWatch({ clock, log })
  let link: BrokerLink | undefined
  let certificates: { stop(): Promise<void> } | undefined

  let telling = Promise.resolve()
  const fleet = createFleet({ clock, onChanged: box => tell({ boxes: new Set([box]) }) })
  let reopening = Promise.resolve()
  const opening = await createOpening(identity.openingKeys, {
    reread: () => identity.rereadOpeningKeys?.(),
    onKeys: reopen,
    onMissing: key => log.error({ key }, 'opening-key-missing'),
  })
  const projector = createProjector({
    db,
    opening,
    onProjected(touched) {
      for (const [box, key] of touched.keys) enrolments.add(box, key)
      tell(touched)
    },
    onRefused: watch.refusedAndWait,
  })
  reopen()
  for (const { box, key } of await db.selectFrom('boxes').select(['box', 'key']).execute()) {
    if (key) enrolments.add(box, key)
  }
  const ingest = createIngest({
    clock,
    counters,
    committer: await createCommitter({ db, randomBytes, signingKey: identity.signingKey }),
    keyOf: enrolments.keyOf,
    publishReceipt: (box, bytes) => link?.send(box, 'receipt', bytes),
    onCommitted: projector.committed,
    onRefused: watch.refused,
    onStored: watch.stored,
    async quarantine(refused) {
      const row = await quarantine(db, refused, clock.wallMs())
      if (row.times === 1) log.warn({ box: row.box, code: row.code }, 'batch-quarantined')
      events.send({ kind: 'quarantine', item: viewQuarantine(row) })
    },
  })

  /** Opens what waits for an opening key, behind whatever else is being done. */
  function reopen() {
    reopening = reopening
      .then(() => reopenRatings(db, opening))
      .then(ratings => {
        if (ratings.size > 0) log.info({ ratings: ratings.size }, 'ratings-reopened')
        tell({ ratings })
      })
      .catch(error => void watch.refused(error))
  }

  /** Tells live pages, one change after the other; nobody watching costs nothing. */
  function tell(touched: Partial<Touched>) {
    if (events.hasWatchers()) telling = telling.then(() => tellAll(touched))
  }

  async function tellAll({ services = new Map(), ratings = new Set(), boxes = new Set() }: Partial<Touched>) {
    for (const { case: caseNumber, service } of services.values()) {
      const item = await findService(db, caseNumber, service)
      if (item) events.send({ kind: 'service', item })
    }
    if (ratings.size > 0) {
      for (const item of await listPool(db, ratings.size, [...ratings])) events.send({ kind: 'pool', item })
    }
    for (const box of boxes) events.send({ kind: 'box', item: await findBox(db, fleet, box) })
  }

  async function enrol({ box, key }: BoxCertificate) {
    if (enrolments.isKnown(box, key)) return
    const entry = { kind: 'enrolment', time: entryTime(clock), body: { box, key } } as const
    const written = await ingest.write({ entry })
    if (!written.ok) return log.error({ box, code: written.error.code }, 'box-not-enrolled')
    enrolments.add(box, key)
    log.info({ box }, 'box-enrolled')
  }

  const verbs: Verbs = {
    registerService: createRegisterService({ db, clock, ingest }),
    listServices: (limit, before) => listServices(db, limit, before),
    findService: (caseNumber, service) => findService(db, caseNumber, service),
    prompts: createPrompts({
      signingKey: identity.signingKey,
      db,
      clock,
      randomBytes,
      fleet,
      isLinkUp: () => link?.isUp() ?? false,
      send: (box, bytes) => link?.send(box, 'prompt', bytes),
    }),
    listBoxes: () => listBoxes(db, fleet),
    listPool: limit => listPool(db, limit),
    listQuarantine: async limit => (await listQuarantine(db, limit)).map(viewQuarantine),
    health: () => readHealth({ db, fleet, counters, watch, isLinkUp: () => link?.isUp() ?? false }),
  }

  return {
    verbs,
    messageArrived(kind, box, payload) {
      if (kind === 'batch') {
        fleet.seen(box)
        return ingest.accept(box, payload)
      }
      const taken = fleet.statusArrived(box, payload)
      if (!taken.ok) counters.add('statuses-refused', taken.error.code)
    },
    connect(given) {
      link = given
    },
    enrol,
    async enrolFrom(folder) {
      // Only then is it known which key of a box is its latest.
      await projector.caughtUp()
      certificates = await watchBoxCertificates({
        folder,
        ca: identity.ca,
        onCertificate: enrol,
        onRefused: (box, { code, detail }) => log.error({ box, code, detail }, 'box-certificate-refused'),
      })
    },
    async settled() {
      await ingest.settled()
      await projector.caughtUp()
      await reopening
      await telling
    },
    async close() {
      await certificates?.stop()
      await ingest.stop()
      await projector.stop()
      await reopening
      await telling
    },
  }
}
