import { formatBytes } from './bytes.ts'
import type { PadEvent, PadOutput } from './codec.ts'
import type { Profile } from './profile.ts'

/** The outputs as a golden file writes them. */
export function describeOutputs(profile: Profile, outputs: readonly PadOutput[]): string {
  return outputs.map(output => describeOutput(profile, output)).join(' | ') || 'nothing'
}

function describeOutput(profile: Profile, output: PadOutput): string {
  if (output.kind === 'garbage') return `garbage ${output.bytes.length} ${output.reason}`
  const { answer, completes } = output
  return [
    describeEvent(profile, output.event),
    ...(answer ? [`answer ${formatBytes(answer)}`] : []),
    ...(completes ? [`${completes.how === 'answered' ? 'completes' : 'refuses'} ${completes.command}`] : []),
  ].join(', ')
}

export function describeEvent(profile: Profile, event: PadEvent): string {
  switch (event.kind) {
    case 'key':
      return `key ${event.grade}`
    case 'key-unmapped':
      return `key-unmapped ${event.raw}`
    case 'keys':
      return `keys ${event.down.map(raw => meaningOf(profile, raw)).join(' + ') || 'none'}`
    case 'released':
      return event.raw === null ? 'released' : `released ${event.raw}`
    case 'staff-key':
      return `staff-key ${event.key}`
    case 'error':
      return `error ${event.error}`
    case 'status':
      return event.value === null ? `status ${event.status}` : `status ${event.status} ${event.value}`
    case 'text':
      return `text "${event.text}"`
    case 'ignored':
      return `ignored ${event.meaning}`
    default:
      return event.kind
  }
}

function meaningOf(profile: Profile, raw: number): string {
  const keys = profile.events.filter(({ gives }) => gives === 'keys').flatMap(rule => rule.keys)
  return keys.find(key => key.raw === raw)?.meaning ?? `${raw}`
}
