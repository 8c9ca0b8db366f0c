import { formatBytes } from './bytes.ts'
import { createPadCodec, type PadOutput } from './codec.ts'
import { describeOutputs } from './describe-output.ts'
import { exampleFrames, exampleValues } from './examples.ts'
import { addressOf, type Profile } from './profile.ts'
import { hear } from './round-trip.ts'

/**
 * A golden line that would show what no line shows, made from the profile alone. It says what the profile does, not
 * what the pad does: whoever takes it over compares it with the manual first.
 */
export function createDraft(
  profile: Profile,
  coverageOf: (output: Extract<PadOutput, { kind: 'frame' }>) => string[],
): (item: string) => string | undefined {
  let heard: { shows: Set<string>; line: string }[] | undefined

  function heardLines() {
    return exampleFrames(profile, addressOf(profile)).map(example => {
      const outputs = hear(profile, example, [example.bytes])
      const shows = outputs.flatMap(output => (output.kind === 'frame' ? coverageOf(output) : []))
      const line = `< ${formatBytes(example.bytes)}   ${describeOutputs(profile, outputs)}   source`
      return { shows: new Set(shows), line }
    })
  }

  return item => {
    const command = /^command (.*)$/.exec(item)?.[1]
    if (command === undefined) {
      heard ??= heardLines()
      return heard.find(({ shows }) => shows.has(item))?.line
    }
    const values = exampleValues(profile.commands[command]!)
    const given = Object.entries(values).map(([name, value]) => ` ${name}=${value === '' ? '""' : value}`)
    const steps = createPadCodec(profile).all(command, values)
    return `> ${command}${given.join('')}   ${steps.map(({ bytes }) => formatBytes(bytes)).join(' | ')}   source`
  }
}
