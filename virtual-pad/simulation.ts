import { parseBytes } from '#agent/pad/bytes.ts'
import type { Profile } from '#agent/pad/profile.ts'
import type { Clock } from '#protocol/clock.ts'
import type { Grade } from '#protocol/grades.ts'
import { fail, ok, type Result } from '#protocol/result.ts'
import type { Text } from '#runtime/language.ts'
import type { DeviceFrame, DeviceModel, KeyFault, Shown } from './device.ts'
import { createPadLog, type LoggedCommand, type LoggedFrame } from './pad-log.ts'
import type { LinkFault, PtyLine } from './pty.ts'

/** Everything about the pad that its page shows; its surroundings are added by the server. */
export interface PadState {
  profile: { id: string; title: Text }
  devicePath: string
  plugged: boolean
  garbled: boolean
  held: Grade | null
  keys: readonly { grade: Grade; label: Text }[]
  shown: Shown
  /** The lamps of a board, in the order of its profile; `grade` is the key that the lamp belongs to. */
  lamps: readonly { pin: number; lit: boolean; grade: Grade | null }[]
  commands: readonly LoggedCommand[]
  frames: readonly LoggedFrame[]
}

export interface UnpluggedFault {
  code: 'unplugged'
  detail: string
}

export interface PadSimulation {
  state(): PadState
  press(grade: Grade): Result<undefined, KeyFault | UnpluggedFault>
  hold(grade: Grade): Result<undefined, KeyFault | UnpluggedFault>
  release(): void
  setPlugged(isPlugged: boolean): Result<undefined, LinkFault>
  setGarbled(isGarbled: boolean): void
  /** Sends bytes as they are. */
  sendRaw(hex: string): Result<undefined, UnpluggedFault>
  close(): void
}

export const RAW: Text = { zh: '手工发送', en: 'sent by hand' }

/** What a simulated pad is joined to. */
export interface PadSurroundings {
  profile: Profile
  clock: Pick<Clock, 'wallMs' | 'monoMs' | 'after'>
  openLine(onBytes: (bytes: Uint8Array) => void): Result<PtyLine, LinkFault>
  garble(bytes: Iterable<number>): number[]
  /** What a box would open, also while unplugged. */
  devicePath: string | undefined
  onChange(): void
}

/** Joins the model of a pad to a line, with the time that passes between them. Starts unplugged. */
export function createPadSimulation(deps: PadSurroundings & { device: DeviceModel }): PadSimulation {
  const { clock, device, profile } = deps
  const log = createPadLog(clock.wallMs)
  let line: PtyLine | null = null
  let devicePath = deps.devicePath ?? ''
  let isGarbled = false
  let cancelDue = () => {}
  let cancelSilence = () => {}

  function received(bytes: Uint8Array) {
    const heard = Uint8Array.from(isGarbled ? deps.garble(bytes) : bytes)
    take(device.receive(heard))
    cancelSilence()
    cancelSilence = clock.after(profile.behaviour.silenceMs, () => take(device.silence()))
  }

  /** Keeps what passed, sends what goes out, and waits for what is due next. */
  function take(passed: DeviceFrame[]) {
    for (const frame of passed) {
      const { direction, bytes, command, isRoutine } = frame
      if (!isRoutine) log.frame(frame)
      if (command && !isRoutine) log.command(command.name, command.meaning)
      if (direction === 'out') line?.write(Uint8Array.from(isGarbled ? deps.garble(bytes) : bytes))
    }
    cancelDue()
    const dueMonoMs = device.dueMonoMs()
    if (dueMonoMs !== null) {
      cancelDue = clock.after(Math.max(0, dueMonoMs - clock.monoMs()), () => take(device.due(clock.monoMs())))
    }
    if (passed.some(({ isRoutine }) => !isRoutine)) deps.onChange()
  }

  function touch(key: DeviceModel['press'], grade: Grade): Result<undefined, KeyFault | UnpluggedFault> {
    if (!line) return UNPLUGGED
    const pressed = key(grade, clock.monoMs())
    if (!pressed.ok) return pressed
    take(pressed.value)
    return ok()
  }

  function unplug() {
    cancelDue()
    cancelSilence()
    line?.unplug()
    line = null
    // The pad lives on the power of its cable.
    device.restart()
  }

  return {
    state: () => ({
      profile: { id: profile.id, title: profile.title },
      devicePath,
      plugged: line !== null,
      garbled: isGarbled,
      held: device.held(),
      keys: device.keys,
      shown: device.shown(),
      lamps: [],
      commands: log.commands(),
      frames: log.frames(),
    }),
    press: grade => touch(device.press, grade),
    hold: grade => touch(device.hold, grade),
    release() {
      take(device.release())
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
        take(device.start())
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
      take([{ direction: 'out', bytes: parseBytes(hex), meaning: RAW }])
      return ok()
    },
    close: unplug,
  }
}

export const UNPLUGGED = fail('unplugged', 'the pad is unplugged; plug it in first')
