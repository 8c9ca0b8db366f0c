import type { ProfileFile } from './profile-schema.ts'
import { notAmong, type Report } from './report.ts'
import type { ExpectsFile } from './run-schema.ts'

/** Finds what in polling, health, answers and kinds names something that is not there or cannot work. */
export function checkRun(file: ProfileFile, report: Report) {
  checkKind(file, report)
  for (const part of ['poll', 'health'] as const) {
    const send = file[part]?.send
    if (send === undefined) continue
    const command = file.commands[send]
    if (!command) report([part, 'send'], notAmong('command', send, Object.keys(file.commands)))
    else if (!command.expects) report([part, 'send'], `${send} does not say what it expects`)
  }
  if (file.health && (file.health.send === undefined) === (file.health.none === undefined)) {
    report(['health'], 'needs either send or none')
  }
  for (const [name, command] of Object.entries(file.commands)) {
    if (command.expects) checkExpects(file, command.expects, ['commands', name, 'expects'], report)
  }
}

function checkKind(file: ProfileFile, report: Report) {
  const kind = file.kind ?? 'pad'
  if (kind === 'board') {
    if (!file.board) report(['kind'], 'a board needs the part board')
    for (const part of ['frames', 'events', 'commands', 'intents'] as const) {
      if (Object.keys(file[part]).length > 0) report([part], 'means nothing for a board')
    }
    return
  }
  if (file.board) report(['board'], `means nothing for kind ${kind}`)
  // A pad may have nothing that it can be told.
  for (const part of kind === 'pad' ? (['frames', 'events'] as const) : (['frames', 'commands', 'intents'] as const)) {
    if (Object.keys(file[part]).length === 0) report(['kind'], `kind ${kind} needs ${part}`)
  }
  if (kind === 'pad' && !file.health) report(['id'], 'needs health: a query, or none with the reason')
  if (kind === 'output' && Object.values(file.events).some(({ gives }) => gives === 'key')) {
    report(['events'], 'an output has no keys')
  }
}

function checkExpects(file: ProfileFile, expects: ExpectsFile, path: string[], report: Report) {
  if (!expects.events && !expects.echo && expects.onMissing !== 'succeed') {
    report(path, 'needs events or echo, or onMissing: succeed where silence is the answer')
  }
  if (expects.onMissing === 'succeed' && expects.retries) report([...path, 'retries'], 'silence is no reason to repeat')
  for (const part of ['events', 'refusals'] as const) {
    for (const [i, name] of (expects[part] ?? []).entries()) {
      const event = file.events[name]
      if (!event) report([...path, part, i], notAmong('event', name, Object.keys(file.events)))
      else if (part === 'refusals' && event.gives !== 'error')
        report([...path, part, i], `${name} gives ${event.gives}, and a refusal must give error`)
    }
  }
}
