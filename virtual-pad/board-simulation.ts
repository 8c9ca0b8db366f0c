import type { Board } from '#agent/pad/board.ts'
import { parseBytes } from '#agent/pad/bytes.ts'
import { GRADE_LABELS, GRADES, type Grade } from '#protocol/grades.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import { type KeyFault, TAP_MS } from './device.ts'
import { createFirmataReader, type Direction } from './firmata-words.ts'
import { createPacedUno } from './paced-uno.ts'
import { createPadLog } from './pad-log.ts'
import type { PtyLine } from './pty.ts'
import { DARK, type Shown } from './shown.ts'
import { type PadSimulation, type PadSurroundings, RAW, UNPLUGGED, type UnpluggedFault } from './simulation.ts'
import { UNO_PINS } from './uno.ts'

/** Between two keys. */
const FINGER_MS = 20

export interface BoardNotSimulatedFault {
  code: 'profile-not-simulated'
  detail: string
}

/**
 * A board of keys, lamps and a buzzer: a simulated Arduino that runs the real firmware, wired as the profile says.
 * Starts unplugged, without power.
 */
export function createBoardSimulation(
  deps: PadSurroundings & { board: Board },
): Result<PadSimulation, BoardNotSimulatedFault> {
  const { board, clock, profile } = deps
  const grades = GRADES.filter(grade => board.keys.some(({ meaning }) => meaning === grade))
  const highest = Math.max(...board.keys.map(({ pin }) => pin), ...board.lamps, board.buzzer ?? 0)
  if (highest >= UNO_PINS) {
    return fail(
      'profile-not-simulated',
      `引脚 ${highest}：模拟的 Arduino Uno 只有引脚 0–${UNO_PINS - 1}。Pin ${highest}: the simulated Arduino Uno has the pins 0 to ${UNO_PINS - 1}`,
    )
  }
  const log = createPadLog(clock.wallMs)
  let readers = newReaders()
  let line: PtyLine | null = null
  let devicePath = deps.devicePath ?? ''
  let isGarbled = false
  let held: Grade | null = null
  let isDown = false
  let cancelTouch = () => {}
  let seen = look()
  const uno = createPacedUno({ onBytes: send, onRan: lookAgain })
  for (const key of board.keys) wire(key.pin, false)

  /** What the key joins its pin to; what is wired beside it does where the board itself does not. */
  function wire(pin: number, isPressed: boolean) {
    const up = board.isPressedLow ? 1 : 0
    if (isPressed) uno.drive(pin, board.isPressedLow ? 0 : 1)
    else uno.drive(pin, board.isPressedLow && board.isPulledUp ? undefined : up)
  }

  function send(bytes: Uint8Array) {
    if (!line) return
    told('out', bytes)
    line.write(Uint8Array.from(isGarbled ? deps.garble(bytes) : bytes))
  }

  function received(bytes: Uint8Array) {
    const heard = Uint8Array.from(isGarbled ? deps.garble(bytes) : bytes)
    told('in', heard)
    uno.receive(heard)
  }

  function told(direction: Direction, bytes: Uint8Array) {
    const messages = readers[direction].push(bytes)
    for (const message of messages) log.frame({ direction, ...message })
    if (messages.length > 0) deps.onChange()
  }

  function look() {
    const isLit = (pin: number) => line !== null && uno.level(pin) === (board.isLampLitHigh ? 1 : 0)
    return {
      lit: board.lamps.map(isLit),
      isBuzzing: line !== null && board.buzzer !== null && uno.level(board.buzzer) === 1,
    }
  }

  function lookAgain() {
    const now = look()
    if (now.isBuzzing === seen.isBuzzing && now.lit.join() === seen.lit.join()) return
    seen = now
    if (line) log.command('lamps', describeSeen(board, seen))
    deps.onChange()
  }

  function touch(grade: Grade, isHeld: boolean): Result<undefined, KeyFault | UnpluggedFault> {
    if (!line) return UNPLUGGED
    const key = board.keys.find(({ meaning }) => meaning === grade)
    if (!key) return fail('key-not-on-this-pad', `${profile.id} has no key for this grade`)
    const wasDown = isDown
    leave()
    if (isHeld) held = grade
    // A finger that goes from key to key is between them for longer than a contact bounces.
    if (wasDown) cancelTouch = clock.after(2 * board.debounceMs + FINGER_MS, () => goDown(key.pin, isHeld))
    else goDown(key.pin, isHeld)
    deps.onChange()
    return ok()
  }

  function goDown(pin: number, isHeld: boolean) {
    isDown = true
    wire(pin, true)
    if (!isHeld) cancelTouch = clock.after(TAP_MS, leave)
  }

  function leave() {
    cancelTouch()
    held = null
    isDown = false
    for (const { pin } of board.keys) wire(pin, false)
  }

  function unplug() {
    leave()
    line?.unplug()
    line = null
    seen = look()
  }

  return ok({
    state: () => ({
      profile: { id: profile.id, title: profile.title },
      devicePath,
      plugged: line !== null,
      garbled: isGarbled,
      held,
      keys: grades.map(grade => ({ grade, label: GRADE_LABELS[grade] })),
      shown: shownBy(seen),
      lamps: lampsOf(board, seen),
      commands: log.commands(),
      frames: log.frames(),
    }),
    press: grade => touch(grade, false),
    hold: grade => touch(grade, true),
    release() {
      leave()
      deps.onChange()
    },
    setPlugged(isPlugged) {
      if (isPlugged === (line !== null)) return ok()
      if (!isPlugged) unplug()
      else {
        const opened = deps.openLine(received)
        if (!opened.ok) return opened
        line = opened.value
        devicePath = line.devicePath
        readers = newReaders()
        // It lives on the power of its cable.
        uno.reset()
      }
      deps.onChange()
      return ok()
    },
    setGarbled(isOn) {
      isGarbled = isOn
      deps.onChange()
    },
    sendRaw(hex) {
      if (!line) return UNPLUGGED
      const bytes = parseBytes(hex)
      log.frame({ direction: 'out', bytes, meaning: RAW })
      line.write(Uint8Array.from(isGarbled ? deps.garble(bytes) : bytes))
      deps.onChange()
      return ok()
    },
    close() {
      unplug()
      uno.stop()
    },
  })
}

const newReaders = () => ({ in: createFirmataReader('in'), out: createFirmataReader('out') })

interface Seen {
  lit: readonly boolean[]
  isBuzzing: boolean
}

function shownBy({ lit, isBuzzing }: Seen): Shown {
  return { ...DARK, lamp: lit.includes(true) ? 'on' : 'off', sound: isBuzzing ? 'beep' : 'silent' }
}

/** Where there are as many lamps as keys, each lamp is that of the key in its place. */
function lampsOf(board: Board, { lit }: Seen) {
  return board.lamps.map((pin, i) => {
    const meaning = board.lamps.length === board.keys.length ? board.keys[i]!.meaning : null
    return { pin, lit: lit[i]!, grade: GRADES.find(grade => grade === meaning) ?? null }
  })
}

function describeSeen({ lamps }: Board, { lit, isBuzzing }: Seen): Text {
  const pins = lamps.filter((_, i) => lit[i])
  return {
    zh: `${pins.length > 0 ? `引脚 ${pins.join('、')} 的灯亮` : '灯全灭'}${isBuzzing ? '，蜂鸣' : ''}`,
    en: `${pins.length > 0 ? `lamps lit at pins ${pins.join(', ')}` : 'all lamps dark'}${isBuzzing ? ', beeps' : ''}`,
  }
}
