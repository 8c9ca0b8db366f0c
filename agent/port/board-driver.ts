import type { Board } from '#agent/pad/board.ts'
import type { PadEvent } from '#agent/pad/codec.ts'
import type { Clock } from '#protocol/clock.ts'
import { createContactWatch } from './contact-watch.ts'
import { createFirmataBoard, type FirmataBoard } from './firmata-board.ts'
import {
  ASK_ANALOG_MAPPING,
  ASK_CAPABILITIES,
  ASK_FIRMWARE,
  ASK_VERSION,
  createFirmataFilter,
  kindOfMessage,
} from './firmata-messages.ts'
import type { CommandEnd, Ticket } from './line-queue.ts'
import type { PadDriver, PadDriverEvents, PadFault } from './pad-driver.ts'
import { createPadQuery } from './pad-query.ts'
import { ALL_DARK, createPatternPlayer } from './pattern-player.ts'

/** A board that runs already is asked after this, at least; one that has just been reset tells by itself. */
const GREET_MS = 300
const GREET_AGAIN_MS = 1_000
/** A boot loader and the version that some firmwares blink take a few seconds. */
const SILENT_AFTER_MS = 10_000
/** Longer than the answers to our own questions are on the way. */
const ANSWERS_MS = 1_500
/** Another board, or another sketch, may be plugged in one day. */
const NOT_FITTING_MS = 60_000
const UNSTEADY_AFTER_MS = 5_000
const HEALTH = { command: 'version', everyMs: 60_000, failuresMax: 2 }
const HEALTH_ANSWER_MS = 1_000

/**
 * Drives a microcontroller board of keys, lamps and a buzzer that runs StandardFirmata.
 *
 * It greets the board at every opening, whether it was just reset or has been running, sets its pins up anew,
 * waits until the keys have settled, and only then is ready. A board that starts again is set up again.
 */
export function createBoardDriver(
  deps: PadDriverEvents & {
    clock: Clock
    board: Board
    /** From the opening until a board that restarts then listens. */
    startUpMs: number
    stuckMs: number
    write(bytes: Uint8Array): void
    /** The library threw; ours to mend. */
    onFailure(error: unknown): void
  },
): PadDriver {
  const { board, clock } = deps
  let phase: 'closed' | 'greeting' | 'settling' | 'ready' = 'closed'
  let firmata: FirmataBoard | undefined
  let isStopped = false
  /** Counts the openings: what was loaded for one that is over is not greeted. */
  let openings = 0
  let isGreeted = false
  let isFaultTold = false
  let greetedMonoMs = 0
  let askedMonoMs = 0
  let versionCame: ((how: CommandEnd) => void) | undefined
  let cancelGreeting = () => {}
  let cancelSettling = () => {}

  const filter = createFirmataFilter({ onMessage: messageCame, onGarbage: bytes => deps.onGarbage('no-start', bytes) })
  const player = createPatternPlayer({ clock, show: step => firmata?.show(step) })
  const contacts = createContactWatch({
    clock,
    settleMs: board.settleMs,
    debounceMs: board.debounceMs,
    stuckMs: deps.stuckMs,
    onSettled: settled,
    onPressed: raw => deps.onEvent(meaningOf(board, raw)),
    onSeveral: deps.onSeveral,
    onHeld: deps.onHeld,
  })
  const query = createPadQuery({
    clock,
    profile: { poll: null, health: HEALTH },
    isArmed: () => false,
    send: (_, onEnd) => askVersion(onEnd),
    onSilent: () => fault('pad-silent'),
    onAlive: deps.onAlive,
  })

  function load() {
    return import('./firmata-libraries.ts').then(({ firmataLibraries }) => {
      if (isStopped) return
      firmata ??= createFirmataBoard(firmataLibraries, { board, write: deps.write, onError: deps.onFailure })
    })
  }

  function greet(delayMs = GREET_MS) {
    rest()
    phase = 'greeting'
    isGreeted = false
    greetedMonoMs = clock.monoMs()
    cancelGreeting = clock.after(delayMs, ask)
  }

  /** Again and again: the first bytes of a board may be the tail of a banner, and the library would wait for ever. */
  function ask() {
    if (clock.monoMs() - greetedMonoMs >= SILENT_AFTER_MS) tellFault('pad-silent')
    askedMonoMs = clock.monoMs()
    const more = isGreeted ? [ASK_CAPABILITIES, ASK_ANALOG_MAPPING] : []
    for (const question of [ASK_VERSION, ASK_FIRMWARE, ...more]) deps.write(question)
    cancelGreeting = clock.after(GREET_AGAIN_MS, ask)
  }

  function messageCame(message: Uint8Array) {
    if (phase === 'closed' || !firmata) return
    const kind = kindOfMessage(message)
    firmata.read(message)
    query.heard()
    if (kind === 'version') versionCame?.('answered')
    if (kind === 'firmware') firmwareCame()
    if (phase === 'greeting' && isGreeted && firmata.knowsPins()) setUp(firmata)
    if (kind === 'levels' && (phase === 'settling' || phase === 'ready')) {
      const down = firmata.down()
      if (down) contacts.seen(down)
    }
  }

  function firmwareCame() {
    if (phase === 'greeting') isGreeted = true
    else if (phase === 'ready' || clock.monoMs() - askedMonoMs > ANSWERS_MS) rebooted()
  }

  function rebooted() {
    deps.onCounted('pad-reboots')
    if (phase === 'ready') tellFault('pad-rebooted')
    greet()
    isGreeted = true
  }

  function setUp(own: FirmataBoard) {
    cancelGreeting()
    if (own.missingPins().length > 0) {
      tellFault('pad-not-fitting')
      return greet(NOT_FITTING_MS)
    }
    phase = 'settling'
    own.configure()
    cancelSettling = clock.after(board.settleMs + UNSTEADY_AFTER_MS, () => fault('pad-unsteady'))
  }

  function settled() {
    cancelSettling()
    phase = 'ready'
    isFaultTold = false
    query.start()
    deps.onReady(true)
  }

  function askVersion(onEnd: (how: CommandEnd) => void): Ticket {
    const end = (how: CommandEnd) => {
      cancelWait()
      versionCame = undefined
      onEnd(how)
    }
    const cancelWait = clock.after(HEALTH_ANSWER_MS, () => {
      deps.onCounted('pad-answers-missing')
      end('missing')
    })
    versionCame = end
    deps.write(ASK_VERSION)
    const cancel = () => {
      cancelWait()
      versionCame = undefined
    }
    return { cancel, completed: end }
  }

  function fault(reason: PadFault) {
    tellFault(reason)
    greet()
  }

  function tellFault(reason: PadFault) {
    if (!isFaultTold) deps.onFault(reason)
    isFaultTold = true
  }

  /** Stops all that goes on; where the keys stand is not known any more. */
  function rest() {
    cancelGreeting()
    cancelSettling()
    query.stop()
    player.stop()
    contacts.reset()
  }

  function close() {
    rest()
    filter.reset()
    phase = 'closed'
    isFaultTold = false
  }

  return {
    lineOpened() {
      close()
      const own = ++openings
      load().then(() => void (own === openings && greet(Math.max(GREET_MS, deps.startUpMs))), deps.onFailure)
    },
    lineLost() {
      openings += 1
      close()
    },
    bytesArrived: filter.push,
    othersSent() {},
    show(intent) {
      if (phase !== 'ready') return
      player.play(board.patterns[intent])
      if (intent === 'ask') deps.onListening()
    },
    isListening: () => phase === 'ready',
    stop() {
      if (phase === 'ready') firmata?.show(ALL_DARK)
      close()
      openings += 1
      isStopped = true
      firmata?.close()
    },
  }
}

function meaningOf(board: Board, raw: number): PadEvent {
  const meaning = board.keys.find(key => key.raw === raw)!.meaning
  if (meaning === 'declined' || meaning === 'no-rating') return { kind: meaning }
  if (meaning === 'unmapped') return { kind: 'key-unmapped', raw }
  return { kind: 'key', grade: meaning, raw }
}
