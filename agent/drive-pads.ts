import { createPadCodec } from '#agent/pad/codec.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { Clock } from '#protocol/clock.ts'
import type { EventLog } from '#runtime/event-log.ts'
import type { Counters } from './health/counters.ts'
import { createFrameRing, type FrameRing } from './health/frame-ring.ts'
import { createBoardDriver } from './port/board-driver.ts'
import { betterName, findPort, foldersToWatch, nameOfPort, type WantedPort } from './port/find-port.ts'
import { createPadDriver, type PadDriver, type PadDriverEvents, type ShownIntent } from './port/pad-driver.ts'
import { createPadLine, type LinePlace, type PadLine } from './port/pad-line.ts'
import { explainFault, explainSharing } from './port/port-holders.ts'
import { createPortWatch } from './port/port-watch.ts'
import type { Desk } from './rating/desk.ts'
import type { ConfiguredWindow } from './windows.ts'

/** The pads of all windows, on their lines. */
export interface DrivenPads {
  /** `clerk`: who serves, to be shown before the question. */
  show(window: string, intent: ShownIntent, clerk?: string): void
  isListening(window: string): boolean
  /** Whether the window's pad has answered since it was last set up; false for a model that cannot be asked. */
  isProven(window: string): boolean
  close(): Promise<void>
}

interface Deps {
  clock: Clock
  desk: Desk
  counters: Counters
  log: EventLog
  onPad(): void
  onListening(): void
  /** Something threw that must not: ours to mend. */
  onFailure(error: unknown): void
}

/** One thing on a line: the pad of a window, or an output beside it. */
interface Member {
  window: string
  profile: Profile
  isOutput: boolean
  ring: FrameRing
  driver?: PadDriver
  isProven: boolean
  /** What an output has to show once it can. */
  intent: ShownIntent
  clerk: string | undefined
}

/** Opens every line that a window or an output needs, and joins what comes from it to the desk. */
export function drivePads(windows: readonly ConfiguredWindow[], deps: Deps): DrivenPads {
  const lines = new Map<string, { port: WantedPort; members: Member[] }>()
  const members: Member[] = []

  function place(window: string, isOutput: boolean, { profile, port }: { profile: Profile; port: WantedPort }) {
    const ring = createFrameRing(deps.clock)
    const member: Member = { window, profile, isOutput, ring, isProven: false, intent: 'idle', clerk: undefined }
    const line = lines.get(nameOfPort(port)) ?? { port, members: [] }
    lines.set(nameOfPort(port), line)
    line.members.push(member)
    members.push(member)
  }

  for (const { window, profile, pad, outputs } of windows) {
    if (pad.ok) place(window, false, pad.value)
    else deps.log.error({ window, profile, ...pad.error }, 'window-out-of-service')
    for (const output of outputs) {
      if (output.pad.ok) place(window, true, output.pad.value)
      else deps.log.error({ window, profile: output.profile, ...output.pad.error }, 'output-out-of-service')
    }
  }

  const opened = [...lines.values()].map(line => openLine(line.port, line.members, deps))
  const watch = createPortWatch({
    folders: foldersToWatch([...lines.values()].map(({ port }) => port)),
    onChange() {
      for (const line of opened) line.wake()
    },
  })
  const padOf = (window: string) => members.find(member => member.window === window && !member.isOutput)

  return {
    show(window, intent, clerk) {
      for (const member of members) {
        if (member.window !== window) continue
        member.intent = intent
        member.clerk = clerk
        member.driver?.show(intent, clerk)
      }
    },
    isListening: window => padOf(window)?.driver?.isListening() ?? false,
    isProven: window => padOf(window)?.isProven ?? false,
    async close() {
      watch.stop()
      await Promise.all(opened.map(line => line.close()))
    },
  }
}

function openLine(port: WantedPort, members: Member[], deps: Deps): PadLine {
  const { clock, log } = deps
  const [{ profile }] = members as [Member]
  const { baud: baudRate, ...settings } = profile.line
  const names = { windows: members.map(({ window }) => window), port: nameOfPort(port) }
  const tell = (trouble: object | undefined) => void (trouble && log.warn({ ...names, ...trouble }, 'port-in-trouble'))
  return createPadLine({
    clock,
    random: Math.random,
    settings: { path: () => findPort(port), baudRate, ...settings, opening: profile.opening },
    gapMs: profile.behaviour.gapMs,
    pads: members.map(member => linePlace => {
      member.driver = createDriver(member, linePlace, deps)
      return member.driver
    }),
    onOpen(path) {
      const better = port.kind === 'path' ? betterName(path) : undefined
      log.info({ ...names, path, ...(better && { better }) }, better ? 'line-open-by-a-name-that-changes' : 'line-open')
      explainSharing(path, profile.usb).then(tell, deps.onFailure)
    },
    onLost(fault, detail) {
      log.warn({ ...names, code: fault, detail }, 'line-lost')
      for (const member of members) lost(member, fault, deps)
      explainFault(port, fault, profile.usb).then(tell, deps.onFailure)
    },
  })
}

function createDriver(member: Member, place: LinePlace, deps: Deps): PadDriver {
  const { clock, desk } = deps
  const { profile, window, isOutput } = member
  const isArmed = () => desk.isArmed(window)
  const events = isOutput ? outputEvents(member, deps) : padEvents(member, place, deps)
  if (!profile.board) {
    return createPadDriver({
      ...events,
      clock,
      port: place,
      isArmed,
      profile,
      createCodec: () => createPadCodec(profile),
    })
  }
  return createBoardDriver({
    ...events,
    clock,
    write: place.write,
    board: profile.board,
    startUpMs: profile.opening.startUpMs,
    stuckMs: profile.behaviour.stuckAfterMs,
    onFailure: deps.onFailure,
  })
}

function padEvents(member: Member, place: LinePlace, deps: Deps): PadDriverEvents {
  const { counters, desk, log } = deps
  const { ring, window } = member
  const own = desk.window(window)
  return {
    onReady(isProven) {
      log.info({ window, isProven }, 'pad-ready')
      member.isProven = isProven
      own.padChanged('ready', isProven ? 'answered' : 'not-askable')
      deps.onPad()
    },
    onFault(fault) {
      log.warn({ window, code: fault, recent: ring.lines() }, 'pad-at-fault')
      lost(member, fault, deps)
    },
    onAlive: own.padAlive,
    onListening: deps.onListening,
    onEvent(event) {
      counters.add(`pad-${event.kind}`)
      if (event.kind === 'key') own.pressed(event.grade)
      else if (event.kind === 'key-unmapped') own.touched()
      else if (event.kind === 'declined') own.declined()
      else if (event.kind === 'error') counters.add(`pad-error-${event.error}`)
    },
    onHeld: own.held,
    onSeveral() {
      counters.add('pad-several-keys')
      own.touched()
    },
    onGarbage(reason, bytes) {
      if (!place.isJudge()) return
      counters.add(`garbage-${reason}`, bytes.length)
      ring.add(reason, bytes, desk.isArmed(window))
    },
    onCounted: name => counters.add(name),
  }
}

/** What goes wrong with an output is counted and told; its window works on. */
function outputEvents(member: Member, deps: Deps): PadDriverEvents {
  const { counters, desk, log } = deps
  const { profile, window } = member
  return {
    onReady(isProven) {
      log.info({ window, profile: profile.id, isProven }, 'output-ready')
      // It came in the middle of a prompt: it says so too.
      if (desk.isArmed(window)) member.driver?.show(member.intent, member.clerk)
    },
    onFault(fault) {
      counters.add('output-faults')
      log.warn({ window, profile: profile.id, code: fault }, 'output-at-fault')
    },
    onAlive() {},
    onListening() {},
    onHeld() {},
    onSeveral() {},
    onEvent: event => counters.add(`output-${event.kind}`),
    onGarbage: (reason, bytes) => counters.add(`output-garbage-${reason}`, bytes.length),
    onCounted: name => counters.add(name.replace('pad-', 'output-')),
  }
}

function lost(member: Member, reason: string, deps: Deps) {
  if (member.isOutput) return
  member.isProven = false
  deps.desk.window(member.window).padChanged('lost', reason)
  deps.onPad()
}
