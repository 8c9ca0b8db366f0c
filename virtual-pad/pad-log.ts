import { formatBytes } from '#agent/pad/bytes.ts'
import type { Text } from '#runtime/language.ts'
import type { DeviceFrame } from './device.ts'

export interface LoggedFrame {
  atMs: number
  direction: 'in' | 'out'
  hex: string
  meaning: Text
}

export interface LoggedCommand {
  atMs: number
  name: string
  meaning: Text
}

const LAST_MAX = 50

/** The last frames on the line and the last commands the pad was given; the rest is forgotten. */
export function createPadLog(wallMs: () => number) {
  let frames: readonly LoggedFrame[] = []
  let commands: readonly LoggedCommand[] = []
  return {
    frames: () => frames,
    commands: () => commands,
    frame({ direction, bytes, meaning }: DeviceFrame) {
      frames = [...frames, { atMs: wallMs(), direction, hex: formatBytes(bytes), meaning }].slice(-LAST_MAX)
    },
    command(name: string, meaning: Text) {
      commands = [...commands, { atMs: wallMs(), name, meaning }].slice(-LAST_MAX)
    },
  }
}
