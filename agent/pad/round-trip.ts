import { formatBytes, isSame } from './bytes.ts'
import { createPadCodec, type PadOutput } from './codec.ts'
import { describeEvent, describeOutputs } from './describe-output.ts'
import { decodeCommand, encodeCommand } from './encode.ts'
import { type Example, exampleFrames, exampleValues } from './examples.ts'
import { fieldsOf } from './match.ts'
import { matchWhole } from './matcher.ts'
import { addressOf, type Command, frameOf, type Profile } from './profile.ts'
import type { RelationProblem } from './relations.ts'
import type { ParameterValues } from './template.ts'

/** What a profile writes must be what it reads: every event and every command, out and back. Returns what is not. */
export function checkRoundTrips(profile: Profile): RelationProblem[] {
  const address = addressOf(profile)
  return [
    ...exampleFrames(profile, address).flatMap(example => checkExample(profile, example)),
    ...Object.values(profile.commands).flatMap(command =>
      checkCommand(profile, command, address).map(message => ({ path: ['commands', command.name], message })),
    ),
  ]
}

/** The outputs of one fresh codec for bytes that come in pieces, when everything was heard that comes before them. */
export function hear(profile: Profile, example: Example, pieces: readonly Uint8Array[]): PadOutput[] {
  const codec = createPadCodec(profile)
  example.prepare(codec)
  return [...pieces.flatMap(piece => codec.receive(piece, true)), ...codec.silence()]
}

/** Whether the outputs hold the event of the example. */
export function isHeard(profile: Profile, { rule, expected }: Example, outputs: readonly PadOutput[]): boolean {
  return outputs.some(output => {
    if (output.kind !== 'frame' || output.rule !== rule.name) return false
    const found = describeEvent(profile, output.event)
    return expected === 'text' ? found.startsWith('text ') : found === expected
  })
}

function checkExample(profile: Profile, example: Example): RelationProblem[] {
  const outputs = hear(profile, example, [example.bytes])
  if (outputs.length === 1 && isHeard(profile, example, outputs)) return []
  const { path, bytes, expected } = example
  const found = describeOutputs(profile, outputs)
  return [{ path, message: `${formatBytes(bytes)} must come back as ${expected}; found ${found}` }]
}

function checkCommand(profile: Profile, command: Command, address: number | null): string[] {
  const frame = frameOf(profile, command.frame)
  for (const values of extremesOf(command)) {
    for (const bytes of encodeCommand(profile, command.name, values, address)) {
      const match = matchWhole(frame, bytes)
      if (!match) return [`is no frame that can be read: ${formatBytes(bytes)}`]
      const found = decodeCommand(profile, frame.name, fieldsOf(match))
      if (found?.command !== command)
        return [`must come back as ${command.name}; found ${found?.command.name ?? 'nothing'}: ${formatBytes(bytes)}`]
      if (command.segments) continue
      const [again] = encodeCommand(profile, command.name, { ...values, ...found.values }, address)
      if (!isSame(again!, bytes))
        return [`comes back with other parameters: ${formatBytes(bytes)}, then ${formatBytes(again!)}`]
      const wrong = wrongNumber(command, values, found.values)
      if (wrong)
        return [`must come back with ${wrong} ${values[wrong]}; found ${found.values[wrong]}: ${formatBytes(bytes)}`]
    }
  }
  return []
}

function wrongNumber(command: Command, sent: ParameterValues, found: ParameterValues): string | undefined {
  return Object.values(command.parameters).find(
    parameter =>
      'scale' in parameter &&
      parameter.scale.value <= parameter.scale.wire &&
      sent[parameter.name] !== found[parameter.name],
  )?.name
}

/** Values at both ends of every range, and texts that are short, long, and full of what is escaped. */
function extremesOf(command: Command): ParameterValues[] {
  const pick = (least: boolean, text: string): ParameterValues => ({
    ...exampleValues(command),
    ...Object.fromEntries(
      Object.values(command.parameters).flatMap((parameter): [string, number | string][] => {
        if (parameter.as === 'text') return [[parameter.name, text]]
        return 'min' in parameter ? [[parameter.name, least ? parameter.min : parameter.max]] : []
      }),
    ),
  })
  return [pick(true, 'A1'), pick(false, '张三'), pick(true, '请您评价'.repeat(60)), pick(false, 'a"b\\c\r~')]
}
