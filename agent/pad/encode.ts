import type { Grade } from '#protocol/grades.ts'
import type { ByteList } from './bytes.ts'
import { buildFrame, type FieldValues } from './layout.ts'
import type { Command, EventRule, FieldsFrame, Profile } from './profile.ts'
import { fillTemplate, matchTemplate, type ParameterValues } from './template.ts'

/** The bytes of one command. Parameters the command does not have are not looked at. */
export function encodeCommand(
  profile: Profile,
  name: string,
  values: ParameterValues,
  address: number | null,
): ByteList {
  const command = profile.commands[name]
  if (!command) throw new Error(`profile ${profile.id} has no command ${name}`)
  const fields: Record<string, ByteList> = {}
  for (const [field, template] of Object.entries(command.fields)) {
    fields[field] = fillTemplate(template, command.parameters, values)
  }
  return buildFrame(fieldsFrame(profile, command.frame), fields, address)
}

/** Which command a frame to the pad is, and with which parameters: the pad's side of `encodeCommand`. */
export function decodeCommand(
  profile: Profile,
  frame: string,
  fields: FieldValues,
): { command: Command; values: ParameterValues } | null {
  for (const command of Object.values(profile.commands)) {
    if (command.frame !== frame) continue
    const found = Object.entries(command.fields).map(([name, template]) =>
      matchTemplate(template, command.parameters, fields[name]!),
    )
    if (found.every(values => values !== null))
      return { command, values: Object.assign({}, ...found) as ParameterValues }
  }
  return null
}

/** The bytes a pad sends for one raw key value: the pad's side of `decodeFrame`. */
export function encodeKey(profile: Profile, event: EventRule, raw: ByteList, address: number | null): ByteList {
  const frame = profile.frames.find(({ name }) => name === event.frame)!
  if (frame.kind === 'byte') return raw
  const values: Record<string, ByteList> = { ...event.match, [event.value.field]: raw }
  return buildFrame(frame, values, address)
}

/** The event and raw value that stand for a grade on this pad; undefined where it has no such key. */
export function keyOfGrade(profile: Profile, grade: Grade): { event: EventRule; raw: ByteList } | undefined {
  for (const event of profile.events) {
    const key = event.keys.find(({ meaning }) => meaning === grade)
    if (key) return { event, raw: key.bytes }
  }
  return undefined
}

export function fieldsFrame(profile: Profile, name: string): FieldsFrame {
  const frame = profile.frames.find(candidate => candidate.name === name)
  if (frame?.kind !== 'fields') throw new Error(`profile ${profile.id} has no frame ${name} with fields`)
  return frame
}
