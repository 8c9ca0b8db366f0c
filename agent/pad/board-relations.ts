import type { BoardFile } from './board-schema.ts'
import { notAmong, type Report } from './report.ts'

/** Finds pins that are used twice or were never declared, and keys that would say nothing. */
export function checkBoard(board: BoardFile, report: Report) {
  checkPins(board, report)
  const raws = Object.entries(board.keys).map(([pin, raw]) => ({ pin, raw: raw.toUpperCase() }))
  const grades = Object.keys(board.grades)
  for (const [i, { pin, raw }] of raws.entries()) {
    if (!grades.some(text => text.toUpperCase() === raw)) {
      report(['board', 'keys', pin], notAmong('raw value of the table grades', raw, grades))
    }
    const first = raws.findIndex(other => other.raw === raw)
    if (first !== i) report(['board', 'keys', pin], `gives ${raw}, as the key at pin ${raws[first]!.pin} does`)
  }
  for (const text of grades) {
    if (!raws.some(({ raw }) => raw === text.toUpperCase())) {
      report(['board', 'grades', text], `can never come: the keys give ${raws.map(({ raw }) => raw).join(', ')}`)
    }
  }
  checkPatterns(board, report)
}

function checkPins({ keys, lamps = [], buzzer }: BoardFile, report: Report) {
  const taken = new Map<number, string>()
  const take = (pin: number, what: string, path: (string | number)[]) => {
    const other = taken.get(pin)
    if (other !== undefined) report(path, `pin ${pin} is ${other} already; each pin does one thing`)
    taken.set(pin, what)
  }
  for (const pin of Object.keys(keys)) take(Number(pin), 'a key', ['board', 'keys', pin])
  for (const [i, pin] of lamps.entries()) take(pin, 'a lamp', ['board', 'lamps', i])
  if (buzzer !== undefined) take(buzzer, 'the buzzer', ['board', 'buzzer'])
}

function checkPatterns({ patterns, lamps = [], buzzer }: BoardFile, report: Report) {
  for (const [name, pattern] of Object.entries(patterns)) {
    for (const [i, step] of pattern.steps.entries()) {
      const path = ['board', 'patterns', name, 'steps', i]
      for (const [j, pin] of step.lamps.entries()) {
        if (!lamps.includes(pin)) report([...path, 'lamps', j], notAmong('pin of a lamp', `${pin}`, lamps.map(String)))
      }
      if (step.buzzer && buzzer === undefined) report([...path, 'buzzer'], 'needs buzzer: its pin')
      const isLast = i === pattern.steps.length - 1
      if (step.for === undefined && (!isLast || pattern.repeat)) {
        report(path, 'needs for: only the last step of a pattern that ends may stay')
      }
    }
  }
}
