import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'
import { FORMAT_BEGAN_MS } from '#protocol/clock.ts'
import { fromHex, toHex } from '#protocol/codec.ts'
import type { Entry, EntryBody, EntryKind, EntryTime } from '#protocol/entry.ts'
import type { Presence } from '#protocol/presence.ts'
import { type Fault, ok, type Result } from '#protocol/result.ts'
import { createSealer } from '#protocol/sealing.ts'
import type { DownKind } from '#protocol/topics.ts'
import { collectYoung } from '#runtime/collect-young.ts'
import { durationMs } from '#runtime/duration.ts'
import type { EventLog } from '#runtime/event-log.ts'
import { linkTiming } from '#runtime/link-settings.ts'
import type { TrueTime } from '#runtime/peer-certificate.ts'
import { sizeBytes } from '#runtime/size.ts'
import { createSystemClock } from '#runtime/system-clock.ts'
import packageJson from '../package.json' with { type: 'json' }
import type { Agent } from './agent.ts'
import { createAnchors } from './clock/anchors.ts'
import { createCollectorTime, type TimeWord } from './clock/collector-time.ts'
import { createEntryTimes } from './clock/entry-times.ts'
import { createTimeQuestion } from './clock/time-question.ts'
import type { AgentConfiguration } from './configuration.ts'
import { type DrivenPads, drivePads } from './drive-pads.ts'
import { createCounters } from './health/counters.ts'
import { loadIdentity } from './identity.ts'
import { createIdleCheckpoint } from './journal/idle-checkpoint.ts'
import { type JournalLimits, openJournal } from './journal/journal.ts'
import { createRoomWatch } from './journal/room-watch.ts'
import { serveOutOfService } from './out-of-service.ts'
import type { PanelState } from './panel/app.ts'
import { createPairing } from './panel/pairing.ts'
import { pairingFile, servePanel } from './panel/serve.ts'
import { linesRead } from './port/lines-read.ts'
import { createDesk, type WindowView } from './rating/desk.ts'
import { readPromptOrder } from './rating/prompt-requests.ts'
import type { AgentSettings } from './settings.ts'
import { createMqttLink } from './uplink/mqtt-link.ts'
import { createParcels } from './uplink/parcels.ts'
import { openStaffSocket, staffSocketPath } from './uplink/staff-socket.ts'
import { createUplink } from './uplink/uplink.ts'
import { builtInPages } from './windows.ts'

export const AGENT_VERSION = packageJson.version

const CORRECTIONS_MAX = 5
/** Read at every start, which waits for it: more than a busy day of one window. */
const PAST_ENTRIES_MAX = 1000

/**
 * Starts one box. Needs neither network nor time nor collector: what is missing is waited for.
 * `onFatal` is called when the journal refuses a write, or must begin anew: the caller must end the process,
 * because after an I/O error the handle cannot be trusted.
 */
export async function startAgent(deps: {
  settings: AgentSettings
  /** Folder that relative paths of the configuration start from. */
  base: string
  log: EventLog
  onFatal(error: unknown): void
}): Promise<Result<Agent>> {
  const { base, log } = deps
  const { configuration, enrolment, windows } = deps.settings
  const clock = createSystemClock()
  const identity = loadIdentity(resolve(base, configuration.identity), enrolment)
  if (!identity.ok) return identity
  const { box, receiptKey } = identity.value
  const folder = resolve(base, configuration.journal)
  const outOfService = (why: Fault) => serveOutOfService({ ...deps, clock, box, folder, why })
  const opened = openJournal({ directory: folder, box, clock, randomBytes, limits: limitsOf(configuration.storage) })
  if (!opened.ok) return opened.error.code === 'journal-not-writable' ? await outOfService(opened.error) : opened
  const journal = opened.value
  const older = journal.past().map(chain => ({ epoch: toHex(chain.epoch), backlog: chain.backlog() }))
  if (older.length > 0) log.warn({ older }, 'journal-salvaged')

  const collectorTime = createCollectorTime(clock)
  const timeQuestion = createTimeQuestion({ clock, randomBytes, box, collectorKey: receiptKey })
  const entryTimes = createEntryTimes()
  const anchors = createAnchors({ clock, collectorTime, append: body => append('anchor', body) })
  const counters = createCounters()
  const watchers = new Set<() => void>()
  const changed = () => {
    for (const notify of watchers) notify()
    beginAnewWhenIdle()
  }
  const stops: (() => Promise<void> | void)[] = [() => journal.close()]
  const room = createRoomWatch({
    clock,
    hasRoom: journal.hasRoom,
    onChange(isShort) {
      if (isShort) log.error('no-room')
      else log.info('room-again')
      desk.roomChanged(isShort)
      link.sendPresence(presence())
      // Where there is room again the ballast is made whole.
      idle.touched()
    },
    onFailure: journalFailed,
  })
  const idle = createIdleCheckpoint(clock, { checkpoint: tidy }, journalFailed)
  stops.unshift(idle.stop, room.stop)

  function tidy(): boolean {
    const isMore = journal.checkpoint()
    room.hasRoom()
    if (!isMore) collectYoung()
    return isMore
  }

  const uplink = createUplink({
    clock,
    journal,
    past: journal.past,
    box,
    boxKey: identity.value.boxKey,
    receiptKey,
    resend: { msMin: durationMs(configuration.link.resend), msMax: durationMs(configuration.link.resendMax) },
    sendBatch: bytes => link.sendBatch(bytes),
    onProgress() {
      if (uplink.backlog() === 0) link.sendPresence(presence())
      idle.touched()
      changed()
    },
    onCollectorTime(atWallMs, seq) {
      const sinceMonoMs = entryTimes.notAfter(seq)
      if (sinceMonoMs !== undefined) timeLearned({ atWallMs, sinceMonoMs }, 'receipt')
    },
    onResend: () => counters.add('batches-sent-again'),
    onContradicted() {
      if (mustBeginAnew) return
      log.error({ epoch: toHex(journal.epoch), seq: journal.receiptedSeq() }, 'journal-contradicted')
      journal.contradicted()
      mustBeginAnew = true
      beginAnewWhenIdle()
    },
    onFailure: journalFailed,
  })

  let mustBeginAnew = false
  let hasFailed = false

  /** The disk refused what nobody waited for: the desk learns it here. */
  function journalFailed(error: unknown) {
    if (hasFailed) return
    hasFailed = true
    log.fatal({ code: (error as { code?: string }).code }, 'journal-refused')
    desk.takeOutOfService()
    deps.onFatal(error)
  }

  /** The collector has another continuation of this journal; the next start begins a new one. */
  function beginAnewWhenIdle() {
    if (!mustBeginAnew || desk.windows().some(({ session }) => session.state !== 'idle')) return
    mustBeginAnew = false
    deps.onFatal(new Error('journal-contradicted'))
  }

  /** Every entry goes this way: on disk first, then, off the citizen's path, towards the collector. */
  function append<K extends EntryKind>(kind: K, body: EntryBody<K> | ((time: EntryTime) => EntryBody<K>)) {
    const monoMs = clock.monoMs()
    entryTimes.made(journal.append(kind, body).seq, monoMs)
    idle.touched()
    setImmediate(uplink.wake)
  }

  // What became of the prompts of the day, newest first.
  const past: Entry[] = []
  try {
    append('boot', { agent: AGENT_VERSION, ...(journal.origin && { origin: journal.origin }) })
    for (const { prompt } of journal.openPrompts) {
      append('outcome', { prompt, outcome: 'cancelled', reason: 'restarted' })
    }
    for (const { window, pad } of windows) {
      if (!pad.ok) continue
      const { id, version, hash } = pad.value.profile
      append('config', { window, profile: id, version: String(version), hash: fromHex(hash) })
    }
    for (const entry of journal.newestFirst()) {
      if (past.push(entry) >= PAST_ENTRIES_MAX) break
    }
  } catch (error) {
    // A disk that refuses says so with a code; anything else is our own fault.
    const { code, message } = error as { code?: string; message: string }
    if (!code) throw error
    for (const stop of stops) await stop()
    return await outOfService({ code: 'journal-not-writable', detail: `${code}: ${message}` })
  }

  let pads: DrivenPads | undefined
  const desk = createDesk({
    clock,
    randomBytes,
    journal: { append, hasRoom: room.hasRoom } as Parameters<typeof createDesk>[0]['journal'],
    sealer: await createSealer(identity.value.openingKey),
    box,
    rules: {
      askMs: durationMs(configuration.session.ask),
      undoMs: durationMs(configuration.session.undo),
      correctionsMax: CORRECTIONS_MAX,
    },
    windows: windows.map(({ window, profile, pad }) => ({
      window,
      profile,
      // Nothing comes from a pad at fault, so neither time matters then.
      holdOffMs: pad.ok ? pad.value.profile.behaviour.holdOffMs : 0,
      stuckMs: pad.ok ? pad.value.profile.behaviour.stuckAfterMs : 0,
      ...(!pad.ok && { fault: pad.error.code }),
      show: (intent, clerk) => pads?.show(window, intent, clerk),
    })),
    linesRead,
    past,
    onChange: changed,
    onIgnored: (_window, reason) => counters.add(reason),
    onRefused: code => counters.add(`prompt-refused-${code}`),
    onFatal: journalFailed,
  })
  stops.unshift(desk.stop)

  const link = createMqttLink({
    clock,
    random: Math.random,
    box,
    url: identity.value.brokerUrl,
    tls: identity.value.tls,
    timing: linkTiming(configuration.link),
    presence,
    trueTime,
    askTime: timeQuestion.ask,
    onDateOpen: () => log.warn('broker-taken-without-a-date'),
    onUp() {
      log.info({ backlog: uplink.backlog() }, 'link-up')
      uplink.linkUp()
      changed()
    },
    onDown(reason) {
      log.warn({ reason, backlog: uplink.backlog() }, 'link-down')
      uplink.linkDown()
      changed()
    },
    onMessage: (kind, bytes) => messageArrived(kind, bytes),
  })
  stops.unshift(link.stop, uplink.stop)

  function messageArrived(kind: DownKind, bytes: Uint8Array) {
    if (kind === 'receipt') {
      const taken = uplink.receiptArrived(bytes)
      if (taken.ok) return
      counters.add(taken.error.code)
      log.error({ code: taken.error.code, detail: taken.error.detail }, 'receipt-refused')
      return
    }
    if (kind === 'time') {
      const word = timeQuestion.answered(bytes)
      if (word.ok) timeLearned(word.value, 'session')
      else counters.add(word.error.code)
      return
    }
    const order = readPromptOrder(bytes, {
      box,
      collectorKey: receiptKey,
      nowWallMs: collectorTime.latestWallMs(),
    })
    if (!order.ok) {
      counters.add(order.error.code)
      log.warn({ code: order.error.code }, 'prompt-request-refused')
      return
    }
    desk.prompt(order.value).then(asked => {
      if (!asked.ok) log.warn({ code: asked.error.code }, 'prompt-refused')
    }, deps.onFatal)
  }

  function timeLearned(word: TimeWord, source: EntryBody<'anchor'>['source']) {
    collectorTime.learned(word)
    try {
      anchors.consider(source)
    } catch (error) {
      // Nobody waits for an anchor, so nobody else would hear of the disk.
      return journalFailed(error)
    }
    link.timeLearned()
  }

  /** The collector's word; before it the system's clock, where that says that it was set. */
  function trueTime(): TrueTime | undefined {
    const known = collectorTime.at(clock.monoMs())
    const wallMs = clock.wallMs()
    return known ?? (clock.isSynced() && wallMs >= FORMAT_BEGAN_MS ? { wallMs, errorMs: 0 } : undefined)
  }

  function presence(): Presence {
    const question = timeQuestion.open()
    const states = desk.windows().map(({ window, pad }) => ({ window, pad: stateToTell(window, pad.state) }))
    return {
      version: 1,
      online: true,
      agent: AGENT_VERSION,
      receipted: { epoch: journal.epoch, seq: journal.receiptedSeq() },
      ...(question && { question }),
      backlog: uplink.backlog(),
      windows: states,
    }
  }

  /** A pad that cannot be asked may be dead: nobody knows until somebody presses it. */
  function stateToTell(window: string, state: WindowView['pad']['state']): string {
    return state === 'ready' && !pads?.isProven(window) ? 'ready-unproven' : state
  }

  pads = drivePads(windows, {
    clock,
    desk,
    counters,
    log,
    onPad: () => link.sendPresence(presence()),
    onListening: changed,
    onFailure: deps.onFatal,
  })
  stops.unshift(pads.close)

  const state = (): PanelState => ({
    box,
    link: link.isUp() ? 'online' : 'offline',
    backlog: uplink.backlog(),
    windows: desk.windows().map(view => ({
      ...view,
      isListening: view.session.state === 'waiting' && (pads?.isListening(view.window) ?? false),
    })),
  })
  const panel = await servePanel(configuration.panel, {
    clock,
    desk,
    pairing: createPairing({ clock, randomBytes, ...pairingFile(join(folder, 'paired.json')) }),
    state,
    counters: counters.all,
    watch(onChange) {
      watchers.add(onChange)
      return () => watchers.delete(onChange)
    },
    allowedOrigins: configuration.panel.allowedOrigins,
    pages: builtInPages(),
  })
  if (!panel.ok) {
    for (const stop of stops) await stop()
    return panel
  }
  stops.unshift(panel.value.close)
  const parcels = createParcels({
    ...identity.value,
    chains: () => [...journal.past(), journal],
    receiptBrought: uplink.receiptBrought,
    onFailure: journalFailed,
  })
  const staff = await openStaffSocket(staffSocketPath(folder), parcels)
  // Carrying files is for the days without a link; a box that cannot do it still does everything else.
  if (staff.ok) stops.unshift(staff.value.close)
  else log.warn({ code: staff.error.code, detail: staff.error.detail }, 'staff-socket-not-open')
  log.info({ box, windows: windows.map(w => w.window), url: panel.value.url }, 'agent-started')

  return ok({
    url: panel.value.url,
    isInService: true,
    async close() {
      for (const stop of stops) await stop()
      log.info('agent-stopped')
    },
  })
}

function limitsOf(storage: AgentConfiguration['storage']): JournalLimits {
  return {
    receiptedMs: durationMs(storage.keepReceipted),
    storeBytes: sizeBytes(storage.entriesMax),
    ballastBytes: sizeBytes(storage.ballast),
  }
}
