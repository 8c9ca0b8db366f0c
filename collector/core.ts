import { hash } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock, RandomBytes } from '#protocol/clock.ts'
import { DEFAULT_HALL } from '#protocol/names.ts'
import type { Presence } from '#protocol/presence.ts'
import type { UpKind } from '#protocol/topics.ts'
import type { Logger } from '#runtime/logger.ts'
import type { EventHub } from './api/events.ts'
import type { Verbs } from './api/verbs.ts'
import type { BrokerLink } from './broker/link.ts'
import { countPrompts } from './cases/prompt-counts.ts'
import { createPrompts } from './cases/prompts.ts'
import { createRegisterService, findRegistered } from './cases/register-service.ts'
import { findService, listPool, listServices } from './cases/service-views.ts'
import type { Counters } from './counters.ts'
import { createDayTurn } from './digest/day-turn.ts'
import { listDigests } from './digest/list-digests.ts'
import { entryTime } from './entry-time.ts'
import { findBox, listBoxes } from './fleet/box-views.ts'
import { createDecisions } from './fleet/decisions.ts'
import { type BoxCertificate, createEnrolments, watchBoxCertificates } from './fleet/enrolments.ts'
import { findEnrolments } from './fleet/find-enrolments.ts'
import { createFleet } from './fleet/fleet.ts'
import { createRefusedAttempts } from './fleet/refused-attempts.ts'
import { findRevocations, type Revocations } from './fleet/revocations.ts'
import { type Revoker, startRevoker } from './fleet/revoker.ts'
import { createStanding } from './fleet/standing.ts'
import type { GapRule } from './gaps/gap-list.ts'
import { createGapWatch } from './gaps/gap-watch.ts'
import { readHealth } from './health.ts'
import type { CollectorIdentity } from './identity.ts'
import { answerStatus } from './ingest/answer-status.ts'
import { createCommitter } from './ingest/committer.ts'
import { createIngest } from './ingest/ingest.ts'
import { createParcelIntake } from './ingest/parcel-intake.ts'
import { createRefusalBook } from './ingest/refusal-book.ts'
import { createOpening } from './opening/opening.ts'
import { reopenRatings } from './opening/reopen.ts'
import type { Touched } from './projection/projected.ts'
import { createProjector } from './projection/projector.ts'
import { findQuarantined, listQuarantine, type Refused, viewQuarantine } from './store/quarantine.ts'
import type { Store } from './store/store.ts'
import { createStoreWatch } from './store/store-watch.ts'
import type { Tables } from './store/tables.ts'
import { answerQuestion } from './time/answer-question.ts'

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
  /** Takes boxes out of service as `revoked.yaml` says, now and whenever it changes. */
  watchRevoked(file: string): void
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
  revocations: Revocations
  /** Calls back for every change that the store's own rules refused. */
  onGuarded: Store['onGuarded']
  /** When a gap is given up, if otherwise than usual. */
  gapRule?: GapRule
}): Promise<Core> {
  const { db, clock, randomBytes, log, counters, events, identity, revocations } = deps
  const enrolments = createEnrolments()
  const watch = createStoreWatch({ clock, log })
  let link: BrokerLink | undefined
  let certificates: { stop(): Promise<void> } | undefined
  let revoker: Revoker | undefined

  let telling = Promise.resolve()
  let answering = Promise.resolve()
  const boxChanged = (box: string) => tell({ boxes: new Set([box]) })
  const fleet = createFleet({ clock, onChanged: boxChanged })
  const gaps = createGapWatch({
    db,
    clock,
    ...(deps.gapRule ? { rule: deps.gapRule } : {}),
    onGap: item => events.send({ kind: 'gap', item }),
    onBox: boxChanged,
  })
  const fleetView = { ...fleet, stalledSinceMs: gaps.stalledSinceMs }
  let reopening = Promise.resolve()
  const opening = await createOpening(identity.openingKeys, {
    reread: () => identity.rereadOpeningKeys?.(),
    onKeys: reopen,
    onMissing: key => log.error({ key }, 'opening-key-missing'),
  })
  const projector = createProjector({
    db,
    clock,
    areReceiptsDue: () => ingest.areReceiptsDue(),
    opening,
    onProjected(touched) {
      for (const [box, enrolment] of touched.keys) enrolments.add({ box, ...enrolment })
      tell(touched)
    },
    onRefused: watch.refusedAndWait,
  })
  reopen()
  for (const enrolment of await findEnrolments(db)) enrolments.add(enrolment)
  for (const revoked of await findRevocations(db)) revocations.add(revoked)
  const standing = createStanding(enrolments, revocations)
  const refusals = createRefusalBook({ db, clock, counters })
  const parcels = createParcelIntake({
    db,
    clock,
    signingKey: identity.signingKey,
    keys: standing,
    keyOf: opening.keyOf,
    accept: (box, bytes) => ingest.accept(box, bytes),
    settled: () => ingest.settled(),
  })
  const ingest = createIngest({
    clock,
    counters,
    committer: await createCommitter({
      db,
      clock,
      randomBytes,
      signingKey: identity.signingKey,
      hallOf: enrolments.hallOf,
      mayPassGap: attempt => parcels.mayPassGap(attempt) || gaps.mayPass(attempt),
    }),
    keys: standing,
    onArrival(arrival) {
      gaps.arrived(arrival)
      parcels.arrived(arrival)
    },
    publishReceipt: (box, bytes) => link?.send(box, 'receipt', bytes),
    onCommitted: projector.committed,
    onRefused: watch.refused,
    onStored: watch.stored,
    refusals,
    onQuarantined(refused) {
      const { box, code } = refused
      if (code === 'provenance-not-allowed') attempts.note({ what: 'provenance', by: `box ${box}`, code })
      tellQuarantined(refused)
      parcels.quarantined(refused)
    },
  })
  const dayTurn = createDayTurn({ clock, turn: ingest.turnDay })

  const attempts = createRefusedAttempts({
    clock,
    counters,
    write: body => void ingest.write({ entry: { kind: 'refused', time: entryTime(clock), body } }),
  })
  deps.onGuarded(what => {
    attempts.note({ what, by: 'store', code: what === 'provenance' ? 'provenance-fixed' : 'append-only' })
  })
  revocations.onAdded(box => {
    if (!standing.isRevoked(box)) return
    // What it said of itself is not believed any more: no prompt goes there, nothing is waited for.
    fleet.statusArrived(box, new Uint8Array())
    gaps.forget(box)
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

  function tellQuarantined({ box, bytes }: Refused) {
    telling = telling.then(async () => {
      const row = await findQuarantined(db, box, hash('sha256', bytes, 'buffer'))
      if (!row) return
      const times = refusals.timesOf(row)
      if (times === 1) log.warn({ box, code: row.code }, 'batch-quarantined')
      events.send({ kind: 'quarantine', item: viewQuarantine({ ...row, times }) })
    })
  }

  /** Tells live pages, one change after the other; nobody watching costs nothing. */
  function tell(touched: Partial<Touched>) {
    if (events.hasWatchers()) telling = telling.then(() => tellAll(touched))
  }

  async function tellAll(touched: Partial<Touched>) {
    const { services = new Map(), ratings = new Set(), boxes = new Set(), gaps: lost = new Set() } = touched
    for (const { case: caseNumber, service } of services.values()) {
      const item = await findService(db, caseNumber, service)
      if (item) events.send({ kind: 'service', item })
    }
    if (ratings.size > 0) {
      for (const item of await listPool(db, ratings.size, [...ratings])) events.send({ kind: 'pool', item })
    }
    for (const box of boxes) events.send({ kind: 'box', item: await findBox(db, fleetView, box) })
    if (lost.size > 0) for (const item of await gaps.listLost([...lost])) events.send({ kind: 'gap', item })
  }

  async function enrol(certificate: BoxCertificate) {
    if (enrolments.isKnown(certificate)) return
    if (standing.isForbidden(certificate)) {
      return log.warn({ box: certificate.box }, 'revoked-certificate-not-enrolled')
    }
    const { box, key, hall = DEFAULT_HALL } = certificate
    const body = { box, key, ...(hall === DEFAULT_HALL ? {} : { hall }) }
    const written = await ingest.write({ entry: { kind: 'enrolment', time: entryTime(clock), body } })
    if (!written.ok) return log.error({ box, code: written.error.code }, 'box-not-enrolled')
    enrolments.add(certificate)
    log.info({ box, hall }, 'box-enrolled')
  }

  async function answer(box: string, presence: Presence | undefined) {
    const receipt = presence && (await answerStatus({ db, clock, signingKey: identity.signingKey }, box, presence))
    if (!receipt) return
    log.warn({ box }, 'box-has-more-receipts-than-entries-here')
    link?.send(box, 'receipt', receipt)
  }

  const verbs: Verbs = {
    registerService: createRegisterService({ db, clock, ingest }),
    listServices: (limit, before) => listServices(db, limit, before),
    findService: async (caseNumber, service) =>
      (await findService(db, caseNumber, service)) ?? (await findRegistered(db, caseNumber, service)),
    prompts: createPrompts({
      signingKey: identity.signingKey,
      db,
      clock,
      randomBytes,
      fleet,
      isLinkUp: () => link?.isUp() ?? false,
      send: (box, bytes) => link?.send(box, 'prompt', bytes),
    }),
    listBoxes: () => listBoxes(db, fleetView),
    listGaps: gaps.list,
    takeParcel: parcels.take,
    decisions: createDecisions({ db, clock, ingest, revocations }),
    countPrompts: query => countPrompts(db, query),
    noteRefused: attempts.note,
    listPool: limit => listPool(db, limit),
    listQuarantine: async limit =>
      (await listQuarantine(db, limit)).map(row => viewQuarantine({ ...row, times: refusals.timesOf(row) })),
    listDigests: day => listDigests(db, day),
    health: () => readHealth({ db, fleet, gaps, counters, watch, isLinkUp: () => link?.isUp() ?? false }),
  }

  return {
    verbs,
    messageArrived(kind, box, payload) {
      if (kind === 'batch') {
        fleet.seen(box)
        return ingest.accept(box, payload)
      }
      if (standing.isRevoked(box)) return counters.add('statuses-refused', 'box-revoked')
      const taken = fleet.statusArrived(box, payload)
      if (!taken.ok) return counters.add('statuses-refused', taken.error.code)
      // At once: what the box makes of the time is as good as the answer is quick.
      const time = taken.value && answerQuestion({ clock, signingKey: identity.signingKey }, box, taken.value)
      if (time) link?.send(box, 'time', time)
      const said = fleet.get(box)
      // A last will was written when the connection began, and what it says of the backlog is as old.
      if (said?.online) gaps.said(box, said.backlog)
      answering = answering.then(() => answer(box, taken.value)).catch(error => void watch.refused(error))
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
    watchRevoked(file) {
      revoker = startRevoker({ file, db, clock, log, revocations, ingest, caughtUp: projector.caughtUp })
    },
    async settled() {
      await revoker?.settled()
      await answering
      await ingest.settled()
      await projector.caughtUp()
      await reopening
      await telling
    },
    async close() {
      dayTurn.stop()
      gaps.stop()
      await certificates?.stop()
      await revoker?.stop()
      await answering
      await ingest.stop()
      await projector.stop()
      await reopening
      await telling
    },
  }
}
