import { formatBytes } from './bytes.ts'
import { decodeFrame } from './decode.ts'
import { decodeCommand, encodeCommand, encodeKey, fieldsFrame } from './encode.ts'
import { matchFrame } from './layout.ts'
import { addressOf, type Command, type Profile } from './profile.ts'
import type { ParameterValues } from './template.ts'

/** What a profile writes must be what it reads: every key and every command, out and back. Returns what is not. */
export function checkRoundTrips(profile: Profile): string[] {
  const address = addressOf(profile)
  const problems: string[] = []
  for (const event of profile.events) {
    for (const { bytes, raw, meaning } of event.keys) {
      const frame = profile.frames.find(({ name }) => name === event.frame)!
      const match = matchFrame(frame, encodeKey(profile, event, bytes, address))
      const found = match.kind === 'frame' ? decodeFrame(profile, frame, match.fields, address).event : undefined
      const isRight =
        found?.kind === 'key' ? found.grade === meaning && found.raw === raw : isNoGrade(found?.kind, meaning)
      if (!isRight) problems.push(`key ${formatBytes(bytes)} does not come back as ${meaning}`)
    }
  }
  for (const command of Object.values(profile.commands)) {
    for (const values of extremesOf(command)) {
      const frame = fieldsFrame(profile, command.frame)
      const match = matchFrame(frame, encodeCommand(profile, command.name, values, address))
      const found = match.kind === 'frame' ? decodeCommand(profile, frame.name, match.fields) : null
      if (found?.command !== command) problems.push(`command ${command.name} does not come back as itself`)
      else if (JSON.stringify(found.values) !== JSON.stringify(values)) {
        problems.push(`command ${command.name} comes back with other parameters`)
      }
    }
  }
  return problems
}

function isNoGrade(kind: string | undefined, meaning: string): boolean {
  return kind === (meaning === 'unmapped' ? 'key-unmapped' : meaning)
}

function extremesOf(command: Command): ParameterValues[] {
  const parameters = Object.values(command.parameters)
  return [
    Object.fromEntries(parameters.map(({ name, min }) => [name, min])),
    Object.fromEntries(parameters.map(({ name, max }) => [name, max])),
  ]
}
